//! What holds until a day: filters, and values of lists.

use std::fmt;

use jiff::civil::Date;

use super::ast::Place;
use crate::yaml::{Fault, Mapping};

/// Until when something holds, and whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// The last day, in UTC; `None`: it does not end.
    pub until: Option<Date>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why it is there.
    pub reason: Option<String>,
}

/// Something that holds no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Where it stands.
    pub place: Place,
    /// What it is, in words.
    pub title: String,
    /// When it ended, and whose it was.
    pub ending: Ending,
}

impl Ending {
    /// Reads `until`, `owner` and `reason` of a mapping; other keys are the caller's.
    ///
    /// # Errors
    /// The first of them that is not what it should be.
    pub fn read(mapping: &Mapping) -> Result<Self, Fault> {
        let text = |key: &str| {
            let node = mapping.get_some(key);
            node.map(|node| node.text().map(str::to_owned)).transpose()
        };
        let until = match mapping.get_some("until") {
            Some(node) => {
                let text = node.text()?;
                let fault = || {
                    let message = format!("until: {text:?} is no day");
                    Fault::new(node.position, message).hint("write 2026-12-31")
                };
                Some(parse_day(text).ok_or_else(fault)?)
            }
            None => None,
        };
        Ok(Self { until, owner: text("owner")?, reason: text("reason")? })
    }

    /// True if the last day is over.
    #[must_use]
    pub fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ending { until, owner, reason } = &self.ending;
        write!(f, "{}: {} ended", self.place, self.title)?;
        if let Some(until) = until {
            write!(f, " on {until}")?;
        }
        match (owner, reason) {
            (Some(owner), Some(reason)) => write!(f, " ({owner}: {reason})")?,
            (Some(only), None) | (None, Some(only)) => write!(f, " ({only})")?,
            (None, None) => {}
        }
        f.write_str(": it holds no more")
    }
}

/// A day as `2026-12-31`.
#[must_use]
pub fn parse_day(text: &str) -> Option<Date> {
    let is_plain =
        text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_plain.then(|| text.parse().ok()).flatten()
}
