//! Which episodes two forms of a correlation share.
//!
//! A change of a bound or a time span moves the moment at which a condition first holds, and with it
//! the alert's id. People are told of the same events all the same, so that is no news: episodes of one
//! group are the same if they have a moment in common.

use std::collections::BTreeMap;

use askance_stages::correlate::Tell;
use askance_stages::model::{Alert, parse_time};
use jiff::Timestamp;

use super::{Pair, Side};

/// An episode of one form and one of the other, or of one alone.
pub(super) type Pairing = (Option<Alert>, Option<Alert>);

/// Episodes of two forms by time.
#[derive(Default)]
struct Forms {
    baseline: Vec<Alert>,
    candidate: Vec<Alert>,
}

/// The episodes of correlations that differ, in pairs of (baseline, candidate) by group and time; and
/// those of correlations that are the same in both.
pub(super) fn sort(pair: &Pair, tells: Vec<Tell>) -> (Vec<Pairing>, Vec<Alert>) {
    let mut both = Vec::new();
    let mut groups: BTreeMap<(String, Vec<Option<String>>), Forms> = BTreeMap::new();
    for Tell { alert, .. } in tells {
        let (side, id) = pair.side(&alert.rule.id);
        let told = alert.correlation.as_ref();
        // What the group is called may be what was changed.
        let values = told.map(|told| told.group.iter().map(|it| it.value.clone()).collect());
        let key = (id.to_owned(), values.unwrap_or_default());
        match side {
            Side::Both => both.push(alert),
            Side::Baseline => groups.entry(key).or_default().baseline.push(alert),
            Side::Candidate => groups.entry(key).or_default().candidate.push(alert),
        }
    }
    (groups.into_values().flat_map(pairings).collect(), both)
}

/// Goes through both by time. No two episodes of one form have a moment in common.
fn pairings(mut forms: Forms) -> Vec<Pairing> {
    let mut pairings = Vec::new();
    forms.baseline.sort_by_key(begins);
    forms.candidate.sort_by_key(begins);
    let mut baseline = forms.baseline.into_iter().peekable();
    let mut candidate = forms.candidate.into_iter().peekable();
    loop {
        let is_before = match (baseline.peek(), candidate.peek()) {
            (Some(left), Some(right)) if ends(left) < begins(right) => true,
            (Some(left), Some(right)) if ends(right) < begins(left) => false,
            (Some(_), Some(_)) => {
                pairings.push((baseline.next(), candidate.next()));
                continue;
            }
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return pairings,
        };
        pairings.push(if is_before { (baseline.next(), None) } else { (None, candidate.next()) });
    }
}

fn begins(alert: &Alert) -> Option<Timestamp> {
    alert.correlation.as_ref().and_then(|told| parse_time(&told.first))
}

fn ends(alert: &Alert) -> Option<Timestamp> {
    alert.correlation.as_ref().and_then(|told| parse_time(&told.last))
}
