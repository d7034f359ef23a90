//! `s3://bucket/prefix`, as people write it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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
        let rest = text
            .strip_prefix("s3://")
            .ok_or_else(|| format!("expected the address of a folder in S3, {example}"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if bucket.len() < 3 || bucket.len() > 255 || !bucket.chars().all(is_name) {
            return Err(format!(
                "\"{bucket}\" is no name of a bucket; expected an address {example}"
            ));
        }
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
