//! E-mail: plain text and HTML with the same words, by a mail server or by SES.
//!
//! Repeats are replies to the first mail, so that programs show them as one conversation. Mails say
//! that a program wrote them, so that no other program answers.

mod html;
mod mail;
mod transport;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use lettre::message::Mailbox;

use self::mail::Letterhead;
use self::transport::Transport;
use super::words::Message;
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError};
use crate::config::{EmailConfig, Language};

/// Receivers of mail.
pub struct Email {
    letterhead: Letterhead,
    transport: Transport,
    languages: Vec<Language>,
}

impl Email {
    /// Reads addresses and the password; no connection is made yet.
    ///
    /// # Errors
    /// When an address is none, or the password cannot be read.
    pub async fn open(config: &EmailConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let from = mailbox(context, "from", &config.from)?;
        let to: Result<Vec<Mailbox>, SinkError> =
            config.to.iter().map(|text| mailbox(context, "to", text)).collect();
        let to = to?;
        if to.is_empty() {
            return Err(context.misconfigured("to names no receiver"));
        }
        let letterhead = Letterhead { from, to };
        let transport = Transport::open(&config.transport, context).await?;
        let languages = context.languages_or(config.languages.as_ref());
        Ok(Self { letterhead, transport, languages })
    }

    async fn tell(&self, notice: &Notice) -> Result<Sent, SendError> {
        let message = Message::of(notice, &self.languages);
        let mail = self.letterhead.mail(notice, &message).map_err(|error| {
            SendError::Refused(format!("cannot write a mail about the alert: {error}"))
        })?;
        self.transport.send(&mail).await?;
        Ok(Sent { reference: Some(self.letterhead.root(notice)) })
    }
}

#[async_trait]
impl Sink for Email {
    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::with_capacity(notices.len());
        for notice in notices {
            results.push(self.tell(notice).await);
        }
        results
    }
}

/// Reads `name <address>` or an address.
fn mailbox(context: &SinkContext, key: &str, text: &str) -> Result<Mailbox, SinkError> {
    // A line break in a name would end the header, and the mail library panics at it.
    if text.chars().any(char::is_control) {
        return Err(context.misconfigured(format!("{key} holds a line break or another control")));
    }
    text.trim().parse().map_err(|error| {
        context.misconfigured(format!("{key}: \"{text}\" is no mail address: {error}"))
    })
}
