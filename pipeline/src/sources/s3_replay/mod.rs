//! The past of a bucket: which objects of CloudTrail stand in it for a span of days, and reading
//! them, many at once.
//!
//! It has two steps. [`Lister`] walks the bucket's folders and writes what it finds to a file,
//! so that how much there is is known before anything is fetched. [`Replay`] is a source that fetches
//! what stands in that file.

mod address;
mod history;
mod layout;
mod list;
mod listing;

pub use address::Address;
pub use history::{Progress, Replay, Unread};
pub use layout::Wanted;
pub use list::{ListError, Listed, Lister, Unlisted};
pub use listing::{ListingError, ListingReader, ListingWriter, Row};
