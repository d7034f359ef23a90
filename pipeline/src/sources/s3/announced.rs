//! An object that is known to be there, and the replay that asks for it, as a message carries it.

use std::sync::Arc;

use askance_stages::filter::FilterConfig;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sources::Asked;

/// An object that was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// Its bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: String,
    /// Its version, where the bucket keeps them.
    pub version: Option<String>,
    /// Its ETag without quotes; CloudTrail's own message has none.
    pub etag: Option<String>,
    /// Its size in bytes; CloudTrail's own message has none.
    pub size: Option<u64>,
    /// Orders the writings of one key.
    pub sequencer: Option<String>,
    /// The replay that asks for it; `None`: it was just written.
    pub asked: Option<Arc<Asked>>,
}

impl Announced {
    /// What makes it the same object in the ledger, with this ETag. What a replay asks for is another
    /// matter than what was read when it was written: rules may have changed since.
    pub fn ledger_key(&self, etag: &str) -> String {
        let address = format!("s3://{}/{}#{etag}", self.bucket, self.key);
        match &self.asked {
            Some(asked) => format!("replay {} {address}", asked.job),
            None => address,
        }
    }
}

/// What a message of `askance replay --enqueue` says of its replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    /// The job's name.
    pub replay: String,
    /// Events at this time or later, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Events before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Events of these accounts; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Events of these regions; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

impl TryFrom<Marked> for Asked {
    type Error = String;

    fn try_from(marked: Marked) -> Result<Self, String> {
        let Marked { replay, from, to, accounts, regions } = marked;
        let time = |text: Option<String>| {
            let read = |text: String| text.parse().map_err(|_| format!("{text} is no time"));
            text.map(read).transpose()
        };
        let filter = FilterConfig { from: time(from)?, to: time(to)?, accounts, regions };
        Ok(Self { job: replay, is_historic: true, filter })
    }
}

impl From<&Asked> for Marked {
    fn from(asked: &Asked) -> Self {
        let FilterConfig { from, to, accounts, regions } = asked.filter.clone();
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self { replay: asked.job.clone(), from: text(from), to: text(to), accounts, regions }
    }
}
