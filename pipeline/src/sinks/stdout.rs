//! Standard output, one JSON alert a line.

use async_trait::async_trait;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::lines::lines;
use super::{Notice, SendError, Sent, Sink};

/// Most alerts that are written at once.
const MAX_BATCH: usize = 100;

/// Standard output, or what stands for it in tests.
pub struct Stdout<W = tokio::io::Stdout> {
    out: W,
}

impl Stdout {
    /// The program's own.
    pub fn new() -> Self {
        Self { out: tokio::io::stdout() }
    }
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> Sink for Stdout<W> {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    fn takes_updates(&self) -> bool {
        false
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let lines = lines(notices);
        let written = match self.out.write_all(lines.as_bytes()).await {
            Ok(()) => self.out.flush().await,
            Err(cause) => Err(cause),
        };
        let result = match written {
            Ok(()) => Ok(Sent::default()),
            Err(cause) => Err(SendError::Down(format!("cannot write to standard output: {cause}"))),
        };
        vec![result; notices.len()]
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use super::*;
    use crate::sinks::contract::{self, Arrived, Failure, Place};
    use crate::sinks::lines::arrived;

    #[derive(Clone, Default)]
    struct Pipe {
        taken: Arc<Mutex<Vec<u8>>>,
        is_broken: Arc<Mutex<bool>>,
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if *self.is_broken.lock().unwrap() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            self.taken.lock().unwrap().extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[async_trait]
    impl Place for Pipe {
        const IS_FOR_PEOPLE: bool = false;
        const TELLS_MORE: bool = false;

        async fn start() -> Self {
            Self::default()
        }

        async fn open(&self) -> Box<dyn Sink> {
            Box::new(Stdout { out: self.clone() })
        }

        async fn arrived(&self) -> Vec<Arrived> {
            arrived(std::str::from_utf8(&self.taken.lock().unwrap()).unwrap())
        }

        fn fail(&self, how: Failure) -> bool {
            *self.is_broken.lock().unwrap() = how == Failure::OutOfOrder;
            matches!(how, Failure::OutOfOrder | Failure::None)
        }
    }

    contract::contract!(keeps_the_contract, Pipe);
}
