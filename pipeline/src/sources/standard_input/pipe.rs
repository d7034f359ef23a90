//! A reader that may wait for ever, read by a thread of its own, so that waiting for it can be given
//! up.

use std::io::{self, Read};

use tokio::sync::mpsc;

/// Size of one read.
const READ: usize = 256 << 10;

/// Reads that may wait for whoever takes them.
const WAITING: usize = 4;

/// Reads `input` to its end; the last chunk is empty. The thread ends with the input, or once nobody
/// takes what it reads.
pub fn chunks(mut input: Box<dyn Read + Send>) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    std::thread::spawn(move || {
        let mut buffer = vec![0; READ];
        loop {
            let read = match input.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
                Ok(count) => Ok(buffer[..count].to_vec()),
            };
            let is_end = read.as_ref().map_or(true, Vec::is_empty);
            if sender.blocking_send(read).is_err() || is_end {
                return;
            }
        }
    });
    receiver
}
