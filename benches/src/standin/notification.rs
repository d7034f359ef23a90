//! S3's own event notification, as a queue gets it.

use jiff::Timestamp;
use serde_json::json;

use super::answer::url_encode;
use super::content::Content;

/// Tells of a new object. `number` makes the sequencer, which grows.
pub(crate) fn object_created(
    region: &str,
    bucket: &str,
    (key, content): (&str, &Content),
    number: u64,
) -> String {
    let notification = json!({"Records": [{
        "eventVersion": "2.5",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:cloudtrail.amazonaws.com"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "STANDIN", "x-amz-id-2": "STANDIN"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "askance",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": {
                "key": url_encode(key).replace("%20", "+"),
                "size": content.len(),
                "eTag": content.etag,
                "sequencer": format!("{number:018X}"),
            },
        },
    }]});
    notification.to_string()
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_key_is_encoded_as_in_a_form() {
        let content = Content::new(Bytes::from_static(b"abc"));
        let text = object_created("eu-west-1", "trail", ("a b/é.gz", &content), 255);
        let event: Value = serde_json::from_str(&text).unwrap();
        let object = &event["Records"][0]["s3"]["object"];
        assert_eq!(object["key"], "a+b/%C3%A9.gz");
        assert_eq!(object["size"], 3);
        assert_eq!(object["sequencer"], "0000000000000000FF");
    }
}
