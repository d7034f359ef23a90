//! Turns: what one program of several does at a time, such as making the baseline of a fleet anew.
//!
//! A turn is a row with its holder, a term and a count. Every change is written on the condition that
//! the count is still the one that was seen, and adds one to it. The holder changes the row before a
//! third of the turn's time is over. Another program takes the turn when it has **seen the same count for
//! the whole time by its own monotonic clock**: how the clocks of two programs differ plays no part. The
//! term grows with each taking, so that one who lost the turn and finds it free again cannot take what it
//! has done meanwhile for work of its turn.
//!
//! What is done in a turn, and how it is kept from being done twice where a holder is cut off at the
//! last moment, is the caller's.

use std::time::Duration;

use tokio::time::Instant;

use super::{Store, StoreError};

/// How often a renewal is tried again whose count was another one: only a lost answer makes it so.
const AGAIN: usize = 2;

/// A turn as the store has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// Who has it; `None`: nobody.
    pub holder: Option<String>,
    /// Grows with each taking.
    pub term: u64,
    /// Grows with each change; 0: it was never taken.
    pub count: u64,
}

/// One program's part in a turn; always with the same store.
#[derive(Debug)]
pub struct TurnKeeper {
    name: String,
    holder: String,
    lasts: Duration,
    /// What another has, and since when it is so.
    seen: Option<(Turn, Instant)>,
    /// The term that is ours, and when it was renewed last.
    own: Option<(u64, Instant)>,
}

impl TurnKeeper {
    /// Of a turn that is let go of `lasts` after its holder was heard of last. `replica` is for people;
    /// each keeper is a holder of its own.
    pub fn new(name: &str, replica: &str, lasts: Duration) -> Self {
        let holder = format!("{replica}/{:016x}", fastrand::u64(..));
        Self { name: name.to_owned(), holder, lasts, seen: None, own: None }
    }

    /// How long after its last renewal a turn goes to another.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Takes the turn, if nobody has it or its holder was not heard of for its time; renews it if it is
    /// ours. Answers whether it is ours.
    ///
    /// # Errors
    /// When the store cannot be asked: it may be ours or not, and is not to be used.
    pub async fn take(&mut self, store: &dyn Store, now: Instant) -> Result<bool, StoreError> {
        let turn = store.turn(&self.name).await?;
        let is_own = turn.holder.as_deref() == Some(&self.holder);
        if !is_own && !self.is_free(&turn, now) {
            self.own = None;
            return Ok(false);
        }
        // One of ours that we do not know of was taken by a call whose answer was lost.
        let term = if is_own { turn.term } else { turn.term + 1 };
        let next = Turn { holder: Some(self.holder.clone()), term, count: turn.count + 1 };
        let is_taken = store.change_turn(&self.name, turn.count, &next).await?;
        self.own = is_taken.then_some((term, now));
        if is_taken {
            self.seen = None;
            if let (false, Some(gone)) = (is_own, turn.holder) {
                tracing::info!(turn = %self.name, %gone, "took over a turn of a replica that was not heard of");
            }
        }
        Ok(is_taken)
    }

    /// Says that we are still at it. False: it is another's by now, or was meanwhile, and what was done
    /// in it must not be used.
    ///
    /// # Errors
    /// When the store cannot be asked; it is ours until [`Self::is_over`].
    pub async fn keep(&mut self, store: &dyn Store, now: Instant) -> Result<bool, StoreError> {
        let Some((term, _)) = self.own else { return Ok(false) };
        for _ in 0..=AGAIN {
            let turn = store.turn(&self.name).await?;
            if turn.holder.as_deref() != Some(&self.holder) || turn.term != term {
                break;
            }
            let next = Turn { count: turn.count + 1, ..turn.clone() };
            if store.change_turn(&self.name, turn.count, &next).await? {
                self.own = Some((term, now));
                return Ok(true);
            }
        }
        self.own = None;
        Ok(false)
    }

    /// Is it not ours, or was it renewed so long ago that another may have it?
    pub fn is_over(&self, now: Instant) -> bool {
        self.own.is_none_or(|(_, at)| now.saturating_duration_since(at) >= self.lasts)
    }

    /// Gives it back, so that nobody has to wait for its time to be over.
    ///
    /// # Errors
    /// When the store cannot be asked: others take it when its time is over.
    pub async fn give_back(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let Some((term, _)) = self.own.take() else { return Ok(()) };
        let turn = store.turn(&self.name).await?;
        if turn.holder.as_deref() == Some(&self.holder) && turn.term == term {
            let next = Turn { holder: None, term, count: turn.count + 1 };
            // Whoever was faster has it: it is not ours to give back.
            store.change_turn(&self.name, turn.count, &next).await?;
        }
        Ok(())
    }

    /// Has nobody the turn, or somebody who was not heard of for its time?
    fn is_free(&mut self, turn: &Turn, now: Instant) -> bool {
        if turn.holder.is_none() {
            self.seen = None;
            return true;
        }
        let since = match &self.seen {
            Some((seen, since)) if seen == turn => *since,
            _ => now,
        };
        self.seen = Some((turn.clone(), since));
        now.saturating_duration_since(since) >= self.lasts
    }
}
