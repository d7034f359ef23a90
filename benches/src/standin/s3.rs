//! S3 over HTTP, with the bucket in the path: objects, ranges, conditions, listing.

use std::ops::Range;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};

use super::answer::{Answer, XML, escape, form, url_decode};
use super::chunked;
use super::content::Content;
use super::listing::{Page, Wanted, from_token};
use super::objects::{Bucket, Objects};

/// A request, as far as it was understood.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) bucket: String,
    pub(crate) key: String,
    query: Vec<(String, String)>,
}

impl Call {
    /// Reads method, path and query; `None` if they are no UTF-8.
    pub(crate) fn read(method: &Method, path: &str, query: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, key, query) = (url_decode(bucket)?, url_decode(key)?, form(query)?);
        let is_list = query.iter().any(|(name, value)| name == "list-type" && value == "2");
        let operation = match (method.as_str(), bucket.is_empty(), key.is_empty()) {
            ("GET", false, true) if is_list => "ListObjectsV2",
            ("GET", false, false) => "GetObject",
            ("HEAD", false, false) => "HeadObject",
            ("PUT", false, false) => "PutObject",
            ("DELETE", false, false) => "DeleteObject",
            ("HEAD", false, true) => "HeadBucket",
            ("PUT", false, true) => "CreateBucket",
            _ => "Unknown",
        };
        Some(Self { operation, bucket, key, query })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Carries a request out.
pub(crate) fn answer(
    objects: &mut Objects,
    call: &Call,
    headers: &HeaderMap,
    body: Bytes,
) -> Answer {
    match call.operation {
        "CreateBucket" => {
            objects.create(&call.bucket);
            return Answer::new(200).with("location", format!("/{}", call.bucket));
        }
        "Unknown" => {
            let what = "the stand-in knows objects and ListObjectsV2, with the bucket in the path";
            return error(501, "NotImplemented", what, &call.key);
        }
        _ => {}
    }
    let Some(bucket) = objects.bucket_mut(&call.bucket) else {
        let what = "The specified bucket does not exist";
        return without_body_of_head(call, error(404, "NoSuchBucket", what, &call.bucket));
    };
    match call.operation {
        "PutObject" => put(bucket, call, headers, body),
        "DeleteObject" => {
            bucket.remove(&call.key);
            Answer::new(204)
        }
        "HeadBucket" => Answer::new(200).with("x-amz-bucket-region", "eu-west-1"),
        "ListObjectsV2" => list(bucket, call),
        _ => without_body_of_head(call, read(bucket, call, headers)),
    }
}

/// An error of S3.
pub(crate) fn error(status: u16, code: &str, message: &str, resource: &str) -> Answer {
    let xml = format!(
        "{XML}<Error><Code>{}</Code><Message>{}</Message><Resource>{}</Resource><RequestId>STANDIN</RequestId></Error>",
        escape(code),
        escape(message),
        escape(resource)
    );
    Answer::text(status, "application/xml", xml)
}

/// HEAD tells the length and gives no body; of errors S3 tells the status alone.
fn without_body_of_head(call: &Call, answer: Answer) -> Answer {
    if !call.operation.starts_with("Head") {
        return answer;
    }
    let is_found = answer.status < 400;
    let told_length = is_found.then(|| answer.length());
    let headers = if is_found { answer.headers } else { Vec::new() };
    Answer { status: answer.status, headers, told_length, ..Answer::default() }
}

fn read(bucket: &Bucket, call: &Call, headers: &HeaderMap) -> Answer {
    if call.parameter("versionId").is_some_and(|version| version != "null") {
        let what = "The specified version does not exist.";
        return error(404, "NoSuchVersion", what, &call.key);
    }
    let Some(content) = bucket.get(&call.key) else {
        return error(404, "NoSuchKey", "The specified key does not exist.", &call.key);
    };
    let condition = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if condition("if-match").is_some_and(|tags| !names_tag(tags, &content.etag)) {
        let what = "At least one of the pre-conditions you specified did not hold";
        return error(412, "PreconditionFailed", what, &call.key);
    }
    if condition("if-none-match").is_some_and(|tags| names_tag(tags, &content.etag)) {
        return described(Answer::new(304), content);
    }
    match condition("range").map_or(Wished::All, |range| wished(range, content.len())) {
        Wished::All => {
            described(Answer::new(200), content).containing(content.slice(0..content.len()))
        }
        Wished::Some(range) => {
            let told = format!("bytes {}-{}/{}", range.start, range.end - 1, content.len());
            let answer = described(Answer::new(206), content).with("content-range", told);
            answer.containing(content.slice(range))
        }
        Wished::None => {
            let what = "The requested range is not satisfiable";
            let told = format!("bytes */{}", content.len());
            error(416, "InvalidRange", what, &call.key).with("content-range", told)
        }
    }
}

fn described(answer: Answer, content: &Content) -> Answer {
    let modified = content.modified.strftime("%a, %d %b %Y %H:%M:%S GMT");
    answer
        .with("etag", format!("\"{}\"", content.etag))
        .with("last-modified", modified.to_string())
        .with("accept-ranges", "bytes")
        .with("content-type", "application/octet-stream")
}

fn names_tag(tags: &str, etag: &str) -> bool {
    let is_it = |tag: &str| tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == etag;
    tags.split(',').any(|tag| is_it(tag.trim()))
}

/// What a range asks for.
#[derive(Debug, PartialEq)]
enum Wished {
    /// Everything; also where the header is none that S3 understands.
    All,
    Some(Range<usize>),
    /// Nothing that there is.
    None,
}

fn wished(range: &str, length: usize) -> Wished {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Wished::All;
    };
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first > last => Wished::All,
        (Ok(first), _) if first >= length => Wished::None,
        (Ok(first), Ok(last)) => Wished::Some(first..last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => Wished::Some(first..length),
        (Err(_), Ok(0)) if first.is_empty() => Wished::None,
        (Err(_), Ok(last)) if first.is_empty() && length > 0 => {
            Wished::Some(length.saturating_sub(last)..length)
        }
        _ => Wished::All,
    }
}

fn put(bucket: &mut Bucket, call: &Call, headers: &HeaderMap, body: Bytes) -> Answer {
    if headers.get("if-none-match").is_some_and(|value| value == "*")
        && bucket.contains_key(&call.key)
    {
        let what = "At least one of the pre-conditions you specified did not hold";
        return error(412, "PreconditionFailed", what, &call.key);
    }
    let is_chunked = headers
        .get("x-amz-content-sha256")
        .is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"));
    let body = if is_chunked { chunked::join(&body) } else { Some(body) };
    let Some(body) = body else {
        return error(400, "IncompleteBody", "The body is cut or not aws-chunked", &call.key);
    };
    let content = Content::new(body);
    let answer = Answer::new(200).with("etag", format!("\"{}\"", content.etag));
    bucket.insert(call.key.clone(), content);
    answer
}

fn list(bucket: &Bucket, call: &Call) -> Answer {
    let text = |name| call.parameter(name).unwrap_or_default().to_owned();
    let token = match call.parameter("continuation-token").map(from_token) {
        Some(None) => {
            let what = "The continuation token provided is incorrect";
            return error(400, "InvalidArgument", what, &call.bucket);
        }
        Some(token) => token,
        None => None,
    };
    let max_keys = match call.parameter("max-keys").map(str::parse) {
        Some(Err(_)) => {
            let what = "max-keys is no number";
            return error(400, "InvalidArgument", what, &call.bucket);
        }
        Some(Ok(most)) => Some(most),
        None => None,
    };
    let wanted = Wanted {
        prefix: text("prefix"),
        delimiter: text("delimiter"),
        start_after: text("start-after"),
        token,
        max_keys,
        is_url_encoded: text("encoding-type") == "url",
    };
    let xml = Page::of(bucket, &wanted).xml(&call.bucket, &wanted);
    Answer::text(200, "application/xml", xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_by_s3() {
        assert_eq!(wished("bytes=0-3", 10), Wished::Some(0..4));
        assert_eq!(wished("bytes=4-", 10), Wished::Some(4..10));
        assert_eq!(wished("bytes=4-99", 10), Wished::Some(4..10));
        assert_eq!(wished("bytes=-3", 10), Wished::Some(7..10));
        assert_eq!(wished("bytes=-30", 10), Wished::Some(0..10));
        assert_eq!(wished("bytes=10-", 10), Wished::None);
        assert_eq!(wished("bytes=-0", 10), Wished::None);
        for other in ["bytes=5-3", "bytes=a-b", "items=1-2", "bytes=1-2,4-5", "bytes=-"] {
            assert_eq!(wished(other, 10), Wished::All, "{other}");
        }
    }

    #[test]
    fn tags_are_compared_without_their_quotes() {
        assert!(names_tag("\"a\"", "a"));
        assert!(names_tag("\"b\", \"a\"", "a"));
        assert!(names_tag("*", "a"));
        assert!(!names_tag("\"b\"", "a"));
    }
}
