//! A file, one JSON alert a line, each exactly once.
//!
//! Its committed end is the sink's position, kept in the store with what became of the messages.

use async_trait::async_trait;
use tracing::error;

use super::appender::Appender;
use super::growing::Growing;
use super::lines::lines;
use super::{Notice, SendError, Sent, Sink};
use crate::config::FileConfig;

/// Most alerts that are written at once, so that they share the wait for the disk.
const MAX_BATCH: usize = 500;

/// A file of alerts.
pub struct AlertFile(Appender);

impl AlertFile {
    /// Of the file that is configured; nothing is opened yet.
    pub fn new(config: &FileConfig) -> Self {
        Self(Appender::new(Growing {
            path: config.path.clone(),
            rotate_at: config.rotate_at.map(|size| size.0),
            keep: config.keep,
        }))
    }
}

#[async_trait]
impl Sink for AlertFile {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    fn takes_updates(&self) -> bool {
        false
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let written = self.0.append(lines(notices)).await;
        vec![written.map(|()| Sent::default()); notices.len()]
    }

    async fn resume(&mut self, position: Option<&str>) -> Result<(), SendError> {
        let mark = position.and_then(|text| match serde_json::from_str(text) {
            Ok(mark) => Some(mark),
            Err(cause) => {
                error!(%cause, "the store's place in the file of alerts cannot be read: alerts go on at its end");
                None
            }
        });
        self.0.resume(mark).await
    }

    fn position(&self) -> Option<String> {
        let mark = self.0.mark()?;
        Some(serde_json::to_string(mark).expect("a mark is numbers and text"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use askance_stages::raise::MessageKind;

    use super::*;
    use crate::sinks::contract::notices::{largest, usual};
    use crate::sinks::contract::{self, Arrived, Place};
    use crate::sinks::lines::arrived;

    struct Folder(tempfile::TempDir);

    fn sink(folder: &Path) -> AlertFile {
        let path = folder.join("alerts.jsonl");
        AlertFile::new(&FileConfig { path, rotate_at: None, keep: 10 })
    }

    #[async_trait]
    impl Place for Folder {
        const IS_FOR_PEOPLE: bool = false;
        const TELLS_MORE: bool = false;

        async fn start() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        async fn open(&self) -> Box<dyn Sink> {
            Box::new(sink(self.0.path()))
        }

        async fn arrived(&self) -> Vec<Arrived> {
            arrived(&std::fs::read_to_string(self.0.path().join("alerts.jsonl")).unwrap())
        }
    }

    contract::contract!(keeps_the_contract, Folder);

    #[tokio::test]
    async fn lines_are_those_of_scan_and_stand_once_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = sink(folder.path());
        first.resume(None).await.unwrap();
        let begun = first.position();
        assert!(begun.is_some(), "the place is kept before the first line");
        first.send(&[usual(1)]).await[0].clone().unwrap();
        // The program ended before what became of it was noted.
        let mut second = sink(folder.path());
        second.resume(begun.as_deref()).await.unwrap();
        let mut again = usual(3);
        again.kind = MessageKind::Update;
        let results = second.send(&[usual(1), again, largest(), usual(2)]).await;
        assert!(results.iter().all(Result::is_ok) && results.len() == 4);
        let text = std::fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap();
        let expected =
            [usual(1).json, largest().json, usual(2).json].map(|json| json + "\n").concat();
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = sink(&folder.path().join("missing"));
        let error = sink.resume(None).await.unwrap_err().to_string();
        assert!(
            error.starts_with("cannot write to /") && error.contains("No such file"),
            "{error}"
        );
        let results = sink.send(&[usual(1)]).await;
        assert!(matches!(results[..], [Err(SendError::Down(_))]));
        std::fs::create_dir(folder.path().join("missing")).unwrap();
        assert!(sink.send(&[usual(1)]).await[0].is_ok());
    }
}
