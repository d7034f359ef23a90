//! Times of events.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Reads a time as CloudTrail writes it: RFC 3339, or seconds since 1970 as text or number.
///
/// `None` if it is no time.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    if let Some(time) = text.as_bytes().first_chunk().filter(|_| text.len() == 20).and_then(plain) {
        return Some(time);
    }
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

/// Reads times one after the other, most of which are of the minute of the one before.
#[derive(Debug, Default)]
pub struct Times {
    /// A minute as CloudTrail writes it, with its colon, `2023-07-10T11:42:`, and its first second.
    minute: Option<([u8; 17], i64)>,
}

impl Times {
    /// As [`parse_time`] does.
    #[must_use]
    pub fn parse(&mut self, text: &[u8]) -> Option<Timestamp> {
        self.of_minute(text).or_else(|| parse_time(std::str::from_utf8(text).ok()?))
    }

    /// A time in the form that CloudTrail writes; `None` if it is another form, or no time.
    fn of_minute(&mut self, text: &[u8]) -> Option<Timestamp> {
        let text: &[u8; 20] = text.try_into().ok()?;
        let [minute @ .., tens @ b'0'..=b'5', ones @ b'0'..=b'9', b'Z'] = text else { return None };
        let second = i64::from(10 * (tens - b'0') + (ones - b'0'));
        if let Some((known, first)) = &self.minute
            && known == minute
        {
            return Timestamp::from_second(first + second).ok();
        }
        let time = plain(text)?;
        self.minute = Some((*minute, time.as_second() - second));
        Some(time)
    }
}

/// The form that CloudTrail writes itself, `2023-07-10T11:42:36Z`, read without a parser for all forms:
/// where a time was asked for, every record's is read. `None` if it is another form, or no time.
fn plain(text: &[u8; 20]) -> Option<Timestamp> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'Z',
    ] = *text
    else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let is_time = (1..=days_in_month).contains(&day) && hour < 24 && minute < 60 && second < 60;
    // Years begin in March here, so that a leap day is a year's last; day 0 is 1970-01-01.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    is_time.then(|| Timestamp::from_second(seconds).ok()).flatten()
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
    fn one_after_the_other_they_are_read_as_alone() {
        let mut times = Times::default();
        let texts = [
            "2023-07-10T11:42:36Z",
            "2023-07-10T11:42:37Z",
            "2023-07-10T11:42:60Z",
            "2023-07-10T11:42:3xZ",
            "2023-07-10T11:43:00Z",
            "2023-07-10t11:43:01Z",
            "2023-13-10T11:43:01Z",
            "2023-13-10T11:43:02Z",
            "-002023-07-10T11:42Z",
            "-002023-07-10T11:43Z",
            "2023-07-10T11:43:02Z",
            "2023-07-10T11:43:02.5Z",
            "1688989356",
            "",
        ];
        for text in texts {
            assert_eq!(times.parse(text.as_bytes()), parse_time(text), "{text}");
        }
        assert_eq!(times.parse(&[0; 20]), None);
        assert_eq!(times.parse(b"\xff"), None);
    }

    #[test]
    fn the_quick_way_reads_what_the_parser_reads() {
        let slow = |text: &str| text.parse::<Timestamp>().ok();
        let fast = |text: &str| plain(text.as_bytes().first_chunk().expect("20 bytes"));
        for day in -720_000..2_900_000_i64 {
            let Ok(time) = Timestamp::from_second(day * 86_400 + day.rem_euclid(86_400)) else {
                continue;
            };
            let text = rfc3339(time);
            if text.len() == 20 && day % 7 == 0 {
                assert_eq!(fast(&text), Some(time), "{text}");
            }
        }
        for year in ["0000", "0004", "1900", "1970", "2000", "2023", "2024", "9999"] {
            for month in 0..=13 {
                for day in 0..=32 {
                    let text = format!("{year}-{month:02}-{day:02}T23:59:59Z");
                    assert_eq!(fast(&text), slow(&text), "{text}");
                }
            }
        }
        // Leap seconds, lower case and signs are the parser's.
        for text in [
            "2023-07-10T24:00:00Z",
            "2023-07-10T11:60:00Z",
            "2023-07-10t11:42:36Z",
            "+023-07-10T11:42:36Z",
        ] {
            assert!(fast(text).is_none(), "{text}");
        }
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
