//! Makes baselines of what was read: of the past of a bucket, into a file or an object that is replaced
//! whole, when somebody asks or on a schedule; and takes over what stands in an object.
//!
//! What a baseline is and what is looked at of a record is the engine's (`enrich`).

mod file;
mod follow;
mod making;
mod object;
mod past;
mod place;
mod schedule;

#[cfg(test)]
mod fleet_tests;

pub use file::write;
pub use follow::{Follower, Held, fetch};
pub use object::{Answer, BaselineObject};
pub use past::{Past, PastError, Taken};
pub use schedule::Rebuilder;

use askance_stages::enrich::BaselineBuilder;
use askance_stages::filter::{self, FilterConfig};
use askance_stages::model::{Drop, Record};

/// Takes a record if it is asked for. One without a time is within any.
pub fn take(builder: &mut BaselineBuilder, asked: &FilterConfig, record: &Record<'_>) {
    let time = filter::event_time(record);
    let (account, region) = (filter::account(record), filter::region(record));
    if matches!(asked.reason_to_drop(time, account, region), None | Some(Drop::NoTime)) {
        builder.take(record, time);
    }
}
