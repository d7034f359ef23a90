//! An SNS topic: the alert as JSON, as OCSF, or as text for people.

use askance_stages::raise::MessageKind;
use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;
use sha2::{Digest as _, Sha256};

use super::trouble::failure;
use super::{Notice, SendError, Sent, Sink, SinkContext, SinkError, words};
use crate::alert_formats::{Told, clip, fit, native, ocsf_told};
use crate::aws::Place;
use crate::config::{Language, SnsConfig, SnsFormat};
use crate::output::clean::clean;

/// Most bytes of a message with its subject and attributes. A topic may be set to allow more.
const MAX_BYTES: usize = 262_144;

/// Longest subject: SNS wants less than 100 characters.
const MAX_SUBJECT: usize = 99;

/// Longest value of an attribute, in characters; what is filtered by is short.
const MAX_ATTRIBUTE: usize = 256;

/// Messages that are taken from the outbox at once; they are published one after the other.
const MAX_BATCH: usize = 10;

/// A topic.
pub struct Sns {
    client: aws_sdk_sns::Client,
    topic_arn: String,
    format: SnsFormat,
    languages: Vec<Language>,
}

impl Sns {
    /// Of the topic that is configured; nothing is called yet.
    ///
    /// # Errors
    /// When the topic's ARN is none.
    pub async fn open(config: &SnsConfig, context: &SinkContext) -> Result<Self, SinkError> {
        let parts: Vec<&str> = config.topic_arn.split(':').collect();
        let ["arn", _, "sns", region, _, _] = parts[..] else {
            return Err(context.misconfigured(format!(
                "topic_arn {:?} is not the ARN of a topic, such as \
                 arn:aws:sns:eu-west-1:111122223333:alerts",
                config.topic_arn
            )));
        };
        let region = config.region.clone().unwrap_or_else(|| region.to_owned());
        let place = Place { region: Some(region), ..Place::default() };
        Ok(Self {
            client: context.aws.sns(&place).await,
            topic_arn: config.topic_arn.clone(),
            format: config.format,
            languages: context.languages_or(config.languages.as_ref()),
        })
    }

    async fn publish(&self, notice: &Notice) -> Result<(), SendError> {
        let subject = subject(notice);
        let attributes = attributes(notice);
        let used: usize =
            attributes.iter().map(|(name, value)| name.len() + "String".len() + value.len()).sum();
        let room = MAX_BYTES - used - subject.len();
        let mut request = self
            .client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(subject)
            .message(self.message(notice, room));
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value);
            let value = value.build().map_err(|error| SendError::Refused(error.to_string()))?;
            request = request.message_attributes(name, value);
        }
        if self.topic_arn.ends_with(".fifo") {
            let sent = Sha256::digest(notice.message_id.as_bytes());
            let sent: String = sent.iter().map(|byte| format!("{byte:02x}")).collect();
            request = request
                .message_group_id(clip(&notice.group.leader, 128))
                .message_deduplication_id(sent);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let attempt = format!("publish to {}", self.topic_arn);
                Err(failure(&attempt, &error, is_refusal))
            }
        }
    }

    fn message(&self, notice: &Notice, room: usize) -> String {
        match self.format {
            SnsFormat::Json => fit(&notice.alert, room, |alert, left_out| {
                native(alert, notice.kind, &notice.group, left_out)
            }),
            SnsFormat::Ocsf => fit(&notice.alert, room, |alert, left_out| {
                let told = Told {
                    kind: notice.kind,
                    group: Some(&notice.group),
                    words: &notice.words,
                    account: notice.account.as_ref(),
                    left_out,
                };
                ocsf_told(alert, &told).to_string()
            }),
            SnsFormat::Text => {
                let message = words::Message::of(notice, &self.languages);
                within(words::text(&message), room, &notice.alert.id)
            }
        }
    }
}

/// The text in so many bytes; what is cut says so, and where the whole is.
fn within(text: String, room: usize, id: &str) -> String {
    if text.len() <= room {
        return text;
    }
    let end = format!("…\n\naskance alerts show {id}\n");
    let mut at = room.saturating_sub(end.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    format!("{}{end}", &text[..at])
}

/// What a message that is refused is told by: nothing that is wrong with the topic or its permissions.
fn is_refusal(code: &str, words: &str) -> bool {
    let is_invalid = matches!(
        code,
        "InvalidParameter"
            | "InvalidParameterException"
            | "InvalidParameterValue"
            | "ParameterValueInvalid"
            | "ValidationError"
    );
    is_invalid && !words.contains("Topic")
}

/// One line of ASCII: SNS takes no more everywhere, and a subject becomes a header of mail.
fn subject(notice: &Notice) -> String {
    let title = &notice.alert.rule.title;
    let has_ascii = title.chars().any(|c| c.is_ascii_alphanumeric());
    let title = if has_ascii { title } else { &notice.alert.rule.id };
    let again = match notice.kind {
        MessageKind::New => String::new(),
        MessageKind::Update => format!(" ({} times)", notice.group.count),
        MessageKind::More => format!(" ({} more held back)", notice.group.count),
    };
    let level = notice.alert.level.name().to_ascii_uppercase();
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
    };
    let mut title = plain(title);
    title.truncate(MAX_SUBJECT.saturating_sub(level.len() + again.len() + 3));
    format!("[{level}] {}{again}", title.trim())
}

/// What subscriptions filter by.
fn attributes(notice: &Notice) -> Vec<(&'static str, String)> {
    let alert = &notice.alert;
    let values = [
        ("level", Some(alert.level.name())),
        ("rule", Some(alert.rule.id.as_str())),
        ("account", alert.account.as_deref()),
        ("region", alert.region.as_deref()),
        ("kind", Some(notice.kind.name())),
    ];
    values
        .into_iter()
        .filter_map(|(name, value)| Some((name, clip(&clean(value?), MAX_ATTRIBUTE))))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

#[async_trait]
impl Sink for Sns {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::new();
        for notice in notices {
            match self.publish(notice).await {
                Ok(()) => results.push(Ok(Sent::default())),
                Err(refused @ SendError::Refused(_)) => results.push(Err(refused)),
                // What is behind it would fail the same way, and take as long.
                Err(failed) => {
                    results.resize(notices.len(), Err(failed));
                    break;
                }
            }
        }
        results
    }
}

#[cfg(test)]
#[path = "sns_tests.rs"]
mod tests;
