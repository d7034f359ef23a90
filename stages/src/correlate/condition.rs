//! The condition of a correlation, held against the entries of one window.

use std::collections::BTreeMap;

use super::group::Kept;
use crate::sigma::ast::{self, Comparison, Expr, Number};

/// What must hold in a window.
#[derive(Debug)]
pub(super) struct Condition {
    measure: Measure,
    bounds: Vec<(Comparison, f64)>,
    /// An expression over sources.
    expression: Option<Expr>,
    /// Sources that must follow each other, each once or more often.
    order: Option<Vec<usize>>,
    /// More entries can only make it hold.
    pub(super) is_monotone: bool,
}

/// What is measured in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    /// Entries.
    Events,
    /// Distinct values.
    Distinct,
    /// Sources that gave at least one entry, of so many.
    Sources(usize),
    Sum,
    Average,
    /// Between the values around it a straight line is drawn. 0 to 100.
    Percentile(f64),
}

impl Condition {
    /// Makes a condition; `places` tells for each written rule which source it is.
    pub(super) fn new(read: &ast::Correlation, places: &[usize]) -> Self {
        let sources = places.iter().max().map_or(0, |last| last + 1);
        let percentile = read.percentile.map_or(50.0, float).clamp(0.0, 100.0);
        let measure = match read.kind.as_str() {
            "event_count" => Measure::Events,
            "value_count" => Measure::Distinct,
            "value_sum" => Measure::Sum,
            "value_avg" => Measure::Average,
            "value_percentile" => Measure::Percentile(percentile),
            "value_median" => Measure::Percentile(50.0),
            _ => Measure::Sources(sources),
        };
        let is_temporal = matches!(measure, Measure::Sources(_));
        let expression = read.condition.as_ref().map(|expr| by_source(expr, places));
        let is_ordered = read.kind.starts_with("temporal_ordered");
        let order = is_ordered.then(|| match &expression {
            // What is negated has no place in an order.
            Some(expr) => {
                let mut wanted = vec![false; sources];
                wanted_of(expr, true, &mut wanted);
                places.iter().copied().filter(|source| wanted[*source]).collect()
            }
            None => places.to_vec(),
        });
        let mut bounds: Vec<(Comparison, f64)> =
            read.bounds.iter().map(|(how, number)| (*how, float(*number))).collect();
        if is_temporal && bounds.is_empty() && expression.is_none() {
            bounds.push((Comparison::GreaterOrEqual, sources as f64));
        }
        let grows =
            |how: &Comparison| matches!(how, Comparison::Greater | Comparison::GreaterOrEqual);
        let is_monotone =
            matches!(measure, Measure::Events | Measure::Distinct | Measure::Sources(_))
                && bounds.iter().all(|(how, _)| grows(how))
                && !expression.as_ref().is_some_and(negates);
        Self { measure, bounds, expression, order, is_monotone }
    }

    /// True if what matters of an entry is that it is there.
    pub(super) fn counts_events(&self) -> bool {
        self.measure == Measure::Events
    }

    /// True if it looks at values of the entries.
    pub(super) fn has_values(&self) -> bool {
        !matches!(self.measure, Measure::Events | Measure::Sources(_))
    }

    /// False if these entries are too few for the condition to hold in any window of them, whatever
    /// their times: most groups are of one or two.
    pub(super) fn may_hold(&self, entries: &[Kept]) -> bool {
        let most = match self.measure {
            Measure::Events | Measure::Sources(_) => entries.len(),
            Measure::Distinct => entries.iter().map(|entry| entry.values.iter().count()).sum(),
            Measure::Sum | Measure::Average | Measure::Percentile(_) => return true,
        };
        !self.is_monotone || self.is_within(most as f64)
    }

    fn is_within(&self, measured: f64) -> bool {
        self.bounds.iter().all(|(how, bound)| match how {
            Comparison::Less => measured < *bound,
            Comparison::LessOrEqual => measured <= *bound,
            Comparison::Greater => measured > *bound,
            Comparison::GreaterOrEqual => measured >= *bound,
            Comparison::Equal => measured == *bound,
        })
    }
}

/// A window that moves over sorted entries, and what is known of those in it.
#[derive(Debug)]
pub(super) struct Window<'w> {
    condition: &'w Condition,
    /// All entries of the group, by time.
    entries: &'w [Kept],
    /// Those in the window.
    from: usize,
    to: usize,
    distinct: BTreeMap<&'w str, usize>,
    by_source: Vec<usize>,
    /// Numbers in the window, sorted.
    numbers: Vec<f64>,
}

impl<'w> Window<'w> {
    pub(super) fn new(condition: &'w Condition, entries: &'w [Kept], sources: usize) -> Self {
        Self {
            condition,
            entries,
            from: 0,
            to: 0,
            distinct: BTreeMap::new(),
            by_source: vec![0; sources],
            numbers: Vec::new(),
        }
    }

    /// Moves on to the entries `from..to`; neither may go back.
    pub(super) fn move_to(&mut self, from: usize, to: usize) {
        let entries = self.entries;
        for entry in &entries[self.to..to] {
            self.change(entry, true);
        }
        for entry in &entries[self.from..from] {
            self.change(entry, false);
        }
        (self.from, self.to) = (from, to);
    }

    fn change(&mut self, entry: &'w Kept, is_added: bool) {
        let step = |count: &mut usize| {
            *count = if is_added { *count + 1 } else { count.saturating_sub(1) };
        };
        match self.condition.measure {
            Measure::Events => {}
            Measure::Distinct => {
                for value in entry.values.iter().flatten() {
                    let count = self.distinct.entry(value).or_default();
                    step(count);
                    if *count == 0 {
                        self.distinct.remove(value);
                    }
                }
            }
            Measure::Sources(_) => {
                if let Some(count) = self.by_source.get_mut(usize::from(entry.source)) {
                    step(count);
                }
            }
            Measure::Sum | Measure::Average | Measure::Percentile(_) => {
                for number in entry.values.iter().flatten().filter_map(number) {
                    let at = self.numbers.partition_point(|known| known.total_cmp(&number).is_lt());
                    if is_added {
                        self.numbers.insert(at, number);
                    } else if at < self.numbers.len() {
                        self.numbers.remove(at);
                    }
                }
            }
        }
    }

    /// What is measured, if the condition holds; `more` entries are in the window besides.
    pub(super) fn holds(&self, more: u64) -> Option<f64> {
        let measured = self.measured(more)?;
        let is_met = self.condition.is_within(measured)
            && self.condition.expression.as_ref().is_none_or(|expr| self.is_true(expr))
            && self.condition.order.as_ref().is_none_or(|order| self.is_in_order(order));
        // A sum past all numbers is told as the largest that JSON can write.
        is_met.then_some(measured.clamp(f64::MIN, f64::MAX))
    }

    /// `None` where there is nothing to measure.
    fn measured(&self, more: u64) -> Option<f64> {
        let numbers = &self.numbers;
        // Sorted, so the same set of numbers has the same sum.
        let sum = || numbers.iter().sum::<f64>();
        match self.condition.measure {
            Measure::Events => Some((self.to - self.from) as f64 + more as f64),
            Measure::Distinct => Some(self.distinct.len() as f64),
            Measure::Sources(_) => {
                Some(self.by_source.iter().filter(|count| **count > 0).count() as f64)
            }
            Measure::Sum => (!numbers.is_empty()).then(sum),
            Measure::Average => (!numbers.is_empty()).then(|| sum() / numbers.len() as f64),
            Measure::Percentile(rank) => percentile(numbers, rank),
        }
    }

    fn is_true(&self, expr: &Expr) -> bool {
        match expr {
            Expr::And(parts) => parts.iter().all(|part| self.is_true(part)),
            Expr::Or(parts) => parts.iter().any(|part| self.is_true(part)),
            Expr::Not(part) => !self.is_true(part),
            Expr::AtLeast(count, parts) => {
                parts.iter().filter(|part| self.is_true(part)).count() >= *count
            }
            Expr::Selection(source) => self.by_source.get(*source).is_some_and(|count| *count > 0),
        }
    }

    /// True if entries of these sources follow each other; the same time is in order.
    fn is_in_order(&self, order: &[usize]) -> bool {
        if order.iter().any(|source| self.by_source[*source] == 0) {
            return false;
        }
        let mut rest = &self.entries[self.from..self.to];
        let mut reached = i64::MIN;
        order.iter().all(|source| {
            // Entries of the time that was reached may stand before the one that reached it.
            let of = |entry: &Kept| usize::from(entry.source) == *source;
            let Some(at) = rest.iter().position(|entry| entry.time >= reached && of(entry)) else {
                return false;
            };
            reached = rest[at].time;
            let first = rest.partition_point(|entry| entry.time < reached);
            rest = &rest[first..];
            true
        })
    }
}

/// A number as text; infinities and what is none do not count.
fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The value at a rank of 0 to 100 among sorted numbers: rank 0 is the least, 100 the largest, and
/// between two neighbours a straight line is drawn.
fn percentile(sorted: &[f64], rank: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = rank / 100.0 * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let part = place - place.floor();
    if part == 0.0 {
        return Some(sorted[below]);
    }
    Some(sorted[below] + part * (sorted[above] - sorted[below]))
}

fn float(number: Number) -> f64 {
    match number {
        Number::Integer(integer) => integer as f64,
        Number::Float(float) => float,
    }
}

/// The same expression over sources.
fn by_source(expr: &Expr, places: &[usize]) -> Expr {
    let all = |parts: &[Expr]| parts.iter().map(|part| by_source(part, places)).collect();
    match expr {
        Expr::And(parts) => Expr::And(all(parts)),
        Expr::Or(parts) => Expr::Or(all(parts)),
        Expr::Not(part) => Expr::Not(Box::new(by_source(part, places))),
        Expr::AtLeast(count, parts) => Expr::AtLeast(*count, all(parts)),
        Expr::Selection(rule) => Expr::Selection(places.get(*rule).copied().unwrap_or(usize::MAX)),
    }
}

/// Marks the sources that stand without a `not` before them.
fn wanted_of(expr: &Expr, is_wanted: bool, wanted: &mut [bool]) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) => {
            parts.iter().for_each(|part| wanted_of(part, is_wanted, wanted));
        }
        Expr::Not(part) => wanted_of(part, !is_wanted, wanted),
        Expr::Selection(source) => {
            if let Some(mark) = wanted.get_mut(*source) {
                *mark |= is_wanted;
            }
        }
    }
}

fn negates(expr: &Expr) -> bool {
    match expr {
        Expr::Not(_) => true,
        Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) => parts.iter().any(negates),
        Expr::Selection(_) => false,
    }
}
