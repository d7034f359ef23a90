//! Turns, in memory: one service at a time uses the file, so whoever else may have a turn is in this
//! process, and a turn that outlived it would only keep the next one waiting.

use std::collections::HashMap;

use crate::store::Turn;

/// Turns by name.
#[derive(Debug, Default)]
pub(super) struct Turns(HashMap<String, Turn>);

impl Turns {
    /// A turn as it is now.
    pub(super) fn find(&self, name: &str) -> Turn {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Puts it, if it still has this count.
    pub(super) fn put(&mut self, name: &str, seen: u64, next: &Turn) -> bool {
        let is_as_seen = self.find(name).count == seen;
        if is_as_seen {
            self.0.insert(name.to_owned(), next.clone());
        }
        is_as_seen
    }
}
