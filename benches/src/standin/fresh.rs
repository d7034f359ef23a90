//! Files of a corpus with one new incident each, so that a repeated corpus raises new alerts.
//!
//! The text before the incident is packed once. The incident is a stored block behind it and the
//! checksums are combined, so that the file is one gzip member as CloudTrail writes it, and making
//! one costs nothing to speak of.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};

use axum::body::Bytes;
use flate2::{Compression, Crc, read::GzDecoder, write::DeflateEncoder};
use jiff::Timestamp;

use super::content::Content;

/// Where an incident's number follows in an alert: in the event's id, and in the name of its trail.
const MARKS: [&str; 2] = ["57a4d100-0000-4000-8000-", "trail/standin-"];

/// Digits of an incident's number.
const DIGITS: usize = 12;

/// A file that waits for its last record.
#[derive(Debug)]
pub(crate) struct Fresh {
    packed: Bytes,
    checksum: Crc,
}

impl Fresh {
    /// Takes a packed file of CloudTrail apart.
    pub(crate) fn prepare(packed: &[u8]) -> io::Result<Self> {
        let mut text = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut text)?;
        let Some(records) = text
            .trim_ascii_end()
            .strip_suffix(b"]}")
            .filter(|records| records.trim_ascii_end().ends_with(b"}"))
        else {
            let what = "not a gzip file of CloudTrail that ends with \"}]}\"";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        };
        // A gzip header without name or time, of an unknown system.
        let start = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        let mut packer = DeflateEncoder::new(start, Compression::default());
        packer.write_all(records)?;
        packer.flush()?;
        let mut checksum = Crc::new();
        checksum.update(records);
        Ok(Self { packed: Bytes::from(packer.get_ref().clone()), checksum })
    }

    /// The file with incident `number` at its end.
    pub(crate) fn with(&self, number: u64, now: Timestamp) -> Content {
        let end = format!(",{}]}}", incident(number, now));
        let mut own = Crc::new();
        own.update(end.as_bytes());
        let mut whole = Crc::new();
        whole.combine(&self.checksum);
        whole.combine(&own);
        let length = u16::try_from(end.len()).expect("an incident has some 1,300 bytes");
        let mut tail = Vec::with_capacity(end.len() + 13);
        tail.push(1);
        tail.extend(length.to_le_bytes());
        tail.extend((!length).to_le_bytes());
        tail.extend(end.as_bytes());
        tail.extend(whole.sum().to_le_bytes());
        tail.extend(whole.amount().to_le_bytes());
        Content::ending(self.packed.clone(), Bytes::from(tail))
    }
}

/// The numbers of the incidents that a text tells of.
pub(crate) fn numbers(text: &str) -> BTreeSet<u64> {
    let found = |mark: &str| -> Vec<u64> {
        text.match_indices(mark)
            .filter_map(|(at, _)| text.get(at + mark.len()..at + mark.len() + DIGITS))
            .filter_map(|digits| u64::from_str_radix(digits, 16).ok())
            .collect()
    };
    MARKS.into_iter().flat_map(found).collect()
}

/// Somebody stops a trail: every one of them is an alert of the rule for it.
fn incident(number: u64, now: Timestamp) -> String {
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ");
    let [event, trail] = MARKS;
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","principalId":"AIDACKCEVSQ6C2EXAMPLE","arn":"arn:aws:iam::111122223333:user/haruka","accountId":"111122223333","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"haruka"}},"eventTime":"{time}","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"ap-northeast-1","sourceIPAddress":"198.51.100.23","userAgent":"aws-cli/2.31.0","requestParameters":{{"name":"arn:aws:cloudtrail:ap-northeast-1:111122223333:{trail}{number:012x}"}},"responseElements":null,"requestID":"626ea1fd-be07-5fe4-be50-f9612b09ba11","eventID":"{event}{number:012x}","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
    )
}

#[cfg(test)]
mod tests {
    use flate2::write::GzEncoder;
    use serde_json::Value;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn a_fresh_file_is_one_member_with_the_incident_last() {
        let fresh = Fresh::prepare(&packed(r#"{"Records":[{"eventID":"a"},{"eventID":"b"}]}"#));
        let content = fresh.unwrap().with(0xabc, Timestamp::UNIX_EPOCH);
        let bytes = content.slice(0..content.len()).concat();
        let mut text = String::new();
        let mut reader = GzDecoder::new(&bytes[..]);
        reader.read_to_string(&mut text).unwrap();
        assert!(reader.into_inner().is_empty(), "nothing is behind the first member");
        let records: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(records["Records"].as_array().unwrap().len(), 3);
        assert_eq!(records["Records"][2]["eventID"], "57a4d100-0000-4000-8000-000000000abc");
        assert_eq!(numbers(&text), BTreeSet::from([0xabc]));
    }

    #[test]
    fn files_with_different_incidents_differ_in_their_tag() {
        let fresh = Fresh::prepare(&packed(r#"{"Records":[{}]}"#)).unwrap();
        let tag = |number| fresh.with(number, Timestamp::UNIX_EPOCH).etag;
        assert_ne!(tag(1), tag(2));
    }

    #[test]
    fn what_is_no_file_of_cloudtrail_is_an_error() {
        assert!(Fresh::prepare(b"plain").is_err());
        assert!(Fresh::prepare(&packed("{}")).is_err());
        assert!(Fresh::prepare(&packed(r#"{"Records":[]}"#)).is_err());
    }

    #[test]
    fn numbers_that_are_cut_or_wrong_are_passed_by() {
        assert!(numbers("trail/standin-00").is_empty());
        assert!(numbers("trail/standin-00000000000g").is_empty());
        assert!(numbers("nothing").is_empty());
    }
}
