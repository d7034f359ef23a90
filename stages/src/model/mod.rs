//! The values that stages hand to each other.

mod alert;
mod record;
mod reject;

pub use alert::{Actor, Alert, Matched, Origin, Resource, RuleRef};
pub use record::{Lookup, Record, Values};
pub use reject::{Damage, Drop, Odd, Reason, Reject};
