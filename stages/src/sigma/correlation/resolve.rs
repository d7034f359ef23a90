//! Correlations to the rules that feed them: unknown, foreign and circular references, and silence.

use super::Draft;
use crate::sigma::ast::Feeder;
use crate::sigma::problem::{Report, Skipped};
use crate::sigma::reading::{Draft as Reading, Known};
use crate::yaml::Position;

/// What became of a correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    Holds,
    Foreign,
    LeftOut,
}

/// Resolves references, drops correlations that cannot hold, and silences what only feeds.
pub(in crate::sigma) fn resolve(reading: &mut Reading) {
    let drafts = std::mem::take(&mut reading.correlations);
    let mut fates = vec![Fate::Waiting; drafts.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    let mut waits_for = vec![0_usize; drafts.len()];
    for (index, draft) in drafts.iter().enumerate() {
        for reference in &draft.correlation.rules {
            if let Some(Known::Correlation(other)) = reading.find(reference) {
                dependents[other].push(index);
                waits_for[index] += 1;
            }
        }
    }
    let mut ready: Vec<usize> = (0..drafts.len()).filter(|&index| waits_for[index] == 0).collect();
    while let Some(index) = ready.pop() {
        fates[index] = decide(reading, &drafts[index], &fates);
        for &dependent in &dependents[index] {
            waits_for[dependent] -= 1;
            if waits_for[dependent] == 0 {
                ready.push(dependent);
            }
        }
    }
    let mut is_fed = vec![false; reading.reading.rules.len()];
    let mut is_loud = vec![false; reading.reading.rules.len()];
    // What a correlation that holds is fed by holds too.
    let inner: Vec<(bool, bool)> = (0..drafts.len())
        .map(|index| {
            let outer = dependents[index].iter().filter(|outer| fates[**outer] == Fate::Holds);
            let generates = |outer: &&usize| drafts[**outer].correlation.generates;
            (outer.clone().next().is_some(), outer.clone().any(|outer| generates(&outer)))
        })
        .collect();
    let named: Vec<Feeder> = drafts.iter().map(feeder).collect();
    for (index, (draft, fate)) in drafts.into_iter().zip(fates).enumerate() {
        let mut correlation = draft.correlation;
        if fate == Fate::Waiting {
            let mut report = Report::new(correlation.place.file.clone());
            let position =
                Position { line: correlation.place.line, column: correlation.place.column };
            report.error(position, "the correlation feeds itself").key("rules");
            reading.reading.problems.append(&mut report.problems);
            reading.leave_out(&correlation.id, Some(&correlation.title), correlation.place);
            continue;
        }
        if fate != Fate::Holds {
            continue;
        }
        for reference in &correlation.rules {
            match reading.find(reference) {
                Some(Known::Rule(index)) => {
                    is_fed[index] = true;
                    is_loud[index] |= correlation.generates;
                    let rule = &reading.reading.rules[index];
                    correlation.feeders.push(Feeder {
                        id: rule.id.clone(),
                        name: rule.name.clone(),
                        title: rule.title.clone(),
                        is_correlation: false,
                    });
                }
                Some(Known::Correlation(index)) => correlation.feeders.push(named[index].clone()),
                Some(Known::Foreign | Known::LeftOut) | None => {}
            }
        }
        let (is_inner, is_told) = inner[index];
        correlation.is_silent = is_inner && !is_told;
        reading.reading.correlations.push(correlation);
    }
    for (index, rule) in reading.reading.rules.iter_mut().enumerate() {
        rule.is_silent = is_fed[index] && !is_loud[index];
    }
}

fn feeder(draft: &Draft) -> Feeder {
    let it = &draft.correlation;
    Feeder {
        id: it.id.clone(),
        name: it.name.clone(),
        title: it.title.clone(),
        is_correlation: true,
    }
}

/// Decides on a correlation whose references are all decided.
fn decide(reading: &mut Reading, draft: &Draft, fates: &[Fate]) -> Fate {
    let correlation = &draft.correlation;
    let mut report = Report::new(correlation.place.file.clone());
    let mut foreign = Vec::new();
    for (reference, &position) in correlation.rules.iter().zip(&draft.positions) {
        let fate = match reading.find(reference) {
            None => {
                let message = format!("no rule has the id or name {reference:?}");
                report.error(position, message).key("rules");
                continue;
            }
            Some(Known::Rule(_)) => Fate::Holds,
            Some(Known::Foreign) => Fate::Foreign,
            Some(Known::LeftOut) => Fate::LeftOut,
            Some(Known::Correlation(index)) => fates[index],
        };
        match fate {
            Fate::Holds | Fate::Waiting => {}
            Fate::Foreign => foreign.push((reference, position)),
            Fate::LeftOut => {
                let message = format!("{reference:?} is left out because of an error");
                report.error(position, message).key("rules");
            }
        }
    }
    if foreign.len() == correlation.rules.len() {
        reading.reading.skipped.push(Skipped {
            place: correlation.place.clone(),
            why: "all its rules are for other logs".to_owned(),
            id: Some(correlation.id.clone()),
        });
        return Fate::Foreign;
    }
    for (reference, position) in foreign {
        let message = format!("rule {reference:?} is for another log and does not run");
        report.error(position, message).key("rules");
    }
    let has_errors = report.has_errors();
    reading.reading.problems.append(&mut report.problems);
    if has_errors {
        let place = correlation.place.clone();
        reading.leave_out(&correlation.id, Some(&correlation.title), place);
        return Fate::LeftOut;
    }
    Fate::Holds
}
