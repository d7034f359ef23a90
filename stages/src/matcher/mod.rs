//! Decides which rules match a record.
//!
//! [`RuleSet::judge`] looks at a record's bytes and names the rules that could match; [`RuleSet::run`]
//! decides about those on the parsed record. Matching every rule on every record, the obvious way,
//! gives the same, as tests compare.

mod evidence;
mod exclusions;
mod explain;
mod glance;
mod key;
mod needles;
mod needs;
mod prefilter;
mod probe;
mod rule;
mod text;
mod tri;
mod value;

use std::sync::Arc;

use crate::model::{Derive, Enriched, Matched};
use crate::sigma::ast;

pub use explain::{Clause, ClauseKind, Explanation, PartExplanation};
pub use prefilter::{Candidates, Prefilter, Verdict};
pub use rule::{CompiledRule, Scratch};
pub use tri::Tri;

use exclusions::Exclusions;
use rule::{Decision, Fields};

/// Rules ready to be matched; immutable, shared by all workers.
#[derive(Debug)]
pub struct RuleSet {
    /// In the order in which they were given.
    pub rules: Vec<CompiledRule>,
    fields: Fields,
    prefilter: Prefilter,
    exclusions: Exclusions,
}

/// A rule that could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: rule \"{title}\": {message}")]
pub struct CompileError {
    /// Where the rule stands.
    pub place: ast::Place,
    /// Its title.
    pub title: String,
    /// What is wrong with it.
    pub message: String,
}

impl RuleSet {
    /// Compiles rules.
    ///
    /// # Errors
    /// Every rule that cannot be compiled; the reader refuses nearly all of them before.
    pub fn compile(
        rules: impl IntoIterator<Item = Arc<ast::Rule>>,
    ) -> Result<Self, Vec<CompileError>> {
        let mut fields = Fields::default();
        let (mut compiled, mut errors) = (Vec::new(), Vec::new());
        for rule in rules {
            match rule::compile(Arc::clone(&rule), &mut fields) {
                Ok(rule) => compiled.push(rule),
                Err(message) => errors.push(CompileError {
                    place: rule.place.clone(),
                    title: rule.title.clone(),
                    message,
                }),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let prefilter = Prefilter::new(&compiled);
        let exclusions = Exclusions::new(&compiled, |key| prefilter.first_step(key));
        Ok(Self { rules: compiled, fields, prefilter, exclusions })
    }

    /// How many rules raise alerts, and how many only feed correlations.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let silent = self.rules.iter().filter(|rule| rule.rule.is_silent).count();
        (self.rules.len() - silent, silent)
    }

    /// Names of the fields that stand in no record but are worked out.
    pub fn derived(&self) -> impl Iterator<Item = &'static str> {
        self.fields.derived()
    }

    /// Tells from a record's bytes which rules could match it. `candidates` is used with one `derive` only:
    /// it remembers what values led to. Where it is [`Verdict::Pass`], no escape hides a key of plain letters.
    #[inline]
    pub fn judge(
        &self,
        text: &[u8],
        has_unicode_escape: bool,
        derive: &impl Derive,
        candidates: &mut Candidates,
    ) -> Verdict {
        if self.rules.is_empty() && !has_unicode_escape {
            return Verdict::Pass;
        }
        self.prefilter.judge(text, has_unicode_escape, derive, candidates)
    }

    /// The paths that [`RuleSet::strike`] asks for, by their places.
    pub fn excluding_paths(&self) -> impl Iterator<Item = &str> {
        self.exclusions.paths()
    }

    /// Strikes candidates that what surely stands in the record excludes, and answers what is left of the
    /// verdict. `locate` tells for a path of [`RuleSet::excluding_paths`], by its place, the offset behind
    /// the closing quote of its key, where it is sure that a parsed record has a value at that path.
    #[inline]
    pub fn strike(
        &self,
        text: &[u8],
        verdict: Verdict,
        derive: &impl Derive,
        candidates: &mut Candidates,
        locate: impl FnMut(usize) -> Option<usize>,
    ) -> Verdict {
        if verdict != Verdict::Some {
            return verdict;
        }
        let Candidates { rules, located, folded, seen, .. } = candidates;
        self.exclusions.strike((text, seen), rules, (located, folded), derive, locate);
        if rules.is_empty() { Verdict::Pass } else { Verdict::Some }
    }

    /// Decides about the rules that `verdict` left, in order, and hands on those that match or can't
    /// be told, by index in [`RuleSet::rules`].
    pub fn run(
        &self,
        enriched: Enriched<'_, '_, impl Derive>,
        verdict: Verdict,
        candidates: &Candidates,
        scratch: &mut Scratch,
        mut found: impl FnMut(usize, Tri, &mut Scratch),
    ) {
        scratch.next_record();
        let mut decide = |index: usize| {
            let truth =
                Decision { fields: &self.fields, enriched, scratch }.rule(&self.rules[index]);
            if truth != Tri::False {
                found(index, truth, scratch);
            }
        };
        match verdict {
            Verdict::Pass => {}
            Verdict::Some => candidates.rules.iter().for_each(|index| decide(*index as usize)),
            Verdict::All => (0..self.rules.len()).for_each(decide),
        }
    }

    /// Decides as [`RuleSet::run`] does, for the time that each rule takes: `spent` is handed its index
    /// and nanoseconds.
    pub fn time(
        &self,
        enriched: Enriched<'_, '_, impl Derive>,
        verdict: Verdict,
        candidates: &Candidates,
        scratch: &mut Scratch,
        nanoseconds: fn() -> u64,
        mut spent: impl FnMut(usize, u64),
    ) {
        scratch.next_record();
        let mut began = nanoseconds();
        let mut decide = |index: usize| {
            Decision { fields: &self.fields, enriched, scratch }.rule(&self.rules[index]);
            let ended = nanoseconds();
            spent(index, ended.saturating_sub(began));
            began = ended;
        };
        match verdict {
            Verdict::Pass => {}
            Verdict::Some => candidates.rules.iter().for_each(|index| decide(*index as usize)),
            Verdict::All => (0..self.rules.len()).for_each(decide),
        }
    }

    /// The fields that made a rule match; to be asked for a record that was just [`RuleSet::run`].
    pub fn evidence(
        &self,
        index: usize,
        enriched: Enriched<'_, '_, impl Derive>,
        scratch: &mut Scratch,
    ) -> Vec<Matched> {
        Decision { fields: &self.fields, enriched, scratch }.evidence(&self.rules[index])
    }

    /// Why a rule did or did not match.
    pub fn explain(&self, index: usize, enriched: Enriched<'_, '_, impl Derive>) -> Explanation {
        let scratch = &mut Scratch::default();
        scratch.next_record();
        Decision { fields: &self.fields, enriched, scratch }.explain(&self.rules[index])
    }
}
