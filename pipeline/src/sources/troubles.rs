//! What keeps the source from its work, told to the program's health as one text.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::telemetry::{Health, Part};

/// What is wrong, by what it is wrong with: the queue, or a bucket.
#[derive(Debug)]
pub struct Troubles {
    health: Health,
    part: Part,
    known: Mutex<BTreeMap<String, String>>,
}

impl Troubles {
    /// None so far, of the source of that name.
    pub fn new(health: Health, source: &str) -> Self {
        Self { health, part: Part::Source(source.to_owned()), known: Mutex::default() }
    }

    /// Something is not well.
    pub fn are(&self, with: &str, why: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(with.to_owned(), why.to_owned());
        self.tell(&known);
    }

    /// It is well; true if it was not.
    pub fn are_over(&self, with: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let were = known.remove(with).is_some();
        if were {
            self.tell(&known);
        }
        were
    }

    fn tell(&self, known: &BTreeMap<String, String>) {
        if known.is_empty() {
            self.health.well(&self.part);
            return;
        }
        let all: Vec<&str> = known.values().map(String::as_str).collect();
        self.health.trouble(self.part.clone(), all.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_told_together_and_end_one_by_one() {
        let health = Health::default();
        let troubles = Troubles::new(health.clone(), "trail");
        troubles.are("the queue", "no answer");
        troubles.are("bucket", "denied");
        assert_eq!(health.why_unready(), ["source trail: denied; no answer"]);
        assert!(troubles.are_over("bucket") && !troubles.are_over("bucket"));
        assert_eq!(health.why_unready(), ["source trail: no answer"]);
        assert!(troubles.are_over("the queue"));
        assert_eq!(health.why_unready(), Vec::<String>::new());
    }
}
