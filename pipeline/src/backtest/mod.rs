//! What a change of rules would have done: two sets of rules in one pass over the same events.
//!
//! [`Pair`] joins the sets, so that rules that are the same in both run once; [`Comparison`] takes
//! what the engine finds with them and counts what is new, gone and kept. Correlations of both sets are
//! evaluated at the end of the input, as a scan does.

mod comparison;
mod episodes;
mod pair;
mod questions;
mod same;

pub use comparison::{Comparison, Counts, OfRule, Sample};
pub use pair::{Change, Pair, Side};
pub use questions::Questions;
