//! The values that stages hand to each other.

mod alert;
mod behind;
mod correlated;
mod entry;
mod fields;
mod ids;
mod level;
mod memo;
mod oddities;
mod outermost;
mod partition;
mod record;
mod reject;
mod texts;
mod time;

pub use alert::{Actor, Address, Alert, Matched, Origin, Resource, RuleFacts, RuleRef, Unknown};
pub use behind::{Behind, Given, Hop};
pub use correlated::{Correlated, EventRef, GroupValue, RuleCount};
pub use entry::{Entry, Summary, Who};
pub use fields::{Derive, Derived, DerivedValues, Enriched, Field, PREFIX};
pub use ids::{alert_id, bounded, group_key, hex, identity_number, identity_of};
pub use level::Level;
pub use memo::{Facts, Memo};
pub use oddities::oddities;
pub use partition::partition_of_region;
pub use record::{Lookup, Record, Values, static_text, write_static};
pub use reject::{Damage, Drop, Odd, Reason, Reject};
pub use texts::{Iter as TextsIter, Pack, SharedTexts, Texts};
pub use time::{Times, parse_time, rfc3339, utc};
