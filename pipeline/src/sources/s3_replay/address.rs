//! `s3://bucket/prefix`, as people write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::bucket_and_key;

/// A bucket, and where in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    /// The bucket's name.
    pub bucket: String,
    /// A folder in it: empty, or ending with `/`.
    pub prefix: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "such as s3://my-trail/AWSLogs/";
        let (bucket, prefix) = bucket_and_key(text, ("a folder in S3", example))?;
        if prefix.len() > 1024 {
            return Err("the prefix is longer than a key may be (1,024 bytes)".to_owned());
        }
        let ending = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        Ok(Self { bucket: bucket.to_owned(), prefix: format!("{prefix}{ending}") })
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_folder() {
        let check = |text: &str, expected: Option<&str>| {
            let read = text.parse::<Address>().ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("s3://trail", Some("s3://trail/"));
        check("s3://trail/AWSLogs", Some("s3://trail/AWSLogs/"));
        check("s3://trail/a b/AWSLogs/", Some("s3://trail/a b/AWSLogs/"));
        check("trail/AWSLogs", None);
        check("s3://", None);
        check("s3://tr\u{1b}ail/", None);
    }
}
