//! SNS over HTTP (the query protocol): Publish and PublishBatch.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use jiff::Timestamp;

use super::answer::{Answer, escape};
use super::topic::{Published, Topic};

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// Largest message, its attributes not counted.
const MAX_MESSAGE: usize = 256 * 1024;

/// Parameters of a request by name.
pub(crate) type Form = BTreeMap<String, String>;

/// The operation that a form asks for.
pub(crate) fn operation(form: &Form) -> &'static str {
    match form.get("Action").map(String::as_str) {
        Some("Publish") => "Publish",
        Some("PublishBatch") => "PublishBatch",
        _ => "Unknown",
    }
}

/// Carries a request out.
pub(crate) fn answer(topic: &mut Topic, form: &Form, now: Instant) -> Answer {
    match operation(form) {
        "Publish" => publish(topic, form, now),
        "PublishBatch" => publish_batch(topic, form, now),
        _ => {
            let action = form.get("Action").map_or("", String::as_str);
            let what = format!("The stand-in knows Publish and PublishBatch, not {action:?}");
            error(400, "InvalidAction", &what)
        }
    }
}

/// An error of SNS.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let xml = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>standin</RequestId></ErrorResponse>",
        escape(code),
        escape(message)
    );
    Answer::text(status, "text/xml", xml)
}

fn success(operation: &str, result: &str) -> Answer {
    let xml = format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{result}</{operation}Result><ResponseMetadata><RequestId>standin</RequestId></ResponseMetadata></{operation}Response>"
    );
    Answer::text(200, "text/xml", xml)
}

/// The message below a prefix of the form, or why it is none.
fn message(form: &Form, prefix: &str, topic: &str) -> Result<Published, &'static str> {
    let value = |name: &str| form.get(&format!("{prefix}{name}")).cloned();
    let body = value("Message").filter(|body| !body.is_empty()).ok_or("Empty message")?;
    if body.len() > MAX_MESSAGE {
        return Err("Message too long");
    }
    let subject = value("Subject");
    if subject.as_ref().is_some_and(|subject| !is_subject(subject)) {
        return Err(
            "Subject must be printable ASCII of 1 to 99 characters, and begin with none that is blank",
        );
    }
    let mut attributes = Vec::new();
    for number in 1.. {
        let part = |name: &str| value(&format!("MessageAttributes.entry.{number}.{name}"));
        let Some(name) = part("Name") else { break };
        let kind = part("Value.DataType").ok_or("An attribute has no type")?;
        let text = part("Value.StringValue").or_else(|| part("Value.BinaryValue"));
        attributes.push((name, kind, text.ok_or("An attribute has no value")?));
    }
    let at = Timestamp::now();
    Ok(Published { number: 0, at, topic: topic.to_owned(), subject, body, attributes })
}

/// What SNS documents of subjects: ASCII, below 100 characters, no line breaks or control
/// characters, beginning with a letter, number or punctuation mark.
fn is_subject(subject: &str) -> bool {
    (1..100).contains(&subject.len())
        && subject.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        && !subject.starts_with(' ')
}

fn arn(form: &Form) -> Result<&str, Answer> {
    let arn = form.get("TopicArn").or_else(|| form.get("TargetArn")).map_or("", String::as_str);
    if arn.starts_with("arn:") && arn.split(':').count() == 6 {
        return Ok(arn);
    }
    let what = "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter";
    Err(error(400, "InvalidParameter", what))
}

fn message_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

fn publish(topic: &mut Topic, form: &Form, now: Instant) -> Answer {
    let arn = match arn(form) {
        Ok(arn) => arn,
        Err(answer) => return answer,
    };
    match message(form, "", arn) {
        Ok(message) => {
            let id = message_id(topic.publish(message, now));
            success("Publish", &format!("<MessageId>{id}</MessageId>"))
        }
        Err(what) => error(400, "InvalidParameter", &format!("Invalid parameter: {what}")),
    }
}

fn publish_batch(topic: &mut Topic, form: &Form, now: Instant) -> Answer {
    let arn = match arn(form) {
        Ok(arn) => arn,
        Err(answer) => return answer,
    };
    let (mut good, mut bad, mut count) = (String::new(), String::new(), 0);
    for number in 1.. {
        let prefix = format!("PublishBatchRequestEntries.member.{number}.");
        let Some(id) = form.get(&format!("{prefix}Id")) else { break };
        count += 1;
        if count > 10 {
            let what = "The batch request contains more entries than permissible.";
            return error(400, "TooManyEntriesInBatchRequest", what);
        }
        let id = escape(id);
        match message(form, &prefix, arn) {
            Ok(message) => {
                let message_id = message_id(topic.publish(message, now));
                let _ = write!(
                    good,
                    "<member><Id>{id}</Id><MessageId>{message_id}</MessageId></member>"
                );
            }
            Err(what) => {
                let _ = write!(
                    bad,
                    "<member><Id>{id}</Id><Code>InvalidParameter</Code><Message>{what}</Message><SenderFault>true</SenderFault></member>"
                );
            }
        }
    }
    if count == 0 {
        let what = "The batch request doesn't contain any entries.";
        return error(400, "EmptyBatchRequest", what);
    }
    success("PublishBatch", &format!("<Successful>{good}</Successful><Failed>{bad}</Failed>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_checked_as_documented() {
        assert!(is_subject("HIGH: trail stopped"));
        for subject in ["", " a", "a\nb", "café", &"a".repeat(100)] {
            assert!(!is_subject(subject), "{subject:?}");
        }
    }
}
