//! Passes by records that no rule could match, by their bytes, without parsing them.
//!
//! **Sound**: a record that some rule matches, or about which some rule cannot tell, is never
//! passed by. It looks for the *keys* or *values* that rules need, wherever they stand in the record
//! and however often; whatever it cannot read at a glance (escapes, lists, bytes beyond ASCII)
//! counts as "could match". It goes in two steps: one pass over every record for what each rule
//! needs first, and for the few records that this leaves a look at what else those rules need.

use memchr::memmem;

use super::exclusions::Located;
use super::glance::{Behind, may_hide_needle, value_behind};
use super::key::{Key, Memory};
use super::needles::{Needle, Needles};
use super::needs::{Atom, Clause, Wanted, needs};
use super::rule::CompiledRule;
use super::value::ValueTest;
use crate::model::Derive;

/// Most keys besides `eventName` that are looked for; rules that need others are always tried.
const MAX_KEYS: usize = 8;

/// Calls that give somebody the key of a session; `AssumeRoot` and all kinds of `AssumeRole` begin alike.
fn gives_key(name: &[u8]) -> bool {
    name.starts_with(b"AssumeRo") || matches!(name, b"GetSessionToken" | b"GetFederationToken")
}

/// A rule's place in the set.
pub(super) type RuleIndex = u32;

/// What the bytes of a record say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No rule could match.
    Pass,
    /// The rules listed in [`Candidates`] could.
    Some,
    /// It can't be told: try them all.
    All,
}

/// Compiled once for a set of rules.
#[derive(Debug)]
pub struct Prefilter {
    needles: Needles,
    unicode: memmem::Finder<'static>,
    /// `eventName` first, then the other keys.
    keys: Vec<Key>,
    /// By index of a value needle: rules that need that value somewhere.
    values: Vec<Vec<RuleIndex>>,
    /// Rules whose first need lies below the record's outermost level: a cut object may hide it.
    nested: Vec<RuleIndex>,
    /// Rules that need nothing that can be looked for.
    always: Vec<RuleIndex>,
    /// By rule: what it needs besides, looked at for candidates only.
    further: Vec<Vec<Vec<Glance>>>,
    /// The keys of that.
    glance_keys: Vec<GlanceKey>,
}

/// A key that is looked at for candidates only.
#[derive(Debug)]
struct GlanceKey {
    /// Its end and closing quote, for a key with dots in it may stand for a path.
    finder: memmem::Finder<'static>,
    /// Its place among the keys that the first step looks for, if it is one of them: where it stands, and
    /// that it stands nowhere, is known then.
    first_step: Option<usize>,
}

/// An atom of a further clause.
#[derive(Debug)]
struct Glance {
    /// Its place among the keys.
    key: usize,
    wanted: Wanted,
}

/// Where keys stand in the record at hand: several rules ask for the same ones.
#[derive(Debug, Default)]
pub(super) struct Places {
    keys: Vec<KeyPlaces>,
    /// Those that were looked for: of a hundred a few.
    touched: Vec<usize>,
}

/// Where one key stands, as far as it was looked for.
#[derive(Debug, Default)]
struct KeyPlaces {
    /// Offsets behind it.
    ends: Vec<usize>,
    /// Looked for up to here.
    sought: usize,
    is_done: bool,
}

impl Places {
    fn clear(&mut self, keys: usize) {
        self.keys.resize_with(keys, Default::default);
        for place in self.touched.drain(..) {
            let KeyPlaces { ends, sought, is_done } = &mut self.keys[place];
            ends.clear();
            (*sought, *is_done) = (0, false);
        }
    }

    /// True if something holds for some place of a key: of most keys the first one will do, and the rest
    /// of the record is not looked at.
    fn any(
        &mut self,
        (place, key): (usize, &GlanceKey),
        (text, seen): (&[u8], &[(usize, usize)]),
        mut holds: impl FnMut(usize) -> bool,
    ) -> bool {
        if let Some(key) = key.first_step {
            return seen.iter().any(|(seen, end)| *seen == key && holds(*end));
        }
        let key = &key.finder;
        let KeyPlaces { ends, sought, is_done } = &mut self.keys[place];
        if ends.iter().any(|end| holds(*end)) {
            return true;
        }
        if *sought == 0 && !*is_done {
            self.touched.push(place);
        }
        while !*is_done {
            let Some(at) = key.find(&text[*sought..]) else {
                *is_done = true;
                return false;
            };
            *sought += at + key.needle().len();
            ends.push(*sought);
            if holds(*sought) {
                return true;
            }
        }
        false
    }
}

/// Which rules could match the record at hand, and the memory of earlier values; one per worker.
#[derive(Debug, Default)]
pub struct Candidates {
    /// In order, each once; meaningful after [`Verdict::Some`].
    pub(super) rules: Vec<RuleIndex>,
    /// By key: what its values lead to.
    pub(super) remembered: Vec<Memory>,
    pub(super) folded: String,
    pub(super) located: Located,
    places: Places,
    /// Keys that the first step has seen: place, and offset behind the closing quote.
    pub(super) seen: Vec<(usize, usize)>,
    may_give_key: bool,
}

impl Candidates {
    /// Whether the record that was judged last may give a key: its event's name stands there to be read.
    #[must_use]
    pub fn may_give_key(&self) -> bool {
        self.may_give_key
    }
}

impl Prefilter {
    pub(super) fn new(rules: &[CompiledRule]) -> Self {
        let mut filter = Self {
            needles: Needles::default(),
            unicode: memmem::Finder::new(br"\u").into_owned(),
            keys: vec![Key::new("eventName")],
            values: Vec::new(),
            nested: Vec::new(),
            always: Vec::new(),
            further: Vec::new(),
            glance_keys: Vec::new(),
        };
        let mut value_names: Vec<String> = Vec::new();
        for (index, rule) in (0..).zip(rules) {
            let mut clauses = needs(rule).into_iter();
            match clauses.next() {
                Some(first) if filter.has_room(&first, &value_names) => {
                    filter.add(index, first, &mut value_names);
                }
                _ => filter.always.push(index),
            }
            let mut glance = |atom| filter.glance(atom);
            let further = clauses.map(|it| it.into_iter().map(&mut glance).collect()).collect();
            filter.further.push(further);
        }
        for key in &mut filter.keys {
            key.seal();
        }
        for key in &mut filter.glance_keys {
            let name = key.finder.needle();
            let is_it = |key: &Key| key.name().as_bytes() == &name[..name.len() - 1];
            // The first of them, `eventName`, is looked for with both of its quotes.
            key.first_step = filter.keys.iter().position(is_it).filter(|place| *place > 0);
        }
        let keys = filter.keys.iter().map(Key::name);
        filter.needles = Needles::new(keys, &value_names);
        filter
    }

    fn glance(&mut self, atom: Atom) -> Glance {
        let key = format!("{}\"", leaf(&atom.path));
        let is_known = |known: &GlanceKey| known.finder.needle() == key.as_bytes();
        let key = self.glance_keys.iter().position(is_known).unwrap_or_else(|| {
            let finder = memmem::Finder::new(key.as_bytes()).into_owned();
            self.glance_keys.push(GlanceKey { finder, first_step: None });
            self.glance_keys.len() - 1
        });
        Glance { key, wanted: atom.wanted }
    }

    fn has_room(&self, first: &Clause, value_names: &[String]) -> bool {
        let mut new: Vec<&str> = first
            .iter()
            .filter(|atom| whole_values(atom, value_names).is_none())
            .map(|atom| leaf(&atom.path))
            .filter(|leaf| !self.keys.iter().any(|key| key.name() == *leaf))
            .collect();
        new.sort_unstable();
        new.dedup();
        self.keys.len() + new.len() <= MAX_KEYS + 1
    }

    /// Enters a rule under what it needs first.
    fn add(&mut self, index: RuleIndex, first: Clause, value_names: &mut Vec<String>) {
        for atom in first {
            if atom.path.contains('.') && self.nested.last() != Some(&index) {
                self.nested.push(index);
            }
            if let Some(values) = whole_values(&atom, value_names) {
                for value in values {
                    let place = value_names.iter().position(|name| *name == value);
                    let place = place.unwrap_or_else(|| {
                        value_names.push(value);
                        self.values.push(Vec::new());
                        value_names.len() - 1
                    });
                    self.values[place].push(index);
                }
                continue;
            }
            let name = leaf(&atom.path);
            let place = self.keys.iter().position(|key| key.name() == name).unwrap_or_else(|| {
                self.keys.push(Key::new(name));
                self.keys.len() - 1
            });
            self.keys[place].add(index, atom.wanted);
        }
    }

    /// Decides about one record's text. `has_unicode_escape`: it holds `\u` in some string. `derive` must
    /// be the same for all that these candidates are used for: what it says of a value is remembered.
    pub(super) fn judge(
        &self,
        text: &[u8],
        has_unicode_escape: bool,
        derive: &impl Derive,
        candidates: &mut Candidates,
    ) -> Verdict {
        if has_unicode_escape && may_hide_needle(text, &self.unicode) {
            return Verdict::All;
        }
        candidates.rules.clear();
        candidates.seen.clear();
        candidates.may_give_key = false;
        let (mut has_name, mut is_unclear, mut is_cut) = (false, false, false);
        self.needles.find(text, |needle, end| match needle {
            Needle::Key(place) => {
                let key = &self.keys[place];
                candidates.seen.push((place, end));
                let is_clear = match value_behind(text, end) {
                    Behind::NotAKey => return,
                    Behind::String(inside) => {
                        candidates.may_give_key |= place == 0 && gives_key(inside);
                        key.add_candidates(place, inside, derive, candidates)
                    }
                    Behind::Word(word) => {
                        key.add_candidates(place, word.as_bytes(), derive, candidates)
                    }
                    // Of null only the key's being there says something, which `exists` asks for.
                    Behind::Null | Behind::Unclear => false,
                };
                match (place, is_clear) {
                    (0, true) => has_name = true,
                    (0, false) => is_unclear = true,
                    (_, true) => {}
                    (_, false) => key.add_all(candidates),
                }
            }
            Needle::Value(value) => candidates.rules.extend_from_slice(&self.values[value]),
            Needle::Omitted => is_cut = true,
            Needle::Kelvin => is_unclear = true,
        });
        // A record without a name is rare enough, and odd enough, to be parsed.
        if is_unclear || !has_name {
            return Verdict::All;
        }
        if is_cut {
            candidates.rules.extend_from_slice(&self.nested);
        }
        candidates.rules.extend_from_slice(&self.always);
        if candidates.rules.is_empty() {
            return Verdict::Pass;
        }
        candidates.rules.sort_unstable();
        candidates.rules.dedup();
        // Where something was cut, what is not there says nothing.
        if !is_cut {
            self.look_further(text, derive, candidates);
        }
        if candidates.rules.is_empty() { Verdict::Pass } else { Verdict::Some }
    }

    /// Strikes candidates that need something else which is not there.
    fn look_further(&self, text: &[u8], derive: &impl Derive, candidates: &mut Candidates) {
        let Candidates { rules, folded, places, seen, .. } = candidates;
        places.clear(self.glance_keys.len());
        let mut is_there = |atom: &Glance| {
            let key = (atom.key, &self.glance_keys[atom.key]);
            places.any(key, (text, seen), |end| atom.wanted.could_stand(text, end, derive, folded))
        };
        rules.retain(|rule| {
            let clauses = &self.further[*rule as usize];
            clauses.iter().all(|clause| clause.iter().any(&mut is_there))
        });
    }
}

impl Prefilter {
    /// The place of a key among those that the first step looks for.
    pub(super) fn first_step(&self, key: &str) -> Option<usize> {
        self.keys.iter().position(|known| known.name() == key)
    }
}

/// The last step of a path.
fn leaf(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The whole values, folded, that an atom asks for, if looking for them beats looking for its key:
/// a value such as `Root` is much rarer than the key `type`.
fn whole_values(atom: &Atom, taken: &[String]) -> Option<Vec<String>> {
    let Wanted { tests, field } = &atom.wanted;
    if atom.path == "eventName" || tests.is_empty() || field.is_some() {
        return None;
    }
    let values: Vec<String> = tests
        .iter()
        .map(|test| match test {
            ValueTest::Text(text) => text.exact_folded().map(str::to_owned),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let new = values.iter().filter(|value| !taken.contains(value)).count();
    let is_fit = values.iter().all(|value| super::needles::is_fit(value));
    (is_fit && taken.len() + new <= super::needles::MAX_VALUES).then_some(values)
}
