//! Makes baselines of what was read: of the past of a bucket, into a file that is replaced whole.
//!
//! What a baseline is and what is looked at of a record is the engine's (`enrich`).

mod file;
mod past;

pub use file::write;
pub use past::{Past, PastError, Taken};

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
