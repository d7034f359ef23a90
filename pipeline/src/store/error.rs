//! Why a store could not do something, and whether trying again can help.

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It may go well later: locked, disk full, network.
    #[error("store: cannot {attempt}: {cause}")]
    Transient {
        /// What was attempted.
        attempt: &'static str,
        /// Why it failed.
        cause: String,
    },
    /// It will not go well without somebody doing something.
    #[error("store: cannot {attempt}: {cause}")]
    Broken {
        /// What was attempted.
        attempt: &'static str,
        /// Why it failed, and what to do.
        cause: String,
    },
    /// Others wrote meanwhile what this was decided on: nothing was written, decide anew.
    #[error("store: cannot {attempt}: another replica was faster ({cause})")]
    Conflict {
        /// What was attempted.
        attempt: &'static str,
        /// Which row.
        cause: String,
    },
    /// More alerts than the store writes at once: nothing was written, give fewer.
    #[error("store: cannot {attempt}: {cause}")]
    TooLarge {
        /// What was attempted.
        attempt: &'static str,
        /// How much it is, and how much it may be.
        cause: String,
    },
}

impl StoreError {
    /// Can trying again help?
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient { .. } | Self::Conflict { .. })
    }

    /// Is what was decided on not so any more?
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}
