//! Times as people give them: `24h`, `2026-11-24`, `2026-11-24T09:30:00Z`.

use anyhow::{anyhow, bail};
use jiff::{SignedDuration, Timestamp};

/// Reads a time; a duration counts back from `now`. Without a zone it is UTC.
///
/// # Errors
/// Words for people.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Some(duration) = duration(text) {
        return now.checked_sub(duration).map_err(|_| format!("{text} ago is too long ago"));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let civil = text
        .parse::<jiff::civil::DateTime>()
        .or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)));
    civil.ok().and_then(|civil| jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()).ok_or_else(|| {
        "expected a time such as 2026-11-24T09:30:00Z, a day such as 2026-11-24, or how long ago: \
         90m, 24h, 7d, 2w"
            .to_owned()
    })
}

/// Reads `--from` and `--to`.
///
/// # Errors
/// When one is no time, or nothing lies between them.
pub fn range(
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
    let time = |name: &str, text: Option<&str>| {
        let read = |text| parse(text, now).map_err(|why| anyhow!("--{name} {text}: {why}"));
        text.map(read).transpose()
    };
    let (from, to) = (time("from", from)?, time("to", to)?);
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        bail!("--from {from} is not before --to {to}: no event could be in between");
    }
    Ok((from, to))
}

/// `90s`, `30m`, `24h`, `7d`, `2w`.
fn duration(text: &str) -> Option<SignedDuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(seconds).map(SignedDuration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        assert_eq!(parse(text, now).ok().map(|t| t.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn times_are_read() {
        check("24h", Some("2026-11-23T12:00:00Z"));
        check("90m", Some("2026-11-24T10:30:00Z"));
        check("2w", Some("2026-11-10T12:00:00Z"));
        check("2026-11-01", Some("2026-11-01T00:00:00Z"));
        check("2026-11-01T10:00", Some("2026-11-01T10:00:00Z"));
        check("2026-11-01T10:00:00+09:00", Some("2026-11-01T01:00:00Z"));
        check("24", None);
        check("yesterday", None);
        check("99999999999999999999w", None);
    }
}
