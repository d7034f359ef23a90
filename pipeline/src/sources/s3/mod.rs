//! Objects of S3, for every source that reads them: which buckets may be read, fetching one object,
//! and every way that this can end.

mod announced;
mod body;
mod buckets;
mod fetch;
mod outcome;
mod pace;
mod parts;

pub use announced::{Announced, Marked};
pub use buckets::{Bucket, Buckets};
pub use fetch::{Fetch, Fetched};
pub use outcome::{Disposal, Fault, Outcome};
pub use pace::Pace;

/// Digest files hold no events; folder markers and CloudTrail's own hold nothing.
pub fn is_passed_by(key: &str) -> bool {
    key.contains("/CloudTrail-Digest/") || key.ends_with('/')
}
