//! What raises alerts, a rule or a correlation, as far as people are told of it.

use askance_stages::model::Level;
use askance_stages::sigma::Reading;
#[cfg(test)]
use askance_stages::sigma::ast::Place;
use askance_stages::sigma::ast::{Askance, Correlation, Rule};

/// A rule or correlation that raises alerts.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'r> {
    /// Its id.
    pub id: &'r str,
    /// Its title.
    pub title: &'r str,
    /// Its level.
    pub level: Level,
    /// `description` as written.
    pub description: Option<&'r str>,
    /// `tags`, in order.
    pub tags: &'r [String],
    /// `references`, in order.
    pub references: &'r [String],
    /// What askance adds.
    pub askance: Option<&'r Askance>,
    /// What finds.
    pub by: By<'r>,
}

/// What finds.
#[derive(Debug, Clone, Copy)]
pub enum By<'r> {
    /// Single events.
    Rule(&'r Rule),
    /// Several events together.
    Correlation(&'r Correlation),
}

impl<'r> Subject<'r> {
    /// Everything of a reading that raises alerts, rules first.
    pub fn all(reading: &'r Reading) -> impl Iterator<Item = Self> {
        let rules = reading.rules.iter().filter(|rule| !rule.is_silent).map(Self::from);
        let correlations = reading.correlations.iter().filter(|it| !it.is_silent).map(Self::from);
        rules.chain(correlations)
    }

    /// The rules that feed it, those that feed what feeds it included; a rule itself.
    pub fn rules(&self, reading: &'r Reading) -> Vec<&'r Rule> {
        let mut found = Vec::new();
        match self.by {
            By::Rule(rule) => found.push(rule),
            By::Correlation(correlation) => feeders(correlation, reading, &mut found),
        }
        found
    }
}

#[cfg(test)]
impl<'r> Subject<'r> {
    /// Where it stands.
    pub fn place(&self) -> &'r Place {
        match self.by {
            By::Rule(rule) => &rule.place,
            By::Correlation(correlation) => &correlation.place,
        }
    }

    /// `falsepositives`, in order.
    pub fn false_positives(&self) -> &'r [String] {
        match self.by {
            By::Rule(rule) => &rule.false_positives,
            By::Correlation(correlation) => &correlation.false_positives,
        }
    }
}

fn feeders<'r>(of: &'r Correlation, reading: &'r Reading, found: &mut Vec<&'r Rule>) {
    for feeder in &of.feeders {
        if feeder.is_correlation {
            // The reader refuses those that feed themselves, so this ends.
            let inner = reading.correlations.iter().find(|it| it.id == feeder.id);
            inner.into_iter().for_each(|inner| feeders(inner, reading, found));
        } else if !found.iter().any(|known| known.id == feeder.id) {
            found.extend(reading.rules.iter().find(|rule| rule.id == feeder.id));
        }
    }
}

impl<'r> From<&'r Rule> for Subject<'r> {
    fn from(rule: &'r Rule) -> Self {
        Self {
            id: &rule.id,
            title: &rule.title,
            level: rule.level,
            description: rule.description.as_deref(),
            tags: &rule.tags,
            references: &rule.references,
            askance: rule.askance.as_ref(),
            by: By::Rule(rule),
        }
    }
}

impl<'r> From<&'r Correlation> for Subject<'r> {
    fn from(correlation: &'r Correlation) -> Self {
        Self {
            id: &correlation.id,
            title: &correlation.title,
            level: correlation.level,
            description: correlation.description.as_deref(),
            tags: &correlation.tags,
            references: &correlation.references,
            askance: correlation.askance.as_ref(),
            by: By::Correlation(correlation),
        }
    }
}
