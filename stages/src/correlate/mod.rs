//! Correlates: counts what single rules found, by group and window of time, and tells of episodes.
//!
//! A rule that feeds a correlation gives an [`Entry`](crate::model::Entry) for each event that it
//! matches. The window of an entry is the entries of its group from a time span before it up to its own
//! time, both ends included. An episode is a run of overlapping windows in which the condition holds.
//! All of this is a function of the set of entries: neither their order nor how they are divided among
//! steps changes what is told in the end.
//!
//! Two ways lead here: [`Correlations::step`] takes one group on whose state is kept elsewhere, and
//! [`Keeper`] holds all groups of a finite input in memory. Nothing here keeps or sends.

mod bundle;
mod chain;
mod compile;
mod condition;
mod extract;
mod given_up;
mod group;
mod keeper;
mod look;
mod packed;
mod state;
mod step;
mod tell;

pub use bundle::{Bundle, bundle, unbundle};
pub use compile::{Correlations, MAX_EPISODE};
pub use extract::Event;
pub use keeper::{Keeper, KeeperCounts, KeeperLimits};
pub use look::{News, Tell};
pub use state::MAX_STATE;
pub use step::{MAX_ENTRIES, Step, StepCounts};
