//! Puts results of parallel work back into the order of the inputs, in bounded memory.
//!
//! Whoever works on an input that is not yet due waits once too much has piled up; whoever works on
//! the one that is due never waits for others, so the due one always comes through.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Results by input number, counted from 0.
pub struct Turnstile<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    budget: usize,
}

struct State<T> {
    due: u64,
    pending: BTreeMap<u64, Pending<T>>,
    held: usize,
    is_closed: bool,
}

struct Pending<T> {
    items: Vec<T>,
    held: usize,
    is_done: bool,
}

/// What the receiver gets.
pub enum Next<T> {
    /// Some results of the input that is due.
    Items(Vec<T>),
    /// No more results will come.
    End,
}

impl<T> Turnstile<T> {
    /// Holds at most about `budget` bytes.
    pub fn new(budget: usize) -> Self {
        let state = State { due: 0, pending: BTreeMap::new(), held: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), budget }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere leaves counts and lists whole: they change together under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives results of input `number`, of about `size` bytes; `is_done` with the last of them.
    pub fn put(&self, number: u64, items: Vec<T>, size: usize, is_done: bool) {
        let mut state = self.lock();
        while !state.is_closed && state.is_full(number, size, self.budget) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.held += size;
        let pending = state.pending.entry(number).or_insert_with(|| Pending {
            items: Vec::new(),
            held: 0,
            is_done: false,
        });
        pending.items.extend(items);
        pending.held += size;
        pending.is_done |= is_done;
        drop(state);
        self.changed.notify_all();
    }

    /// No input will begin any more; the receiver ends after `total` inputs.
    pub fn close_after(&self, total: u64) {
        let mut state = self.lock();
        // An end is an input without results, due after all others.
        state.pending.insert(total, Pending { items: Vec::new(), held: 0, is_done: false });
        state.is_closed = true;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for results of the input that is due.
    pub fn take(&self) -> Next<T> {
        let mut state = self.lock();
        loop {
            let due = state.due;
            let is_end = state.is_closed && state.pending.len() == 1;
            if let Some(pending) = state.pending.get_mut(&due) {
                if is_end && !pending.is_done && pending.items.is_empty() {
                    return Next::End;
                }
                let (items, held) = (std::mem::take(&mut pending.items), pending.held);
                pending.held = 0;
                let is_done = pending.is_done;
                state.held -= held;
                if is_done {
                    state.pending.remove(&due);
                    state.due += 1;
                }
                if is_done || held > 0 || !items.is_empty() {
                    drop(state);
                    self.changed.notify_all();
                    return Next::Items(items);
                }
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> State<T> {
    fn is_full(&self, number: u64, size: usize, budget: usize) -> bool {
        let mine = self.pending.get(&number).map_or(0, |pending| pending.held);
        if number == self.due {
            // What others hold must not stop the one that everybody waits for.
            return mine > 0 && mine + size > budget / 2;
        }
        self.held > 0 && self.held + size > budget
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn results_come_in_order_however_they_are_made() {
        for budget in [1, 100, 1 << 20] {
            let turnstile = Arc::new(Turnstile::new(budget));
            let next = Arc::new(std::sync::atomic::AtomicU64::new(0));
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    let (turnstile, next) = (Arc::clone(&turnstile), Arc::clone(&next));
                    std::thread::spawn(move || {
                        loop {
                            let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            if number >= 200 {
                                return;
                            }
                            for part in 0..number % 5 {
                                turnstile.put(number, vec![(number, part)], 40, false);
                            }
                            turnstile.put(number, vec![(number, 99)], 40, true);
                        }
                    })
                })
                .collect();
            let receiver = {
                let turnstile = Arc::clone(&turnstile);
                std::thread::spawn(move || {
                    let mut seen = Vec::new();
                    while let Next::Items(items) = turnstile.take() {
                        seen.extend(items);
                    }
                    seen
                })
            };
            workers.into_iter().for_each(|worker| worker.join().unwrap());
            turnstile.close_after(200);
            let seen = receiver.join().unwrap();
            let expected: Vec<_> = (0..200)
                .flat_map(|number| (0..number % 5).chain([99]).map(move |part| (number, part)))
                .collect();
            assert_eq!(seen, expected);
        }
    }
}
