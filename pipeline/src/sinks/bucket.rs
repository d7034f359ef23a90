//! Objects of lines in a bucket: packed, and named by what is in them, so that a repeat overwrites
//! itself.

use std::io::Write as _;

use askance_stages::model::hex;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use super::trouble::failure;
use super::{SendError, SinkContext};
use crate::aws::Place;

/// What tables of Hive and Athena call a part that is not known.
const UNKNOWN: &str = "__HIVE_DEFAULT_PARTITION__";

/// A bucket, and what keys in it begin with.
pub struct Bucket {
    client: aws_sdk_s3::Client,
    name: String,
    prefix: String,
}

impl Bucket {
    /// Opens it; nothing is called yet.
    pub async fn open(
        name: &str,
        prefix: &str,
        region: Option<&String>,
        context: &SinkContext,
    ) -> Self {
        let place = Place { region: region.cloned(), ..Place::default() };
        let prefix = prefix.trim_matches('/');
        Self {
            client: context.aws.s3(&place).await,
            name: name.to_owned(),
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
        }
    }

    /// Puts lines into an object, packed.
    ///
    /// # Errors
    /// When the bucket does not take it. It may later: a bucket refuses no object for what is in it.
    pub async fn put(&self, key: &str, lines: &str) -> Result<(), SendError> {
        let key = format!("{}{key}", self.prefix);
        let attempt = format!("write s3://{}/{key}", self.name);
        let packed = pack(lines)
            .map_err(|error| SendError::Down(format!("cannot {attempt}: cannot pack: {error}")))?;
        let put = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type("application/gzip")
            .body(packed.into());
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&attempt, &error, |_, _| false)),
        }
    }
}

fn pack(lines: &str) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(lines.as_bytes())?;
    packer.finish()
}

/// The part `date=` of a key, by a time in RFC 3339.
pub fn date_part(time: Option<&str>) -> String {
    let date = time
        .and_then(askance_stages::model::parse_time)
        .map(|time| askance_stages::model::utc(time).date().to_string());
    format!("date={}", date.as_deref().unwrap_or(UNKNOWN))
}

/// The part `account=` of a key; what is no account id is not written into a key.
pub fn account_part(account: Option<&str>) -> String {
    let is_id = |id: &&str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit());
    format!("account={}", account.filter(is_id).unwrap_or(UNKNOWN))
}

/// A name that the same ids have always.
pub fn name_of<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.as_bytes());
        hash.update(b"\n");
    }
    hex(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_only_what_is_known() {
        assert_eq!(date_part(Some("2026-11-24T23:59:59Z")), "date=2026-11-24");
        assert_eq!(date_part(Some("../x")), "date=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(account_part(Some("111122223333")), "account=111122223333");
        for bad in ["", "../../etc", "11112222333", "1111222233334", "一一一一"] {
            assert_eq!(account_part(Some(bad)), "account=__HIVE_DEFAULT_PARTITION__", "{bad}");
        }
        assert_eq!(name_of(["a", "b"].into_iter()), name_of(["a", "b"].into_iter()));
        assert_ne!(name_of(["ab"].into_iter()), name_of(["a", "b"].into_iter()));
    }
}
