//! The bytes of an object as they come: in memory, or in a file without a name where they are many.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};

use askance_stages::decode::WHOLE_INPUT;
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use crate::sources::Body;

/// Up to here an object is kept in memory.
pub const IN_MEMORY: u64 = 16 << 20;

/// Bytes gathered so far.
#[derive(Debug)]
pub enum Gathered {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file that is gone when it is closed, and how many.
    File(tokio::fs::File, u64),
}

/// How much memory an object of that size takes: itself, or what a worker reads of a file at once.
pub fn share(length: u64) -> u64 {
    if length <= IN_MEMORY { length } else { WHOLE_INPUT as u64 }
}

impl Gathered {
    /// Room for an object of that size.
    ///
    /// # Errors
    /// When no file can be made in the folder for temporary files.
    pub async fn with_room(length: u64) -> io::Result<Self> {
        if length <= IN_MEMORY {
            return Ok(Self::Bytes(Vec::with_capacity(usize::try_from(length).unwrap_or(0))));
        }
        let file =
            tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(io::Error::other)??;
        Ok(Self::File(tokio::fs::File::from_std(file), 0))
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, length) => *length,
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub async fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => bytes.extend_from_slice(chunk),
            Self::File(file, length) => {
                file.write_all(chunk).await?;
                *length += chunk.len() as u64;
            }
        }
        Ok(())
    }

    /// All of it, to be read from its beginning.
    ///
    /// # Errors
    /// When the disk did not take everything.
    pub async fn finish(self) -> io::Result<Body> {
        match self {
            Self::Bytes(bytes) => Ok(Body::Bytes(Bytes::from(bytes))),
            Self::File(mut file, _) => {
                file.flush().await?;
                let mut file: File = file.into_std().await;
                file.seek(SeekFrom::Start(0))?;
                Ok(Body::File(file))
            }
        }
    }
}
