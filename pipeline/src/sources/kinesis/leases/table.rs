//! The table of leases as a port: what is asked of it, and how it fails.

use async_trait::async_trait;

use super::row::Unreadable;
use super::{Change, Lease};

/// A table of leases.
#[async_trait]
pub trait LeaseTable: Send + Sync {
    /// Its name, for messages.
    fn name(&self) -> &str;

    /// Makes sure that it is there, and makes it if that is allowed.
    ///
    /// # Errors
    /// When it is not there and cannot be made, or is another kind of table.
    async fn ensure(&self) -> Result<(), TableError>;

    /// All rows, as they are now.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn all(&self) -> Result<Listing, TableError>;

    /// One row as it is now; `None` if there is none of that key.
    ///
    /// # Errors
    /// When it cannot be read, or is no lease.
    async fn get(&self, key: &str) -> Result<Option<Lease>, TableError>;

    /// Writes; false if the condition does not hold.
    ///
    /// # Errors
    /// When it cannot be written. It may have been written all the same.
    async fn write(&self, key: &str, change: &Change) -> Result<bool, TableError>;
}

/// Everything in a table.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Leases, in the order of their keys.
    pub leases: Vec<Lease>,
    /// Rows that are no lease of this application; they are left as they are.
    pub unreadable: Vec<Unreadable>,
}

/// Why a table could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It asks for a pause.
    #[error("{0}")]
    Throttled(String),
    /// It could not be reached, or is not well.
    #[error("{0}")]
    Failed(String),
    /// It cannot be used as it is: somebody must do something.
    #[error("{0}")]
    Unusable(String),
}

impl TableError {
    /// As in counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Throttled(_) => "table_throttled",
            Self::Failed(_) => "table_failed",
            Self::Unusable(_) => "table_unusable",
        }
    }
}
