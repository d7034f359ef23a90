//! Where askance and rsigma 0.23 decide differently about correlations, each by name, with its reason.
//!
//! A departure tells by looking at a correlation and what feeds it whether it may show; such
//! correlations are not compared. Each has an example in which it does show, so the list holds nothing
//! out of date.

use crate::list::DEPARTURES;
use crate::rules::{Correlation, Expr, Source};
use crate::slow::{Entry, Found, episodes};

/// A correlation about to be compared.
pub(crate) struct Look<'l> {
    pub(crate) it: &'l Correlation,
    /// What there is to tell of it, the slow way.
    pub(crate) found: &'l Found,
    /// The same of the correlation that feeds it, if one does.
    pub(crate) inner: Option<(&'l Correlation, &'l Found)>,
    /// Some field that it looks at has a list.
    pub(crate) has_lists: bool,
    /// Some field that it looks at has a whole number with a fraction, such as 4.0.
    pub(crate) has_whole_fractions: bool,
}

impl Look<'_> {
    /// The first departure that may show.
    pub(crate) fn departure(&self) -> Option<&'static str> {
        DEPARTURES.iter().find(|departure| (departure.may_show)(self)).map(|it| it.name)
    }

    pub(crate) fn is_listed_twice(&self) -> bool {
        self.it.sources.len() > self.it.distinct().len()
    }

    /// Two entries of a group at one time.
    pub(crate) fn has_equal_times(&self) -> bool {
        has_pair(&self.found.entries, |left, right| left.group == right.group)
    }

    /// Two entries of two groups of the correlation that feeds this one at one time.
    pub(crate) fn inner_has_equal_times(&self) -> bool {
        let is_other = |(_, found): (_, &Found)| {
            has_pair(&found.entries, |left, right| left.group != right.group)
        };
        self.inner.is_some_and(is_other)
    }

    /// The correlation that feeds this one holds in more windows than it has episodes, or twice in one.
    pub(crate) fn has_long_episodes(&self) -> bool {
        self.inner.is_some_and(|(inner, found)| {
            let mut groups = found.windows.iter();
            groups.any(|(group, windows)| windows.len() > episodes(inner, found, group).len())
                || has_pair(&found.entries, |left, right| left.group == right.group)
        })
    }

    /// What feeds this one is told at other times too: see "bounds of percentiles".
    pub(crate) fn is_fed_by_percentiles(&self) -> bool {
        self.inner.is_some_and(|(inner, _)| inner.kind == "value_percentile")
    }

    /// Some entry has no number, so that a window may have none.
    pub(crate) fn has_no_numbers(&self) -> bool {
        let is_number = |value: &String| value.parse::<f64>().is_ok();
        self.found.entries.iter().any(|entry| !entry.values.iter().any(is_number))
    }

    /// More entries can only make it hold.
    pub(crate) fn is_monotone(&self) -> bool {
        let it = self.it;
        let counts = it.is_temporal() || matches!(it.kind, "event_count" | "value_count");
        let grows = it.bounds.iter().all(|(how, _)| how.starts_with('g'));
        counts && grows && !it.expression.as_ref().is_some_and(negates)
    }
}

/// Two entries of one time of which it is true.
fn has_pair(entries: &[Entry], is_it: fn(&Entry, &Entry) -> bool) -> bool {
    let mut rights = entries.iter().enumerate();
    rights.any(|(at, right)| {
        entries[..at].iter().any(|left| left.time == right.time && is_it(left, right))
    })
}

fn negates(expr: &Expr) -> bool {
    match expr {
        Expr::One(_) => false,
        Expr::Not(_) => true,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(negates),
    }
}

/// Every place of the list stands in it, without a `not`.
pub(crate) fn wants_all(it: &Correlation, expr: &Expr) -> bool {
    fn wanted(expr: &Expr, places: &mut Vec<usize>) {
        match expr {
            Expr::One(place) => places.push(*place),
            Expr::Not(_) => {}
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|it| wanted(it, places)),
        }
    }
    let mut places = Vec::new();
    wanted(expr, &mut places);
    let is_wanted = |source: &Source| places.iter().any(|place| it.sources[*place].0 == *source);
    it.distinct().iter().all(is_wanted)
}

/// A way in which the two differ on purpose.
pub(crate) struct Departure {
    /// A few words.
    pub(crate) name: &'static str,
    /// Why askance does as it does.
    pub(crate) reason: &'static str,
    /// Could it show in this correlation?
    pub(crate) may_show: fn(&Look<'_>) -> bool,
    /// Where it does.
    pub(crate) example: Example,
}

/// Rules and events of which it is known what both tell.
pub(crate) struct Example {
    /// Documents behind the three rules. What is looked at has the id `it`.
    pub(crate) documents: &'static str,
    /// Names, time in seconds (or as text), more fields.
    pub(crate) events: &'static [(&'static str, &'static str, &'static str)],
    /// Times at which askance tells that an episode begins, in seconds; `None` if it refuses the rules.
    pub(crate) askance: Option<&'static [i64]>,
    /// Times at which rsigma tells something, in seconds; `None` if it refuses the rules.
    pub(crate) rsigma: Option<&'static [i64]>,
}
