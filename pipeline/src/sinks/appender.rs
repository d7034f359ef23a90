//! Writes to a growing file off the tasks that must not wait for a disk.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::SendError;
use super::growing::{Growing, Mark, always};

/// A growing file and its committed end.
#[derive(Debug)]
pub struct Appender {
    file: Growing,
    mark: Option<Mark>,
    /// Held while the disk is worked on: an attempt that was given up still works on it.
    busy: Arc<Mutex<()>>,
}

impl Appender {
    /// Of this file; nothing is opened yet.
    pub fn new(file: Growing) -> Self {
        Self { file, mark: None, busy: Arc::default() }
    }

    /// The committed end, once the file was opened.
    pub fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Opens the file, cut back to the mark.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub async fn resume(&mut self, mark: Option<Mark>) -> Result<(), SendError> {
        self.mark = Some(self.work(move |file| file.recover(mark.as_ref(), &mut always)).await?);
        Ok(())
    }

    /// Puts lines at the end; when it has answered they last.
    ///
    /// # Errors
    /// When that did not go well; then none of them is in the file, or they are cut off the next time.
    pub async fn append(&mut self, lines: String) -> Result<(), SendError> {
        if lines.is_empty() {
            return Ok(());
        }
        let mark = self.mark.clone();
        let written = self.work(move |file| {
            let mark = match mark {
                Some(mark) => mark,
                None => file.recover(None, &mut always)?,
            };
            file.append(&mark, lines.as_bytes(), &mut always)
        });
        self.mark = Some(written.await?);
        Ok(())
    }

    async fn work(
        &self,
        work: impl FnOnce(&Growing) -> io::Result<Mark> + Send + 'static,
    ) -> Result<Mark, SendError> {
        let (file, busy) = (self.file.clone(), Arc::clone(&self.busy));
        let worked = tokio::task::spawn_blocking(move || {
            let _alone = busy.lock().unwrap_or_else(PoisonError::into_inner);
            work(&file)
        });
        let cause = match worked.await {
            Ok(Ok(mark)) => return Ok(mark),
            Ok(Err(cause)) => cause.to_string(),
            Err(cause) => cause.to_string(),
        };
        let path = self.file.path.display();
        Err(SendError::Down(format!("cannot write to {path}: {cause}")))
    }
}
