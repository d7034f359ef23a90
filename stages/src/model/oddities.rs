//! What looks odd about a record that could be parsed, and is read all the same.

use jiff::Timestamp;

use super::{Odd, Record};

/// Times that are believed, in seconds since 1970: from 2006, when AWS began (CloudTrail did in 2013), to the
/// end of 2100.
const TIMES: std::ops::Range<i64> = 1_136_073_600..4_133_980_800;

/// What looks odd about a record that could be parsed.
pub fn oddities(
    record: &Record<'_>,
    time: Option<Timestamp>,
    account: Option<&str>,
) -> impl Iterator<Item = Odd> {
    let has_time = record.at(&["eventTime"]).is_some() || time.is_some();
    let version = record.text(&["eventVersion"]);
    let source = record.text(&["sourceIPAddress"]);
    [
        (!has_time, Odd::NoEventTime),
        (
            has_time && !time.is_some_and(|time| TIMES.contains(&time.as_second())),
            Odd::BadEventTime,
        ),
        (record.text(&["eventID"]).is_none_or(str::is_empty), Odd::NoEventId),
        (account.is_none_or(str::is_empty), Odd::NoAccount),
        (version.is_none_or(|version| version.split('.').next() != Some("1")), Odd::UnknownVersion),
        (source.is_some_and(|s| s.parse::<std::net::IpAddr>().is_err()), Odd::SourceIsName),
    ]
    .into_iter()
    .filter_map(|(is_so, odd)| is_so.then_some(odd))
}
