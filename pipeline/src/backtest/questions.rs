//! How many questions would be asked, and how many people: distinct ones, in bounded memory.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Side;

/// Distinct ones that are told apart; what comes beyond is counted as more.
const MOST: usize = 1 << 21;

const OF_BASELINE: u8 = 1;
const OF_CANDIDATE: u8 = 2;

/// Distinct things that two sets of rules ask, or ask about.
#[derive(Debug, Default)]
pub struct Questions {
    known: HashMap<u64, u8>,
    is_full: bool,
}

impl Questions {
    /// One that this side asks.
    pub fn add(&mut self, side: Side, what: impl Hash) {
        // Fixed keys: 2 million of 2^64 rarely meet, and a report is the same each time.
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let hash = hasher.finish();
        let of = match side {
            Side::Both => OF_BASELINE | OF_CANDIDATE,
            Side::Baseline => OF_BASELINE,
            Side::Candidate => OF_CANDIDATE,
        };
        if self.known.len() >= MOST && !self.known.contains_key(&hash) {
            self.is_full = true;
            return;
        }
        *self.known.entry(hash).or_default() |= of;
    }

    /// How many the baseline asks, and the candidate.
    pub fn totals(&self) -> (u64, u64) {
        (self.count(|of| of & OF_BASELINE != 0), self.count(|of| of & OF_CANDIDATE != 0))
    }

    /// How many the candidate asks that the baseline did not, and the other way round.
    pub fn changes(&self) -> (u64, u64) {
        (self.count(|of| of == OF_CANDIDATE), self.count(|of| of == OF_BASELINE))
    }

    /// There were more than are told apart, so that the counts are too low.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    fn count(&self, is_it: impl Fn(u8) -> bool) -> u64 {
        self.known.values().filter(|of| is_it(**of)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_counts_once() {
        let mut questions = Questions::default();
        for side in [Side::Baseline, Side::Candidate, Side::Candidate] {
            questions.add(side, ("rule", "account", "a"));
        }
        questions.add(Side::Candidate, ("rule", "account", "b"));
        questions.add(Side::Baseline, ("rule", "account", "c"));
        questions.add(Side::Both, ("other", "account", "c"));
        assert_eq!(questions.totals(), (3, 3));
        assert_eq!(questions.changes(), (1, 1));
    }
}
