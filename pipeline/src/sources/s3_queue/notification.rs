//! What a message says: its body in, the objects that it announces out.
//!
//! Pure, and made for hostile input: whoever may write to the queue writes here. Whether an object
//! may be read is decided elsewhere.

use std::sync::Arc;

use percent_encoding::percent_decode;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::sources::Asked;
use crate::sources::s3::{Announced, Marked};
use crate::sources::shown::shown;

/// Largest body that is read: SQS's own limit.
pub const MAX_BODY: usize = 1 << 20;

/// Most objects of one message. S3 announces one at a time, CloudTrail a handful.
pub const MAX_OBJECTS: usize = 1000;

/// Envelopes around a notification: S3 to EventBridge to SNS has one; two more are let through.
const MAX_WRAPS: usize = 3;

/// S3's own limit.
const MAX_KEY: usize = 1024;

/// Names of old buckets may be that long.
const MAX_BUCKET: usize = 255;

/// Where a record of ours says which replay it belongs to.
pub const MARK: &str = "askance";

/// What CloudTrail publishes when a topic is given to a trail.
const VALIDATION: &str = "CloudTrail validation message.";

/// What one message says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// Objects to be read, in the order of the message.
    pub objects: Vec<Announced>,
    /// Names of events that announce nothing to read: removed objects, test messages.
    pub others: Vec<String>,
}

/// Why a message was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misread {
    /// The body is too long.
    #[error("the message has {0} bytes, more than {MAX_BODY}")]
    TooLarge(usize),
    /// It is no JSON, or JSON too deep.
    #[error("the message is no JSON: {0}")]
    NotJson(String),
    /// It is JSON and no object.
    #[error("the message is JSON, but no object")]
    NotObject,
    /// SNS asks to confirm a subscription.
    #[error("the message is an SNS {0}: confirm the subscription of the queue in SNS")]
    Confirmation(String),
    /// Messages in messages.
    #[error("the message is wrapped more than {MAX_WRAPS} times")]
    TooDeep,
    /// It announces too much.
    #[error("the message announces {0} objects, more than {MAX_OBJECTS}")]
    TooMany(usize),
    /// It is no notification that is known.
    #[error("the message is no notification of S3, EventBridge or CloudTrail: it has {0}")]
    Unknown(String),
    /// A notification lacks something.
    #[error("the message is {0}, but {1}")]
    Malformed(&'static str, String),
}

/// Reads a message's body.
///
/// # Errors
/// When it is not understood. A message of which a part is not understood is not understood at all:
/// it stays in the queue as a whole.
pub fn read(body: &str) -> Result<Notification, Misread> {
    if body.len() > MAX_BODY {
        return Err(Misread::TooLarge(body.len()));
    }
    let mut notification = Notification::default();
    layer(body, 0, &mut notification)?;
    Ok(notification)
}

fn layer(text: &str, wraps: usize, into: &mut Notification) -> Result<(), Misread> {
    if text.trim() == VALIDATION {
        into.others.push("CloudTrail validation message".to_owned());
        return Ok(());
    }
    // A byte order mark is no JSON to serde_json.
    let text = text.trim_start_matches('\u{feff}');
    let value: Value =
        serde_json::from_str(text).map_err(|error| Misread::NotJson(error.to_string()))?;
    let Value::Object(fields) = &value else { return Err(Misread::NotObject) };
    let text_of = |name: &str| fields.get(name).and_then(Value::as_str);
    if let Some(records) = fields.get("Records") {
        return s3_records(records, into);
    }
    match (text_of("Type"), text_of("Message")) {
        (Some("Notification"), Some(message)) if wraps < MAX_WRAPS => {
            return layer(message, wraps + 1, into);
        }
        (Some("Notification"), Some(_)) => return Err(Misread::TooDeep),
        (Some(kind @ ("SubscriptionConfirmation" | "UnsubscribeConfirmation")), _) => {
            return Err(Misread::Confirmation(kind.to_owned()));
        }
        (Some(_) | None, _) => {}
    }
    if let Some(keys) = fields.get("s3ObjectKey") {
        return cloudtrail(text_of("s3Bucket"), keys, into);
    }
    if let Some(kind) = text_of("detail-type") {
        return eventbridge(kind, text_of("source"), fields.get("detail"), into);
    }
    if text_of("Event") == Some("s3:TestEvent") {
        into.others.push("s3:TestEvent".to_owned());
        return Ok(());
    }
    Err(Misread::Unknown(keys_of(fields)))
}

/// S3's own form, as it goes to SQS, to SNS and to Lambda.
fn s3_records(records: &Value, into: &mut Notification) -> Result<(), Misread> {
    const WHAT: &str = "a notification of S3";
    let bad = |index: usize, why: &str| Misread::Malformed(WHAT, format!("record {index} {why}"));
    let Value::Array(records) = records else {
        return Err(Misread::Malformed(WHAT, "`Records` is no list".to_owned()));
    };
    if records.is_empty() {
        return Err(Misread::Malformed(WHAT, "`Records` is empty".to_owned()));
    }
    bound(records.len())?;
    for (index, record) in records.iter().enumerate() {
        let name = record["eventName"].as_str().ok_or_else(|| bad(index, "has no `eventName`"))?;
        let event = name.strip_prefix("s3:").unwrap_or(name);
        // An object that came back from an archive is announced so.
        let is_readable = event.starts_with("ObjectCreated:") || event == "ObjectRestore:Completed";
        if !is_readable {
            into.others.push(shown(event));
            continue;
        }
        let s3 = &record["s3"];
        let bucket = s3["bucket"]["name"].as_str().ok_or_else(|| bad(index, "names no bucket"))?;
        let object = &s3["object"];
        let key = object["key"].as_str().ok_or_else(|| bad(index, "names no key"))?;
        let key = form_decoded(key).ok_or_else(|| bad(index, "has a key that is no text"))?;
        let mut object = announced(WHAT, bucket, key, object, "versionId", "eTag")?;
        if let Some(mark) = record.get(MARK) {
            let asked = Marked::deserialize(mark)
                .map_err(|error| error.to_string())
                .and_then(Asked::try_from)
                .map_err(|why| {
                    bad(index, &format!("has an `{MARK}` that is none: {}", shown(&why)))
                })?;
            object.asked = Some(Arc::new(asked));
        }
        into.objects.push(object);
    }
    Ok(())
}

/// EventBridge's form; keys are not encoded.
fn eventbridge(
    kind: &str,
    source: Option<&str>,
    detail: Option<&Value>,
    into: &mut Notification,
) -> Result<(), Misread> {
    const WHAT: &str = "an event of EventBridge";
    if source != Some("aws.s3") {
        let source = shown(source.unwrap_or("nowhere"));
        let why = format!("of {source}, not aws.s3: {}", shown(kind));
        return Err(Misread::Malformed(WHAT, why));
    }
    if !matches!(kind, "Object Created" | "Object Restore Completed") {
        into.others.push(shown(kind));
        return Ok(());
    }
    let bad = |why: &str| Misread::Malformed(WHAT, why.to_owned());
    let detail = detail.ok_or_else(|| bad("it has no `detail`"))?;
    let bucket = detail["bucket"]["name"].as_str().ok_or_else(|| bad("it names no bucket"))?;
    let object = &detail["object"];
    let key = object["key"].as_str().ok_or_else(|| bad("it names no key"))?;
    into.objects.push(announced(WHAT, bucket, key.to_owned(), object, "version-id", "etag")?);
    Ok(())
}

/// CloudTrail's own form; keys are not encoded.
fn cloudtrail(bucket: Option<&str>, keys: &Value, into: &mut Notification) -> Result<(), Misread> {
    const WHAT: &str = "a notification of CloudTrail";
    let bad = |why: &str| Misread::Malformed(WHAT, why.to_owned());
    let bucket = bucket.ok_or_else(|| bad("it names no bucket"))?;
    let keys = match keys {
        Value::Array(keys) => keys.as_slice(),
        one => std::slice::from_ref(one),
    };
    if keys.is_empty() {
        return Err(bad("it names no key"));
    }
    bound(keys.len())?;
    for key in keys {
        let key = key.as_str().ok_or_else(|| bad("a key is no text"))?;
        into.objects.push(announced(WHAT, bucket, key.to_owned(), &Value::Null, "", "")?);
    }
    Ok(())
}

fn announced(
    what: &'static str,
    bucket: &str,
    key: String,
    object: &Value,
    version: &str,
    etag: &str,
) -> Result<Announced, Misread> {
    let bad = |why: &str| Misread::Malformed(what, why.to_owned());
    if bucket.is_empty() || bucket.len() > MAX_BUCKET {
        return Err(bad("the bucket's name is empty or too long"));
    }
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(bad("a key is empty or longer than 1,024 bytes"));
    }
    let text = |name: &str| {
        let text = object[name].as_str().filter(|text| !text.is_empty() && text.len() <= MAX_KEY);
        text.map(str::to_owned)
    };
    // Buckets without versions may say so in words.
    let version = text(version).filter(|version| version != "null");
    let etag = text(etag).map(|etag| etag.trim_matches('"').to_owned());
    Ok(Announced {
        bucket: bucket.to_owned(),
        key,
        version,
        etag: etag.filter(|etag| !etag.is_empty()),
        size: object["size"].as_u64(),
        sequencer: text("sequencer"),
        asked: None,
    })
}

/// Keys are encoded as in a form: `+` is a space. `None` if what comes out is no UTF-8.
fn form_decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn bound(count: usize) -> Result<(), Misread> {
    if count > MAX_OBJECTS { Err(Misread::TooMany(count)) } else { Ok(()) }
}

fn keys_of(fields: &Map<String, Value>) -> String {
    if fields.is_empty() {
        return "nothing in it".to_owned();
    }
    let names: Vec<String> =
        fields.keys().take(8).map(|name| format!("`{}`", shown(name))).collect();
    let more = if fields.len() > names.len() { " and more" } else { "" };
    format!("{}{more}", names.join(", "))
}
