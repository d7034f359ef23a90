//! Which alerts were told already, in bounded memory, to tell the same event read twice once.

use std::collections::HashSet;

/// Ids of a set; two such sets are kept at most, some 40 MB each when full.
const REMEMBERED: usize = 1 << 20;

/// Ids of alerts: when a set is full it becomes the older one, and the older one before it is
/// forgotten.
#[derive(Debug, Default)]
pub struct Seen {
    young: HashSet<u128>,
    old: HashSet<u128>,
    forgot: bool,
}

impl Seen {
    /// True if the id was not seen before, as far as is remembered.
    pub fn is_new(&mut self, id: &str) -> bool {
        // Ids are 32 hexadecimal digits, so this cannot fail.
        let id = u128::from_str_radix(id, 16).unwrap_or_default();
        if self.young.contains(&id) || self.old.contains(&id) {
            return false;
        }
        if self.young.len() >= REMEMBERED {
            self.forgot |= !self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id)
    }

    /// Something was forgotten, so that repeats far apart may count as new.
    pub fn forgot(&self) -> bool {
        self.forgot
    }
}
