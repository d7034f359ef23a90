//! Where what could not be read is written to: a file or a bucket, as JSON lines.
//!
//! Each line has its reject's number. It takes rejects and not alerts, so it is no [`super::Sink`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::appender::Appender;
use super::bucket::{Bucket, date_part};
use super::growing::{Growing, Mark};
use super::{SendError, SinkContext};
use crate::config::RejectsConfig;
use crate::store::RejectRow;

/// Writes rejects in the order of their numbers.
pub struct RejectWriter {
    place: WriterPlace,
    after: i64,
}

enum WriterPlace {
    File(Appender),
    S3(Bucket),
}

/// What is kept in the store.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    after: i64,
    #[serde(default)]
    file: Option<Mark>,
}

/// A line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    number: i64,
    #[serde(flatten)]
    row: &'a RejectRow,
}

impl RejectWriter {
    /// Of the place that is configured; nothing is called yet.
    pub async fn open(config: &RejectsConfig, context: &SinkContext) -> Self {
        let place = match config {
            RejectsConfig::File { path, rotate_at, keep } => {
                WriterPlace::File(Appender::new(Growing {
                    path: path.clone(),
                    rotate_at: rotate_at.map(|size| size.0),
                    keep: *keep,
                }))
            }
            RejectsConfig::S3 { bucket, prefix, region } => {
                WriterPlace::S3(Bucket::open(bucket, prefix, region.as_ref(), context).await)
            }
        };
        Self { place, after: 0 }
    }

    /// Goes on where the store says that it was; answers true if that is to be kept in the store
    /// before anything is written.
    ///
    /// # Errors
    /// When the place cannot be used, or what the store says cannot be read.
    pub async fn resume(&mut self, position: Option<&str>) -> Result<bool, SendError> {
        let known: Position = match position.map(serde_json::from_str).transpose() {
            Ok(known) => known.unwrap_or(Position { after: 0, file: None }),
            Err(cause) => {
                return Err(SendError::Down(format!(
                    "cannot read the store's place among the rejects: {cause}"
                )));
            }
        };
        self.after = known.after;
        if let WriterPlace::File(file) = &mut self.place {
            file.resume(known.file).await?;
        }
        Ok(position != Some(self.position().as_str()))
    }

    /// The number of the last reject that was written.
    pub fn after(&self) -> i64 {
        self.after
    }

    /// Writes rejects with numbers above [`RejectWriter::after`].
    ///
    /// # Errors
    /// When that did not go well; the same rejects may be given again.
    pub async fn write(&mut self, rows: &[(i64, RejectRow)]) -> Result<(), SendError> {
        match &mut self.place {
            WriterPlace::File(file) => file.append(lines(rows.iter())).await?,
            WriterPlace::S3(bucket) => {
                let mut days: BTreeMap<String, Vec<&(i64, RejectRow)>> = BTreeMap::new();
                for row in rows {
                    days.entry(date_part(Some(&row.1.at))).or_default().push(row);
                }
                for (day, rows) in days {
                    let numbers = rows.iter().map(|(number, _)| *number);
                    let first = numbers.clone().min().unwrap_or_default();
                    let last = numbers.max().unwrap_or_default();
                    // The same rejects have the same key: a repeat overwrites itself.
                    let key = format!("{day}/{first:012}-{last:012}.jsonl.gz");
                    bucket.put(&key, &lines(rows.into_iter())).await?;
                }
            }
        }
        self.after = rows.last().map_or(self.after, |(number, _)| *number);
        Ok(())
    }

    /// Its place, to be kept in the store.
    pub fn position(&self) -> String {
        let file = match &self.place {
            WriterPlace::File(file) => file.mark().cloned(),
            WriterPlace::S3(_) => None,
        };
        let position = Position { after: self.after, file };
        serde_json::to_string(&position).expect("a place is numbers and text")
    }
}

fn lines<'a>(rows: impl Iterator<Item = &'a (i64, RejectRow)>) -> String {
    let line = |(number, row): &(i64, RejectRow)| {
        let line = Line { number: *number, row };
        serde_json::to_string(&line).expect("a reject is numbers and text") + "\n"
    };
    rows.map(line).collect()
}

#[cfg(test)]
#[path = "rejects_tests.rs"]
mod tests;
