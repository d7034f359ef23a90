//! Objects of JSON lines in a bucket, by date and account.
//!
//! Alerts are gathered in the outbox, not here: what was answered as sent is in the bucket.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::bucket::{Bucket, account_part, date_part, name_of};
use super::lines::lines;
use super::{Notice, SendError, Sent, Sink, SinkContext};
use crate::alert_formats::{Told, ocsf_told};
use crate::config::{S3Format, S3SinkConfig};

/// Most alerts that are taken at once.
const MAX_BATCH: usize = 1000;

/// A bucket of alerts.
pub struct S3 {
    bucket: Bucket,
    format: S3Format,
    gather: Duration,
}

impl S3 {
    /// Of the bucket that is configured; nothing is called yet.
    pub async fn open(config: &S3SinkConfig, context: &SinkContext) -> Self {
        let S3SinkConfig { bucket, prefix, region, format, gather } = config;
        Self {
            bucket: Bucket::open(bucket, prefix, region.as_ref(), context).await,
            format: *format,
            gather: gather.0,
        }
    }

    fn lines(&self, notices: &[Notice]) -> String {
        match self.format {
            S3Format::Json => lines(notices),
            S3Format::Ocsf => {
                notices.iter().map(|notice| format!("{}\n", finding(notice))).collect()
            }
        }
    }
}

fn finding(notice: &Notice) -> serde_json::Value {
    let told = Told {
        kind: notice.kind,
        group: Some(&notice.group),
        words: &notice.words,
        account: notice.account.as_ref(),
        left_out: &[],
    };
    ocsf_told(&notice.alert, &told)
}

#[async_trait]
impl Sink for S3 {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    fn gather(&self) -> Duration {
        self.gather
    }

    /// A finding can be updated; a line that is an alert stands for it once.
    fn takes_updates(&self) -> bool {
        self.format == S3Format::Ocsf
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, notice) in notices.iter().enumerate() {
            let alert = &notice.alert;
            let date = date_part(alert.time.as_deref());
            let key = format!("{date}/{}", account_part(alert.account.as_deref()));
            parts.entry(key).or_default().push(index);
        }
        let mut results = vec![Ok(Sent::default()); notices.len()];
        let mut failed = None;
        for (folder, members) in parts {
            let part: Vec<Notice> = members.iter().map(|&index| notices[index].clone()).collect();
            let written = match &failed {
                // What the bucket did not take it would not take now either.
                Some(failed) => Err(SendError::clone(failed)),
                None => {
                    let name = name_of(part.iter().map(|notice| notice.message_id.as_str()));
                    let lines = self.lines(&part);
                    self.bucket.put(&format!("{folder}/{name}.jsonl.gz"), &lines).await
                }
            };
            if let Err(error) = written {
                members.iter().for_each(|&index| results[index] = Err(error.clone()));
                failed = Some(error);
            }
        }
        results
    }
}

#[cfg(test)]
#[path = "s3_tests.rs"]
mod tests;
