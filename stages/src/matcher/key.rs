//! From a key's value in a record's text to the rules that need it.
//!
//! Values repeat, so what one led to is remembered; most are told apart by how they begin.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::glance::plain_text;
use super::needs::Wanted;
use super::prefilter::{Candidates, RuleIndex};
use super::value::ValueTest;
use crate::model::Derive;
use crate::sigma::ast::Cidr;

/// Most different values of a key that are remembered; AWS has some 20,000 API calls in all.
const MAX_REMEMBERED: usize = 32_768;

/// Most bytes of a key's values that are remembered.
const MAX_REMEMBERED_BYTES: usize = 4 << 20;

/// Longest value that is remembered, in bytes; CloudTrail cuts user agents at 1 KB.
const MAX_VALUE: usize = 1024;

/// Most different beginnings of a key's values that are compared with before the memory is asked.
const MAX_BEGINNINGS: usize = 8;

/// Longest of these beginnings, in bytes.
const BEGINNING: usize = 4;

/// A key, and the rules that need one of its values.
#[derive(Debug, Default)]
pub(super) struct Key {
    name: String,
    /// By folded value, rules that need exactly it.
    exact: HashMap<String, Vec<RuleIndex>, foldhash::fast::FixedState>,
    /// Rules that need a value of some form.
    forms: Vec<(RuleIndex, Wanted)>,
    /// If it could be told: what every value that some rule needs begins with, in lower case.
    beginnings: Option<Vec<String>>,
}

/// What earlier values of one key led to. Only values that are plain text are kept, so what is found
/// needs no second look.
#[derive(Debug, Default)]
pub(super) struct Memory {
    rules: HashMap<Box<[u8]>, Box<[RuleIndex]>, foldhash::fast::FixedState>,
    /// Of the values.
    bytes: usize,
}

impl Memory {
    /// When it is full the rest is worked out each time: slower, never wrong.
    fn keep(&mut self, value: &[u8], rules: Vec<RuleIndex>) {
        let has_room = self.rules.len() < MAX_REMEMBERED
            && self.bytes + value.len() <= MAX_REMEMBERED_BYTES
            && value.len() <= MAX_VALUE;
        if has_room {
            self.bytes += value.len();
            self.rules.insert(value.into(), rules.into());
        }
    }
}

impl Key {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Enters a rule that needs such a value.
    pub(super) fn add(&mut self, index: RuleIndex, wanted: Wanted) {
        let exact: Option<Vec<&str>> = wanted
            .tests
            .iter()
            .filter(|_| wanted.field.is_none())
            .map(|test| match test {
                ValueTest::Text(text) => text.exact_folded(),
                _ => None,
            })
            .collect();
        match exact {
            Some(values) if !values.is_empty() => {
                for value in values {
                    self.exact.entry(value.to_owned()).or_default().push(index);
                }
            }
            _ => self.forms.push((index, wanted)),
        }
    }

    /// To be called when all rules were entered.
    pub(super) fn seal(&mut self) {
        self.beginnings = self.beginnings();
    }

    /// What the values that rules need begin with: the first number of networks, mostly.
    fn beginnings(&self) -> Option<Vec<String>> {
        let networks =
            self.forms.iter().flat_map(|(_, wanted)| wanted.tests.iter().map(network_beginning));
        let values = self.exact.keys().map(|value| value.get(..BEGINNING).map(str::to_owned));
        let mut beginnings: Vec<String> = networks.chain(values).collect::<Option<_>>()?;
        let is_ascii = beginnings.iter().all(|beginning| beginning.is_ascii());
        let is_open = |wanted: &Wanted| wanted.tests.is_empty() || wanted.field.is_some();
        let has_open_form = self.forms.iter().any(|(_, wanted)| is_open(wanted));
        beginnings.sort_unstable();
        beginnings.dedup();
        (is_ascii && !has_open_form && beginnings.len() <= MAX_BEGINNINGS).then_some(beginnings)
    }

    /// False if no rule needs a value that begins like this one.
    #[inline]
    fn could_begin(&self, value: &[u8]) -> bool {
        let Some(beginnings) = &self.beginnings else { return true };
        let start = &value[..value.len().min(BEGINNING)];
        // Escapes, and letters that fold to ASCII ones, are for the slow way.
        start.iter().any(|byte| *byte == b'\\' || !byte.is_ascii())
            || beginnings.iter().any(|beginning| {
                start.get(..beginning.len()).is_some_and(|start| {
                    start
                        .iter()
                        .zip(beginning.as_bytes())
                        .all(|(byte, folded)| byte.to_ascii_lowercase() == *folded)
                })
            })
    }

    /// Every rule that needs anything of this key.
    pub(super) fn add_all(&self, candidates: &mut Candidates) {
        candidates.rules.extend(self.exact.values().flatten());
        candidates.rules.extend(self.forms.iter().map(|(index, _)| *index));
    }

    /// Adds the rules that a value leads to; false if the value can't be read at a glance.
    #[inline]
    pub(super) fn add_candidates(
        &self,
        place: usize,
        value: &[u8],
        derive: &impl Derive,
        candidates: &mut Candidates,
    ) -> bool {
        if !self.could_begin(value) {
            return true;
        }
        if candidates.remembered.len() <= place {
            candidates.remembered.resize_with(place + 1, Memory::default);
        }
        if let Some(rules) = candidates.remembered[place].rules.get(value) {
            // Nearly always there are none.
            if !rules.is_empty() {
                candidates.rules.extend_from_slice(rules);
            }
            return true;
        }
        self.work_out(place, value, derive, candidates)
    }

    fn work_out(
        &self,
        place: usize,
        value: &[u8],
        derive: &impl Derive,
        candidates: &mut Candidates,
    ) -> bool {
        let Some(text) = plain_text(value) else { return false };
        let mut rules = Vec::new();
        super::text::fold_into(text, &mut candidates.folded);
        if let Some(exact) = self.exact.get(candidates.folded.as_str()) {
            rules.extend_from_slice(exact);
        }
        for (index, wanted) in &self.forms {
            if wanted.could_be(text, derive, &mut candidates.folded) {
                rules.push(*index);
            }
        }
        candidates.rules.extend_from_slice(&rules);
        candidates.remembered[place].keep(value, rules);
        true
    }
}

/// How every address of a network begins when it is written, if one can say.
fn network_beginning(test: &ValueTest) -> Option<String> {
    match test {
        ValueTest::Cidr(Cidr { network: IpAddr::V4(network), prefix: 8.. }) => {
            Some(format!("{}.", network.octets()[0]))
        }
        _ => None,
    }
}
