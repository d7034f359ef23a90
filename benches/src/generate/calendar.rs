//! Writes moments as CloudTrail does. Proleptic Gregorian, UTC, no leap seconds.

use std::io::Write;

/// First moment of every corpus: Monday 2026-03-02T00:00:00Z, in seconds since 1970.
pub(crate) const START: u64 = 1_772_409_600;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment taken apart.
pub(crate) struct Moment {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    pub(crate) hour: u64,
    pub(crate) minute: u64,
    pub(crate) second: u64,
}

impl Moment {
    /// Takes apart `seconds` since 1970.
    pub(crate) fn new(seconds: u64) -> Self {
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Civil-from-days with eras of 400 years that begin on 1 March.
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
        }
    }
}

/// Appends `2026-03-02T08:15:00Z`.
pub(crate) fn iso(out: &mut Vec<u8>, seconds: u64) {
    let m = Moment::new(seconds);
    two(out, m.year / 100);
    two(out, m.year % 100);
    for (mark, value) in
        [(b'-', m.month), (b'-', m.day), (b'T', m.hour), (b':', m.minute), (b':', m.second)]
    {
        out.push(mark);
        two(out, value);
    }
    out.push(b'Z');
}

/// Appends `Mar 2, 2026 8:15:00 AM`, the form of STS and IAM answers.
pub(crate) fn long(out: &mut Vec<u8>, seconds: u64) {
    let m = Moment::new(seconds);
    let month = MONTHS[(m.month - 1) as usize];
    let hour = if m.hour.is_multiple_of(12) { 12 } else { m.hour % 12 };
    let half = if m.hour < 12 { "AM" } else { "PM" };
    let (day, year, minute, second) = (m.day, m.year, m.minute, m.second);
    write!(out, "{month} {day}, {year} {hour}:{minute:02}:{second:02} {half}")
        .expect("writing to a vector cannot fail");
}

fn two(out: &mut Vec<u8>, value: u64) {
    out.push(b'0' + (value / 10 % 10) as u8);
    out.push(b'0' + (value % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, expected_iso: &str, expected_long: &str) {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        iso(&mut one, seconds);
        long(&mut two, seconds);
        assert_eq!(String::from_utf8(one).unwrap(), expected_iso);
        assert_eq!(String::from_utf8(two).unwrap(), expected_long);
    }

    #[test]
    fn moments_are_written_as_cloudtrail_does() {
        check(START, "2026-03-02T00:00:00Z", "Mar 2, 2026 12:00:00 AM");
        check(951_782_400, "2000-02-29T00:00:00Z", "Feb 29, 2000 12:00:00 AM");
        check(START + 13 * 3600 + 61, "2026-03-02T13:01:01Z", "Mar 2, 2026 1:01:01 PM");
    }
}
