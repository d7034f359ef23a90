//! What looks odd about a record that could be parsed, and is read all the same.

use jiff::Timestamp;

use super::{Odd, Record};

/// What looks odd about a record that could be parsed.
pub fn oddities(
    record: &Record<'_>,
    time: Option<Timestamp>,
    account: Option<&str>,
) -> impl Iterator<Item = Odd> {
    let year = time.map(|time| super::utc(time).year());
    let has_time = record.at(&["eventTime"]).is_some() || time.is_some();
    let version = record.text(&["eventVersion"]);
    let source = record.text(&["sourceIPAddress"]);
    [
        (!has_time, Odd::NoEventTime),
        // CloudTrail began in 2013; AWS itself in 2006.
        (has_time && !year.is_some_and(|year| (2006..=2100).contains(&year)), Odd::BadEventTime),
        (record.text(&["eventID"]).is_none_or(str::is_empty), Odd::NoEventId),
        (account.is_none_or(str::is_empty), Odd::NoAccount),
        (version.is_none_or(|version| version.split('.').next() != Some("1")), Odd::UnknownVersion),
        (source.is_some_and(|s| s.parse::<std::net::IpAddr>().is_err()), Odd::SourceIsName),
    ]
    .into_iter()
    .filter_map(|(is_so, odd)| is_so.then_some(odd))
}
