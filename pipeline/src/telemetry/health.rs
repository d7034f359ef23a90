//! Whether the program is well, and why not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A part of the program whose state is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A source, by name.
    Source(String),
    /// The store.
    Store,
    /// The start: everything is set up.
    Start,
    /// The configuration on disk is the one that runs.
    Config,
    /// The baseline that the service makes. While it cannot, the old one holds.
    Baseline,
    /// The baseline that others make, in a bucket. While it cannot be read, the old one holds.
    BaselineObject,
    /// The accounts are as AWS Organizations lists them now. Those of an older answer still hold.
    Accounts,
    /// A sink, by name. A sink that is down does not make the program unready: its alerts wait.
    Sink(String),
}

/// What is wrong with which part; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    troubles: BTreeMap<Part, String>,
    /// Set when the program cannot go on: only a restart helps.
    is_dead: Option<String>,
}

impl Health {
    /// A part is well.
    pub fn well(&self, part: &Part) {
        self.lock().troubles.remove(part);
    }

    /// A part is not well, for a reason.
    pub fn trouble(&self, part: Part, why: impl Into<String>) {
        self.lock().troubles.insert(part, why.into());
    }

    /// Nothing but a restart helps.
    pub fn dead(&self, why: impl Into<String>) {
        self.lock().is_dead = Some(why.into());
    }

    /// Why the program should be restarted, if it should.
    pub fn why_dead(&self) -> Option<String> {
        self.lock().is_dead.clone()
    }

    /// Why the program does not do its work now, a line each; empty if it does.
    pub fn why_unready(&self) -> Vec<String> {
        let state = self.lock();
        let blocks = |part: &&Part| !part.only_warns();
        let troubles = state.troubles.iter().filter(|(part, _)| blocks(part));
        state
            .is_dead
            .iter()
            .cloned()
            .chain(troubles.map(|(part, why)| format!("{}: {why}", part.words())))
            .collect()
    }

    /// What is not well without keeping the program from its work, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let state = self.lock();
        let warns = |part: &&Part| part.only_warns();
        let troubles = state.troubles.iter().filter(|(part, _)| warns(part));
        troubles.map(|(part, why)| format!("{}: {why}", part.words())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // What is held is whole after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Does the program do its work all the same?
    fn only_warns(&self) -> bool {
        matches!(
            self,
            Self::Sink(_) | Self::Config | Self::Baseline | Self::BaselineObject | Self::Accounts
        )
    }

    fn words(&self) -> String {
        match self {
            Self::Source(name) => format!("source {name}"),
            Self::Store => "store".to_owned(),
            Self::Start => "start".to_owned(),
            Self::Config => "configuration".to_owned(),
            Self::Baseline => "baseline".to_owned(),
            Self::BaselineObject => "baseline in its bucket".to_owned(),
            Self::Accounts => "accounts".to_owned(),
            Self::Sink(name) => format!("sink {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_sink_is_told_and_blocks_nothing() {
        let health = Health::default();
        health.trouble(Part::Sink("people".into()), "cannot connect");
        assert_eq!(health.why_unready(), Vec::<String>::new());
        health.trouble(Part::Accounts, "denied");
        assert_eq!(health.why_unready(), Vec::<String>::new());
        assert_eq!(health.warnings(), ["accounts: denied", "sink people: cannot connect"]);
        health.trouble(Part::Store, "disk full");
        assert_eq!(health.why_unready(), ["store: disk full"]);
        health.well(&Part::Store);
        assert!(health.why_unready().is_empty() && health.why_dead().is_none());
    }
}
