//! SQS over HTTP (AWS JSON 1.0), with long polling.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::content::md5;
use super::queue::{Handle, Message, Queue, QueueConfig};
use super::state::{ACCOUNT, Shared, State};

/// Longest that a receive waits, as at SQS.
const LONGEST_WAIT: u64 = 20;

/// Longest that a message is hidden, in seconds.
const LONGEST_VISIBILITY: u64 = 43_200;

/// Names of operations, as `x-amz-target` has them behind `AmazonSQS.`.
const OPERATIONS: [&str; 11] = [
    "ReceiveMessage",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "SendMessage",
    "SendMessageBatch",
    "GetQueueAttributes",
    "GetQueueUrl",
    "CreateQueue",
    "PurgeQueue",
];

/// Why a request, or one entry of a batch, is refused.
struct Refusal {
    code: &'static str,
    message: String,
}

type Answered = Result<Value, Refusal>;

fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { code, message: message.into() }
}

impl From<Handle> for Refusal {
    fn from(handle: Handle) -> Self {
        match handle {
            Handle::Invalid => {
                refuse("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
            }
            Handle::NotInFlight => {
                refuse("MessageNotInflight", "The message referred to isn't in flight.")
            }
        }
    }
}

/// The operation of a target.
pub(crate) fn operation(target: &str) -> &'static str {
    let name = target.strip_prefix("AmazonSQS.").unwrap_or_default();
    OPERATIONS.into_iter().find(|known| *known == name).unwrap_or("Unknown")
}

/// Carries a request out; a receive may wait.
pub(crate) async fn answer(shared: &Arc<Shared>, operation: &'static str, body: &[u8]) -> Answer {
    let Ok(input) = serde_json::from_slice::<Value>(body) else {
        return error(400, "SerializationException", "the body is no JSON");
    };
    let answered = if operation == "ReceiveMessage" {
        receive(shared, &input).await
    } else {
        let answered = act(&mut shared.state(), operation, &input);
        // Whatever was sent or shown is for those who wait.
        shared.arrived.notify_waiters();
        answered
    };
    match answered {
        Ok(output) => Answer::text(200, "application/x-amz-json-1.0", output.to_string()),
        Err(refusal) => error(400, refusal.code, &refusal.message),
    }
}

/// An error of SQS. SDKs read `__type`; older names are told as SQS does for those who came from the
/// query protocol.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    let older = match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "TooManyEntriesInBatchRequest" => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "EmptyBatchRequest" => "AWS.SimpleQueueService.EmptyBatchRequest",
        "BatchEntryIdsNotDistinct" => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "MessageNotInflight" => "AWS.SimpleQueueService.MessageNotInflight",
        other => other,
    };
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message});
    Answer::text(status, "application/x-amz-json-1.0", body.to_string())
        .with("x-amzn-query-error", format!("{older};{kind}"))
}

async fn receive(shared: &Arc<Shared>, input: &Value) -> Answered {
    let (name, most, visibility, wait) = {
        let mut state = shared.state();
        let (name, queue) = queue_of(&mut state, input)?;
        let most = whole(input, "MaxNumberOfMessages", 1..=10)?.unwrap_or(1) as usize;
        let hidden = whole(input, "VisibilityTimeout", 0..=LONGEST_VISIBILITY)?;
        let visibility = hidden.map_or(queue.config.visibility, Duration::from_secs);
        let wait = whole(input, "WaitTimeSeconds", 0..=LONGEST_WAIT)?.unwrap_or(0);
        (name, most, visibility, Duration::from_secs(wait))
    };
    let deadline = Instant::now() + wait;
    loop {
        let arrived = shared.arrived.notified();
        tokio::pin!(arrived);
        // Enabled before looking, so that what comes in between wakes it.
        arrived.as_mut().enable();
        let (messages, next) = take(&mut shared.state(), &name, most, visibility);
        let now = Instant::now();
        if !messages.is_empty() || now >= deadline {
            let wanted = wanted_attributes(input);
            let told: Vec<Value> = messages.iter().map(|one| tell(one, &wanted)).collect();
            return Ok(if told.is_empty() { json!({}) } else { json!({"Messages": told}) });
        }
        let until = next.map_or(deadline, |next| next.min(deadline));
        // Ended by a message or by time, it looks again.
        let _ = tokio::time::timeout_at(until.into(), arrived).await;
    }
}

/// Receives, and moves what was received too often; also when the next hidden message shows.
fn take(
    state: &mut State,
    name: &str,
    most: usize,
    visibility: Duration,
) -> (Vec<Message>, Option<Instant>) {
    let now = Instant::now();
    let Some(queue) = state.queues.get_mut(name) else { return (Vec::new(), None) };
    let (given, moved) = queue.receive(most, visibility, now);
    let next = queue.next_shown();
    let dead = queue.config.redrive.as_ref().map(|(_, dead)| dead.clone());
    if let Some(dead) = dead.and_then(|dead| state.queues.get_mut(&dead)) {
        for message in moved {
            dead.send(message.body, message.md5, Duration::ZERO, now);
        }
    }
    (given, next)
}

fn wanted_attributes(input: &Value) -> Vec<&str> {
    let list = |name| input[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    list("AttributeNames").chain(list("MessageSystemAttributeNames")).collect()
}

fn tell(message: &Message, wanted: &[&str]) -> Value {
    let all = [
        ("ApproximateReceiveCount", message.receives.to_string()),
        ("SentTimestamp", message.sent_millis.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_millis.to_string()),
        ("SenderId", "AIDASTANDIN".to_owned()),
    ];
    let is_wanted = |name: &str| wanted.iter().any(|one| *one == "All" || *one == name);
    let attributes: Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| is_wanted(name))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let mut told = json!({
        "MessageId": message_id(message.id),
        "ReceiptHandle": message.handle(),
        "MD5OfBody": message.md5,
        "Body": message.body,
    });
    if !attributes.is_empty() {
        told["Attributes"] = attributes.into();
    }
    told
}

fn message_id(number: u64) -> String {
    format!("00000000-0000-4000-9000-{number:012x}")
}

fn act(state: &mut State, operation: &str, input: &Value) -> Answered {
    let now = Instant::now();
    match operation {
        "CreateQueue" => return create(state, input),
        "GetQueueUrl" => {
            let name = text(input, "QueueName")?;
            let url = state.queues.contains_key(name).then(|| state.queue_url(name));
            return url.map(|url| json!({"QueueUrl": url})).ok_or_else(no_queue);
        }
        "GetQueueAttributes" => return attributes(state, input),
        _ => {}
    }
    let (_, queue) = queue_of(state, input)?;
    match operation {
        "DeleteMessage" => delete(queue, input),
        "ChangeMessageVisibility" => change(queue, input, now),
        "SendMessage" => send(queue, input, now),
        "DeleteMessageBatch" => batch(input, |entry| delete(queue, entry)),
        "ChangeMessageVisibilityBatch" => batch(input, |entry| change(queue, entry, now)),
        "SendMessageBatch" => batch(input, |entry| send(queue, entry, now)),
        "PurgeQueue" => {
            queue.purge();
            Ok(json!({}))
        }
        _ => {
            let known = OPERATIONS.join(", ");
            Err(refuse("UnknownOperationException", format!("the stand-in knows {known}")))
        }
    }
}

fn delete(queue: &mut Queue, input: &Value) -> Answered {
    queue.delete(text(input, "ReceiptHandle")?)?;
    Ok(json!({}))
}

fn change(queue: &mut Queue, input: &Value, now: Instant) -> Answered {
    let to = whole(input, "VisibilityTimeout", 0..=LONGEST_VISIBILITY)?
        .ok_or_else(|| refuse("MissingParameter", "VisibilityTimeout is missing"))?;
    queue.change(text(input, "ReceiptHandle")?, Duration::from_secs(to), now)?;
    Ok(json!({}))
}

fn send(queue: &mut Queue, input: &Value, now: Instant) -> Answered {
    let body = text(input, "MessageBody")?;
    if !input["MessageAttributes"].is_null() {
        return Err(refuse("InvalidParameterValue", "the stand-in keeps no message attributes"));
    }
    let delay = Duration::from_secs(whole(input, "DelaySeconds", 0..=900)?.unwrap_or(0));
    let md5 = md5(body.as_bytes());
    let number = queue.send(body.to_owned(), md5.clone(), delay, now);
    Ok(json!({"MessageId": message_id(number), "MD5OfMessageBody": md5}))
}

/// Does it for each entry; what one refuses does not stop the others.
fn batch(input: &Value, mut act: impl FnMut(&Value) -> Answered) -> Answered {
    let entries = input["Entries"].as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() {
        return Err(refuse("EmptyBatchRequest", "There should be at least one entry."));
    }
    if entries.len() > 10 {
        let what = "Maximum number of entries per request are 10.";
        return Err(refuse("TooManyEntriesInBatchRequest", what));
    }
    let ids: std::collections::BTreeSet<&str> =
        entries.iter().filter_map(|entry| entry["Id"].as_str()).collect();
    if ids.len() != entries.len() {
        return Err(refuse("BatchEntryIdsNotDistinct", "Ids are missing or repeated."));
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for entry in entries {
        match act(entry) {
            Ok(mut output) => {
                output["Id"] = entry["Id"].clone();
                good.push(output);
            }
            Err(refusal) => bad.push(json!({
                "Id": entry["Id"],
                "SenderFault": true,
                "Code": refusal.code,
                "Message": refusal.message,
            })),
        }
    }
    Ok(json!({"Successful": good, "Failed": bad}))
}

fn create(state: &mut State, input: &Value) -> Answered {
    let name = text(input, "QueueName")?.to_owned();
    let own = &input["Attributes"];
    let visibility = match own["VisibilityTimeout"].as_str() {
        Some(seconds) => Duration::from_secs(
            seconds.parse().map_err(|_| refuse("InvalidAttributeValue", "VisibilityTimeout"))?,
        ),
        None => Duration::from_secs(30),
    };
    let redrive = match own["RedrivePolicy"].as_str() {
        Some(policy) => Some(read_policy(policy).ok_or_else(|| {
            refuse(
                "InvalidAttributeValue",
                "RedrivePolicy needs deadLetterTargetArn and maxReceiveCount",
            )
        })?),
        None => None,
    };
    let config = QueueConfig { visibility, redrive };
    state.queues.entry(name.clone()).or_insert_with(|| Queue::new(config));
    Ok(json!({"QueueUrl": state.queue_url(&name)}))
}

fn read_policy(policy: &str) -> Option<(u64, String)> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let count = &policy["maxReceiveCount"];
    // Numbers are written as text by some.
    let count = count.as_u64().or_else(|| count.as_str().and_then(|text| text.parse().ok()))?;
    let name = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?.to_owned();
    Some((count, name))
}

fn attributes(state: &mut State, input: &Value) -> Answered {
    let (name, queue) = queue_of(state, input)?;
    let (visible, hidden) = queue.lengths(Instant::now());
    let visibility = queue.config.visibility.as_secs();
    let redrive = queue.config.redrive.clone();
    let mut all = vec![
        ("QueueArn", state.queue_arn(&name)),
        ("ApproximateNumberOfMessages", visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", hidden.to_string()),
        ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
        ("VisibilityTimeout", visibility.to_string()),
    ];
    if let Some((limit, dead)) = redrive {
        let arn = state.queue_arn(&dead);
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": limit});
        all.push(("RedrivePolicy", policy.to_string()));
    }
    let wanted = wanted_attributes(input);
    let told: Map<String, Value> = all
        .into_iter()
        .filter(|(name, _)| wanted.iter().any(|one| *one == "All" || one == name))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    Ok(json!({"Attributes": told}))
}

fn queue_of<'a>(state: &'a mut State, input: &Value) -> Result<(String, &'a mut Queue), Refusal> {
    let url = text(input, "QueueUrl")?;
    let name = url.rsplit('/').next().unwrap_or(url).to_owned();
    if !url.contains(ACCOUNT) {
        return Err(no_queue());
    }
    match state.queues.get_mut(&name) {
        Some(queue) => Ok((name, queue)),
        None => Err(no_queue()),
    }
}

fn no_queue() -> Refusal {
    refuse("QueueDoesNotExist", "The specified queue does not exist.")
}

fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let missing = || refuse("MissingParameter", format!("{name} is missing or no text"));
    input[name].as_str().ok_or_else(missing)
}

fn whole(
    input: &Value,
    name: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>, Refusal> {
    match &input[name] {
        Value::Null => Ok(None),
        value => match value.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (first, last) = range.into_inner();
                let what = format!(
                    "Value {value} for parameter {name} is invalid. Reason: Must be between {first} and {last}."
                );
                Err(refuse("InvalidParameterValue", what))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_known_by_their_target() {
        assert_eq!(operation("AmazonSQS.ReceiveMessage"), "ReceiveMessage");
        assert_eq!(operation("AmazonSQS.ListQueues"), "Unknown");
        assert_eq!(operation("Kinesis.PutRecord"), "Unknown");
    }

    #[test]
    fn a_redrive_policy_is_read_in_both_forms() {
        let arn = "arn:aws:sqs:eu-west-1:123456789012:dead";
        for count in ["3", "\"3\""] {
            let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#);
            assert_eq!(read_policy(&policy), Some((3, "dead".to_owned())));
        }
        assert_eq!(read_policy("{}"), None);
    }
}
