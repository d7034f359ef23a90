//! Which step of a run fails, and how.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not done, and says so.
    Error,
    /// It is done, and its answer is lost.
    LostAnswer,
    /// It takes long, is not done, and says so.
    Hang,
    /// It is done by half, where that can be; else as an error.
    Cut,
    /// The program ends there; it is started again.
    Crash,
}

impl Fault {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::Error, Self::LostAnswer, Self::Hang, Self::Cut, Self::Crash];
}

/// What a step is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Go on.
    Go,
    /// Fail without doing it.
    Fail,
    /// Do it, then fail.
    FailAfter,
    /// Do half of it.
    Half,
}

/// Counts steps and lets some of them fail.
#[derive(Debug, Default)]
pub struct Faults {
    next: AtomicU64,
    plan: Vec<(u64, Fault)>,
    crashed: Mutex<CancellationToken>,
    trace: Mutex<Vec<&'static str>>,
}

impl Faults {
    /// The steps of these numbers fail.
    pub fn new(plan: Vec<(u64, Fault)>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Comes to a step.
    pub async fn step(&self, what: &'static str) -> Step {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        self.trace.lock().unwrap().push(what);
        let fault = self.plan.iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault);
        match fault {
            None => Step::Go,
            Some(Fault::Error) => Step::Fail,
            Some(Fault::LostAnswer) => Step::FailAfter,
            Some(Fault::Cut) => Step::Half,
            Some(Fault::Hang) => {
                tokio::time::sleep(Duration::from_secs(300)).await;
                Step::Fail
            }
            Some(Fault::Crash) => {
                let crashed = self.crashed.lock().unwrap().clone();
                crashed.cancel();
                std::future::pending().await
            }
        }
    }

    /// How many steps there were.
    pub fn count(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    /// A new life begins; tells when it ends by a crash.
    pub fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.crashed.lock().unwrap().clone_from(&token);
        token
    }

    /// The steps so far, by name.
    pub fn trace(&self) -> Vec<&'static str> {
        self.trace.lock().unwrap().clone()
    }
}
