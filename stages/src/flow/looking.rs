//! One parsed record: filtered, matched by the rules that are left, and told.

use super::worker::Run;
use super::{Detect, Output, TIMED_EVERY, Unknown};
use crate::alert::{self, Context, Facts, Summaries};
use crate::correlate::Event;
use crate::filter;
use crate::matcher::{Candidates, Scratch, Tri, Verdict};
use crate::model::{Enriched, Field, Matched, Odd, Pack, Record, oddities};

/// A parsed record being filtered, matched and told.
pub(super) struct Looking<'l> {
    pub detect: &'l Detect,
    pub candidates: &'l Candidates,
    pub scratch: &'l mut Scratch,
    pub drop_scratch: &'l mut Scratch,
    pub summaries: &'l mut Summaries,
    pub pack: &'l mut Pack,
    pub looked_into: &'l mut u64,
    pub index: u64,
}

impl Looking<'_> {
    pub(super) fn record(
        &mut self,
        record: &Record<'_>,
        odd: &[Odd],
        verdict: Verdict,
        run: &mut Run<'_>,
    ) {
        let config = &self.detect.config;
        let time = filter::event_time(record);
        let account = filter::account(record);
        let region = filter::region(record);
        // Who took a session in another account or earlier is wanted all the same.
        if config.with_given
            && let Some(given) = alert::given(record, time)
        {
            (run.sink)(Output::Given(Box::new(given)));
        }
        if let Some(reason) = config.filter.reason_to_drop(time, account, region) {
            run.tally.drop(reason);
            return;
        }
        odd.iter().copied().chain(oddities(record, time, account)).for_each(|o| run.tally.odd(o));
        if config.with_days {
            let day = time
                .map_or("unknown".to_owned(), |time| crate::model::utc(time).date().to_string());
            let region = region.unwrap_or("unknown").to_owned();
            run.tally.count_day(day, region);
        }
        if let (true, Some(time), Some(account)) = (config.with_newest, time, account) {
            run.tally.newest(account, time);
        }
        let (detect, index) = (self.detect, self.index);
        let enriched = Enriched { record, derive: &detect.enrich };
        // What is dropped is still seen by rules that must see everything.
        let dropped = detect.drops.reason(enriched, self.drop_scratch);
        let mut is_needed = dropped.is_none();
        if let Some(nanoseconds) = config.nanoseconds {
            *self.looked_into += 1;
            if self.looked_into.is_multiple_of(TIMED_EVERY) {
                let spent = |rule: usize, nanoseconds| {
                    let id = &detect.rules.rules[rule].facts.rule.id;
                    run.tally.spent(id, nanoseconds * TIMED_EVERY);
                };
                let candidates = self.candidates;
                detect.rules.time(enriched, verdict, candidates, self.scratch, nanoseconds, spent);
            }
        }
        let mut facts: Option<Facts<'_>> = None;
        detect.rules.run(
            enriched,
            verdict,
            self.candidates,
            self.scratch,
            |rule_index, truth, scratch| {
                let compiled = &detect.rules.rules[rule_index];
                if dropped.is_some() && !compiled.is_always {
                    return;
                }
                is_needed = true;
                let rule = &compiled.facts;
                if truth == Tri::Unknown {
                    *run.tally.unknown.entry(rule.rule.id.clone()).or_default() += 1;
                    (run.sink)(Output::Unknown(Unknown {
                        rule: rule.rule.id.clone(),
                        title: rule.rule.title.clone(),
                        event_id: record.text(&["eventID"]).map(str::to_owned),
                        path: run.path.to_owned(),
                        index,
                    }));
                    return;
                }
                let with_event = !detect.config.without_event;
                let facts =
                    facts.get_or_insert_with(|| Facts::of(record, time, account, with_event));
                let context = Context { path: run.path, index };
                if detect.correlations.is_fed_by(&rule.rule.id) {
                    match time {
                        Some(time) => {
                            let event = Event { enriched, time, identity: &facts.identity };
                            let summary = self.summaries.summary(rule, record, facts, context);
                            let (id, pack) = (&rule.rule.id, &mut *self.pack);
                            detect.correlations.entries(id, &event, summary, pack, |entry| {
                                (run.sink)(Output::Entry(Box::new(entry)));
                            });
                        }
                        // It belongs to no window.
                        None => run.tally.untimed += 1,
                    }
                }
                if compiled.rule.is_silent {
                    return;
                }
                let mut matched = detect.rules.evidence(rule_index, enriched, scratch);
                name_baseline(&mut matched, detect.enrich.tables.baseline_version());
                let source = || detect.enrich.source(record);
                let mut alert = alert::alert(rule, record, facts, matched, source, context);
                detect.enrich.resources(&mut alert, record);
                run.tally.alerts[alert.level as usize] += 1;
                (run.sink)(Output::Alert(Box::new(alert)));
            },
        );
        match dropped.filter(|_| !is_needed) {
            Some(name) => run.tally.drop_for(name),
            None => run.tally.passed += 1,
        }
    }
}

/// Names the baseline where something of it made the rule match: with another one it may not.
fn name_baseline(matched: &mut Vec<Matched>, version: Option<&str>) {
    let Some(version) = version else { return };
    let name = Field::FirstSeenBaseline.name();
    let family = name.trim_end_matches("baseline");
    let fields = || matched.iter().filter_map(|one| Some((one, one.field.as_deref()?)));
    if fields().any(|(_, field)| field == name) {
        return;
    }
    let Some((first, _)) = fields().find(|(_, field)| field.starts_with(family)) else { return };
    let selection = first.selection.clone();
    let (field, value) = (Some(name.to_owned()), Some(version.to_owned()));
    matched.push(Matched { selection, field, value });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_baseline_names_it_once() {
        let check = |fields: &[&str], version: Option<&str>, expected: &[&str]| {
            let one = |field: &&str| Matched {
                selection: "s".to_owned(),
                field: Some((*field).to_owned()),
                value: None,
            };
            let mut matched: Vec<Matched> = fields.iter().map(one).collect();
            matched.push(Matched { selection: "words".to_owned(), field: None, value: None });
            name_baseline(&mut matched, version);
            let added: Vec<&str> = matched
                .iter()
                .filter(|one| one.value.is_some() && one.selection == "s")
                .filter_map(|one| one.field.as_deref())
                .collect();
            assert_eq!(added, expected, "{fields:?}");
        };
        let name = "askance.first_seen.baseline";
        check(&["eventName", "askance.first_seen.actor"], Some("1"), &[name]);
        check(&["askance.first_seen.actor", "askance.first_seen.region"], Some("1"), &[name]);
        check(&[name, "askance.first_seen.actor"], Some("1"), &[]);
        check(&["eventName", "askance.actor.kind"], Some("1"), &[]);
        check(&["askance.first_seen.actor"], None, &[]);
    }
}
