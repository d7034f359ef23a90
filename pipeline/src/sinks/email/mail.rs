//! A message as a mail: its headers and its two parts.
//!
//! Headers are made of addresses of the configuration, of ids, and of a heading that is one line; so
//! nothing from a log can begin another header.

use askance_stages::raise::MessageKind;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::html::html;
use crate::sinks::Notice;
use crate::sinks::words::{Message, text};

/// From whom and to whom.
#[derive(Debug)]
pub struct Letterhead {
    /// The sender.
    pub from: Mailbox,
    /// The receivers.
    pub to: Vec<Mailbox>,
}

impl Letterhead {
    /// Writes the mail.
    ///
    /// # Errors
    /// When the library cannot make one of it.
    pub fn mail(
        &self,
        notice: &Notice,
        message: &Message,
    ) -> Result<lettre::Message, lettre::error::Error> {
        let root = self.root(notice);
        let mut builder = lettre::Message::builder().from(self.from.clone());
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        // The subject of a conversation stays the same, or programs begin another one.
        let is_reply = notice.kind == MessageKind::Update;
        let subject =
            if is_reply { format!("Re: {}", message.heading) } else { message.heading.clone() };
        let own = match notice.kind {
            MessageKind::New => root.clone(),
            MessageKind::Update | MessageKind::More => self.id(&notice.message_id),
        };
        builder = builder.subject(subject).message_id(Some(own));
        if is_reply {
            builder = builder.in_reply_to(root.clone());
        }
        // SES puts its own id in place of a mail's: what holds a conversation together there is that all
        // its mails name one id that no mail has.
        builder = builder.references(root);
        for (name, value) in [
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("X-Askance-Alert", notice.alert.id.as_str()),
            ("X-Askance-Kind", notice.kind.name()),
        ] {
            let name = HeaderName::new_from_ascii(name.to_owned())
                .map_err(|_| lettre::error::Error::NonAsciiChars)?;
            builder = builder.raw_header(HeaderValue::new(name, plain(value)));
        }
        builder.multipart(MultiPart::alternative_plain_html(text(message), html(message)))
    }

    /// The id that all mails of an alert's conversation name; the first mail's own.
    pub fn root(&self, notice: &Notice) -> String {
        self.id(&notice.group.leader)
    }

    fn id(&self, text: &str) -> String {
        let name: String = text
            .chars()
            .take(150)
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '.' })
            .collect();
        // Two dots in a row, or one at an end, are no part of an id.
        let name: Vec<&str> = name.split('.').filter(|part| !part.is_empty()).collect();
        format!("<askance.{}@{}>", name.join("."), self.from.email.domain())
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(200).collect()
}
