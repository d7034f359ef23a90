//! What was met in a folder, so that walking it again costs little: bounded, and forgotten with the
//! files.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// Most files that are remembered. What is beyond is asked of the ledger each time.
const MOST: usize = 1 << 19;

/// What is remembered of a file as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may still be growing; met so first at that time.
    Growing(Instant),
    /// It is read, or was before; or it cannot be read, and that was told.
    Over,
}

/// A file as it was: path and stamp in 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(u64, u64);

/// What was met.
#[derive(Debug)]
pub struct Seen {
    files: HashMap<Id, (State, u32)>,
    round: u32,
    keys: [RandomState; 2],
}

impl Seen {
    /// Nothing so far.
    pub fn new() -> Self {
        Self { files: HashMap::new(), round: 0, keys: [RandomState::new(), RandomState::new()] }
    }

    /// What a file is remembered by.
    pub fn id(&self, file: &impl Hash) -> Id {
        Id(self.keys[0].hash_one(file), self.keys[1].hash_one(file))
    }

    /// What is remembered of it; it is remembered on.
    pub fn state(&mut self, id: Id) -> Option<State> {
        let (state, round) = self.files.get_mut(&id)?;
        *round = self.round;
        Some(*state)
    }

    /// Remembers it, if there is room.
    pub fn note(&mut self, id: Id, state: State) {
        if self.files.len() < MOST || self.files.contains_key(&id) {
            self.files.insert(id, (state, self.round));
        }
    }

    /// Whether it has stopped growing: it was not changed for so long, by its own times or as it
    /// was met.
    pub fn is_settled(&mut self, id: Id, age: Option<Duration>, settle: Duration) -> bool {
        if age.is_some_and(|age| age >= settle) {
            return true;
        }
        match self.state(id) {
            Some(State::Growing(since)) => since.elapsed() >= settle,
            Some(State::Over) => true,
            None => {
                self.note(id, State::Growing(Instant::now()));
                settle.is_zero()
            }
        }
    }

    /// A walk ended: what it did not meet is forgotten.
    pub fn end_round(&mut self) {
        let now = self.round;
        self.files.retain(|_, (_, round)| *round == now);
        self.round = now.wrapping_add(1);
    }

    /// How many files are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.files.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_forgotten_and_memory_is_bounded() {
        let mut seen = Seen::new();
        for number in 0..MOST + 10 {
            let id = seen.id(&number);
            seen.note(id, State::Over);
        }
        assert_eq!(seen.len(), MOST);
        seen.end_round();
        let id = seen.id(&7usize);
        assert_eq!(seen.state(id), Some(State::Over));
        seen.end_round();
        assert_eq!(seen.len(), 1);
        seen.end_round();
        assert_eq!(seen.state(id), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_is_settled_by_its_times_or_as_it_was_met() {
        let mut seen = Seen::new();
        let settle = Duration::from_secs(2);
        let id = seen.id(&"a");
        assert!(seen.is_settled(id, Some(settle), settle));
        // Its times lie in the future: what counts is since when it was met.
        assert!(!seen.is_settled(id, None, settle));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!seen.is_settled(id, Some(Duration::from_secs(1)), settle));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(seen.is_settled(id, None, settle));
    }
}
