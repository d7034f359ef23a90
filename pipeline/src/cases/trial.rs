//! Tries cases: of a rule one event, of a correlation several on the whole way of a file.

use std::collections::BTreeMap;

use askance_stages::correlate::{Correlations, Keeper, KeeperLimits};
use askance_stages::decode::Input;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::{Explanation, Tri};
use askance_stages::model::{Enriched, Level};
use askance_stages::parse::Parser;
use askance_stages::sigma::Reading;
use serde_json::json;

use super::Case;
use crate::rulebook;

/// Everything that cases are tried on.
#[derive(Debug)]
pub struct Trial {
    detect: Detect,
    /// Of rules and correlations, by id.
    pub titles: BTreeMap<String, String>,
}

impl Trial {
    /// Makes rules and correlations ready.
    ///
    /// # Errors
    /// Words for people, a line for each rule that cannot be compiled.
    pub fn new(reading: &Reading) -> Result<Self, Vec<String>> {
        let mut heard = reading.correlations.clone();
        // What a correlation that only feeds would tell is what its cases are about.
        heard.iter_mut().for_each(|correlation| correlation.is_silent = false);
        let correlations = Correlations::new(&heard);
        let rules = rulebook::compile(reading.rules.clone(), Level::Informational, &correlations)?;
        let rule_titles = reading.rules.iter().map(|it| (it.id.clone(), it.title.clone()));
        let titles = reading.correlations.iter().map(|it| (it.id.clone(), it.title.clone()));
        Ok(Self {
            titles: rule_titles.chain(titles).collect(),
            detect: Detect { correlations, ..Detect::new(rules, DetectConfig::default()) },
        })
    }

    /// Tries a case on the rule or correlation of this id; `None` if it passes.
    pub fn run(&self, id: &str, case: &Case) -> Option<Why> {
        let rules = &self.detect.rules.rules;
        match rules.iter().position(|rule| rule.rule.id == id) {
            Some(_) if case.is_series => {
                Some(Why::Words("`events` is for correlations; this is a rule".to_owned()))
            }
            Some(index) => self.run_rule(index, case),
            None if !case.is_series => {
                let why = "`event` is for rules; this is a correlation, whose cases have `events`";
                Some(Why::Words(why.to_owned()))
            }
            None => self.run_correlation(id, case),
        }
    }

    fn run_rule(&self, index: usize, case: &Case) -> Option<Why> {
        let json = case.events.first()?.to_string();
        let known = match case.known.enrich() {
            Ok(known) => known,
            Err(why) => return Some(Why::Words(why)),
        };
        let derive = known.as_ref().unwrap_or(&self.detect.enrich);
        let result = Parser::default().parse(json.as_bytes(), |record, _| {
            let enriched = Enriched { record: &record, derive };
            let explanation = self.detect.rules.explain(index, enriched);
            let is_hit = explanation.truth == Tri::True;
            (is_hit != case.is_hit).then(|| Why::Rule(Box::new(explanation)))
        });
        match result {
            Ok(why) => why,
            Err(error) => Some(Why::Words(format!("the event is no record: {error}"))),
        }
    }

    /// The events go the whole way, as those of a file.
    fn run_correlation(&self, id: &str, case: &Case) -> Option<Why> {
        let file = json!({ "Records": case.events }).to_string();
        let mut keeper = Keeper::new(&self.detect.correlations, KeeperLimits::default());
        let (mut fed, mut rejects) = (BTreeMap::<String, usize>::new(), Vec::new());
        let mut sink = |output| match output {
            Output::Entry(entry) => {
                *fed.entry(entry.rule.to_string()).or_default() += 1;
                keeper.take(*entry);
            }
            Output::Reject(reject) => rejects.push(reject.reason.words()),
            Output::Alert(_) | Output::Given(_) | Output::Unknown(_) => {}
        };
        Worker::new(&self.detect).run(Input::Whole(file.as_bytes()), "", &mut sink, &|| false);
        let (tells, _) = keeper.finish();
        let told: Vec<_> = tells.iter().filter(|tell| tell.alert.rule.id == id).collect();
        if rejects.is_empty() && told.is_empty() != case.is_hit {
            return None;
        }
        let mut lines = vec![format!("{} events", case.events.len())];
        for (rule, count) in fed {
            let title = self.titles.get(&rule).unwrap_or(&rule);
            lines.push(format!("{count} of them found by \"{title}\""));
        }
        for it in told.iter().filter_map(|tell| tell.alert.correlation.as_ref()) {
            lines.push(format!("told: {} events from {} to {}", it.count, it.first, it.last));
        }
        lines.extend(rejects.iter().map(|reason| format!("an event is unreadable: {reason}")));
        Some(Why::Words(lines.join("\n")))
    }
}

/// Why a case fails.
#[derive(Debug)]
pub enum Why {
    /// What the rule made of the event.
    Rule(Box<Explanation>),
    /// Lines for people; they may hold text of cases.
    Words(String),
}
