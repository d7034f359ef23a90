//! Standard input that can be left: a read that waits for a pipe must not hold up Ctrl-C.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Size of one read.
const READ: usize = 256 << 10;

/// How often it is asked whether to stop while nothing comes.
const PATIENCE: Duration = Duration::from_millis(50);

/// Reads standard input by a thread of its own; ends early once `should_stop` says so.
pub struct Stdin<'s> {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
    should_stop: &'s dyn Fn() -> bool,
}

impl<'s> Stdin<'s> {
    /// Begins to read. The thread ends with the input, or with the process.
    pub fn new(should_stop: &'s dyn Fn() -> bool) -> Self {
        let (sender, chunks) = sync_channel(4);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut chunk = vec![0; READ];
                let read = stdin.read(&mut chunk).map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                let is_end = read.as_ref().map_or(true, Vec::is_empty);
                if sender.send(read).is_err() || is_end {
                    return;
                }
            }
        });
        Self { chunks, current: Vec::new(), at: 0, should_stop }
    }
}

impl Read for Stdin<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.current.len() {
            if (self.should_stop)() {
                return Ok(0);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    self.current = chunk?;
                    self.at = 0;
                    if self.current.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let count = out.len().min(self.current.len() - self.at);
        out[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
