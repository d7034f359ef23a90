//! Times of events.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Reads a time as CloudTrail writes it: RFC 3339, or seconds since 1970 as text or number.
///
/// `None` if it is no time.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let seconds: f64 = text.parse().ok()?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_plain || !seconds.is_finite() {
        return None;
    }
    // Milliseconds have 13 digits from 2001 to 2286.
    let seconds = if seconds >= 1e11 { seconds / 1000.0 } else { seconds };
    // Within i64, since it is under 1e16 or the conversion below refuses it.
    Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()
}

/// The time's date and clock in UTC.
#[must_use]
pub fn utc(time: Timestamp) -> jiff::civil::DateTime {
    TimeZone::UTC.to_datetime(time)
}

/// RFC 3339 in UTC, to the second unless the time is finer.
#[must_use]
pub fn rfc3339(time: Timestamp) -> String {
    time.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse_time(text).map(rfc3339).as_deref(), expected, "{text}");
    }

    #[test]
    fn times_are_read() {
        check("2023-07-10T11:42:36Z", Some("2023-07-10T11:42:36Z"));
        check("2023-07-10T13:42:36.5+02:00", Some("2023-07-10T11:42:36.5Z"));
        check("1688989356", Some("2023-07-10T11:42:36Z"));
        check("1688989356000", Some("2023-07-10T11:42:36Z"));
        check("2023-13-10T11:42:36Z", None);
        check("yesterday", None);
        check("inf", None);
        check("", None);
    }
}
