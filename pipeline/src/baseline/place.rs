//! Where the service puts the baseline that it has made: a file, or an object that a fleet shares.

use std::io;
use std::path::{Path, PathBuf};

use askance_stages::enrich::Baseline;

use super::file::{keep_version, modified, write};
use super::object::{BaselineObject, Looked, ObjectError};
use crate::aws::Aws;
use crate::config::BaselineConfig;

/// A file or an object.
#[derive(Debug)]
pub(super) enum Place {
    /// Of this machine, or on a disk that several share.
    File(PathBuf),
    /// In a bucket.
    Object(BaselineObject),
}

/// Why it cannot be looked at or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum PlaceError {
    #[error("cannot write {}: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error("a defect of askance")]
    Defect,
}

impl Place {
    /// Of a configuration.
    pub(super) async fn of(config: &BaselineConfig, aws: &Aws) -> Self {
        match BaselineObject::of(config, aws).await {
            Some(object) => Self::Object(object),
            None => Self::File(config.path.clone()),
        }
    }

    /// When it was written last; `None` if it is not there.
    pub(super) async fn look(&self) -> Result<Option<Looked>, PlaceError> {
        match self {
            // A file has no version that a rename could be made to depend on.
            Self::File(path) => Ok(modified(path).map(|at| Looked { at, etag: String::new() })),
            Self::Object(object) => Ok(object.look().await?),
        }
    }

    /// Keeps what is there by its version, and the newest `most` of those, before another comes.
    pub(super) async fn keep_version(&self, comes: &str, most: usize) -> Result<(), PlaceError> {
        let comes = comes.to_owned();
        match self {
            Self::File(path) => on_disk(path, move |path| keep_version(path, &comes, most)).await,
            Self::Object(object) => Ok(object.keep_version(&comes, most).await?),
        }
    }

    /// Puts a new one there; an object only if it is still the one that was looked at.
    pub(super) async fn replace(
        &self,
        made: &Baseline,
        looked: Option<&Looked>,
    ) -> Result<(), PlaceError> {
        let bytes = made.bytes();
        match self {
            Self::File(path) => on_disk(path, move |path| write(path, &bytes)).await,
            Self::Object(object) => Ok(object.replace(bytes, looked).await?),
        }
    }
}

/// Does what blocks where it may.
async fn on_disk(
    path: &Path,
    work: impl FnOnce(&Path) -> io::Result<()> + Send + 'static,
) -> Result<(), PlaceError> {
    let of_thread = path.to_owned();
    match tokio::task::spawn_blocking(move || work(&of_thread)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(cause)) => Err(PlaceError::Write { path: path.to_owned(), cause }),
        Err(_) => Err(PlaceError::Defect),
    }
}
