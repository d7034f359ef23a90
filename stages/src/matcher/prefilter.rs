//! Passes by records that no rule could match, by their bytes, without parsing them.
//!
//! **Sound**: a record that some rule matches, or about which some rule cannot tell, is never
//! passed by. It looks for the *keys* that rules need, wherever they stand in the record and however
//! often, and tests the values behind them; whatever it cannot read at a glance (escapes, lists,
//! bytes beyond ASCII) counts as "could match".

use hashbrown::HashMap;
use memchr::{memchr, memmem};

use super::needs::{Atom, needs};
use super::rule::CompiledRule;
use super::value::ValueTest;

/// Most different event names that are remembered; AWS has some 20,000 API calls in all.
const MAX_NAMES: usize = 32_768;

/// Longest event name that is remembered.
const MAX_NAME: usize = 128;

/// Most keys besides `eventName` that are looked for; rules that need others are always tried.
const MAX_KEYS: usize = 6;

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
    event_name: memmem::Finder<'static>,
    omitted: memmem::Finder<'static>,
    unicode: memmem::Finder<'static>,
    /// By folded name, rules that need exactly it.
    by_name: HashMap<String, Vec<RuleIndex>, foldhash::fast::FixedState>,
    /// Rules that need a name of some form.
    by_name_form: Vec<(RuleIndex, Atom)>,
    keys: Vec<Key>,
    /// Rules whose needs lie below the record's outermost level: a cut object may hide them.
    nested: Vec<RuleIndex>,
    /// Rules that need nothing that can be looked for.
    always: Vec<RuleIndex>,
}

/// A key besides `eventName`.
#[derive(Debug)]
struct Key {
    /// The key's end and its closing quote: a key with dots in it may stand for a path.
    needle: memmem::Finder<'static>,
    atoms: Vec<(RuleIndex, Atom)>,
}

/// Which rules could match the record at hand, and the memory of earlier names; one per worker.
#[derive(Debug)]
pub struct Candidates {
    /// In order, each once; meaningful after [`Verdict::Some`].
    pub(super) rules: Vec<RuleIndex>,
    names: HashMap<Box<[u8]>, Box<[RuleIndex]>, foldhash::fast::FixedState>,
    folded: String,
}

impl Default for Candidates {
    fn default() -> Self {
        let state = foldhash::fast::FixedState::with_seed(0x9e37_79b9_7f4a_7c15);
        Self { rules: Vec::new(), names: HashMap::with_hasher(state), folded: String::new() }
    }
}

impl Prefilter {
    pub(super) fn new(rules: &[CompiledRule]) -> Self {
        let state = foldhash::fast::FixedState::with_seed(0x51_7c_c1_b7_27_22_0a_95);
        let mut filter = Self {
            event_name: memmem::Finder::new(br#""eventName""#).into_owned(),
            omitted: memmem::Finder::new(br#"omitted""#).into_owned(),
            unicode: memmem::Finder::new(br"\u").into_owned(),
            by_name: HashMap::with_hasher(state),
            by_name_form: Vec::new(),
            keys: Vec::new(),
            nested: Vec::new(),
            always: Vec::new(),
        };
        let mut key_names: Vec<String> = Vec::new();
        for (index, rule) in (0..).zip(rules) {
            match needs(rule) {
                Some(atoms) if filter.has_room(&atoms, &mut key_names) => {
                    filter.add(index, atoms, &key_names);
                }
                _ => filter.always.push(index),
            }
        }
        filter
    }

    fn has_room(&mut self, atoms: &[Atom], key_names: &mut Vec<String>) -> bool {
        let mut new: Vec<&str> = atoms
            .iter()
            .filter(|atom| atom.path != "eventName")
            .map(|atom| leaf(&atom.path))
            .filter(|leaf| !key_names.iter().any(|name| name == leaf))
            .collect();
        new.sort_unstable();
        new.dedup();
        if key_names.len() + new.len() > MAX_KEYS {
            return false;
        }
        for name in new {
            let needle = memmem::Finder::new(format!("{name}\"").as_bytes()).into_owned();
            self.keys.push(Key { needle, atoms: Vec::new() });
            key_names.push(name.to_owned());
        }
        true
    }

    fn add(&mut self, index: RuleIndex, atoms: Vec<Atom>, key_names: &[String]) {
        for atom in atoms {
            if atom.path == "eventName" {
                let exact: Option<Vec<&str>> = atom
                    .tests
                    .iter()
                    .map(|test| match test {
                        ValueTest::Text(text) => text.exact_folded(),
                        _ => None,
                    })
                    .collect();
                match exact {
                    Some(names) => {
                        for name in names {
                            self.by_name.entry(name.to_owned()).or_default().push(index);
                        }
                    }
                    None => self.by_name_form.push((index, atom)),
                }
                continue;
            }
            if atom.path.contains('.') && self.nested.last() != Some(&index) {
                self.nested.push(index);
            }
            let name = leaf(&atom.path);
            if let Some(place) = key_names.iter().position(|key| key == name) {
                self.keys[place].atoms.push((index, atom));
            }
        }
    }

    /// Decides about one record's text. `has_unicode_escape`: it holds `\u` in some string.
    pub(super) fn judge(
        &self,
        text: &[u8],
        has_unicode_escape: bool,
        candidates: &mut Candidates,
    ) -> Verdict {
        if has_unicode_escape && self.may_hide_key(text) {
            return Verdict::All;
        }
        candidates.rules.clear();
        let mut has_name = false;
        for at in self.event_name.find_iter(text) {
            match value_behind(text, at + br#""eventName""#.len()) {
                Behind::NotAKey | Behind::Null => {}
                Behind::Unclear => return Verdict::All,
                Behind::Text(name) => {
                    has_name = true;
                    self.add_by_name(name, candidates);
                }
            }
        }
        if !has_name {
            return Verdict::All;
        }
        for key in &self.keys {
            for at in key.needle.find_iter(text) {
                let behind = value_behind(text, at + key.needle.needle().len());
                key.add_candidates(&behind, candidates);
            }
        }
        if !self.nested.is_empty() && self.omitted.find(text).is_some() {
            candidates.rules.extend_from_slice(&self.nested);
        }
        candidates.rules.extend_from_slice(&self.always);
        if candidates.rules.is_empty() {
            return Verdict::Pass;
        }
        candidates.rules.sort_unstable();
        candidates.rules.dedup();
        Verdict::Some
    }

    fn add_by_name(&self, name: &str, candidates: &mut Candidates) {
        if let Some(rules) = candidates.names.get(name.as_bytes()) {
            candidates.rules.extend_from_slice(rules);
            return;
        }
        let mut rules = Vec::new();
        super::text::fold_into(name, &mut candidates.folded);
        if let Some(exact) = self.by_name.get(candidates.folded.as_str()) {
            rules.extend_from_slice(exact);
        }
        for (index, atom) in &self.by_name_form {
            if atom.tests.iter().any(|test| test.holds_for_text(name, &mut candidates.folded)) {
                rules.push(*index);
            }
        }
        candidates.rules.extend_from_slice(&rules);
        // When it is full the rest is worked out each time: slower, never wrong.
        if candidates.names.len() < MAX_NAMES && name.len() <= MAX_NAME {
            candidates.names.insert(name.as_bytes().into(), rules.into());
        }
    }

    /// Could some key be written with escapes? Keys that are looked for are letters, digits and
    /// `._-:`; other escapes (`\u003c`, which some writers like) can't be part of one.
    fn may_hide_key(&self, text: &[u8]) -> bool {
        self.unicode.find_iter(text).any(|at| {
            let code = text
                .get(at + 2..at + 6)
                .and_then(|digits| std::str::from_utf8(digits).ok())
                .and_then(|digits| u32::from_str_radix(digits, 16).ok());
            match code.and_then(char::from_u32) {
                Some(character) => {
                    character.is_ascii_alphanumeric() || "._-:\"\\".contains(character)
                }
                None => true,
            }
        })
    }
}

impl Key {
    fn add_candidates(&self, behind: &Behind<'_>, candidates: &mut Candidates) {
        match behind {
            Behind::NotAKey | Behind::Null => {}
            Behind::Unclear => candidates.rules.extend(self.atoms.iter().map(|(index, _)| *index)),
            Behind::Text(value) => {
                for (index, atom) in &self.atoms {
                    if atom.tests.iter().any(|t| t.holds_for_text(value, &mut candidates.folded)) {
                        candidates.rules.push(*index);
                    }
                }
            }
        }
    }
}

/// The last step of a path.
fn leaf(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// What stands behind a closing quote.
enum Behind<'t> {
    /// No colon: it was no key.
    NotAKey,
    /// A plain ASCII string without escapes; or `true`, `false` or an integer, which tests treat as
    /// their text.
    Text(&'t str),
    /// Null: no value.
    Null,
    /// Something else.
    Unclear,
}

#[inline]
fn value_behind(text: &[u8], at: usize) -> Behind<'_> {
    let mut rest = text.get(at..).unwrap_or_default().trim_ascii_start();
    let Some(after) = rest.strip_prefix(b":") else { return Behind::NotAKey };
    rest = after.trim_ascii_start();
    let Some(string) = rest.strip_prefix(b"\"") else { return word(rest) };
    let Some(end) = memchr(b'"', string) else { return Behind::Unclear };
    let value = &string[..end];
    if value.contains(&b'\\') || !value.is_ascii() {
        return Behind::Unclear;
    }
    std::str::from_utf8(value).map_or(Behind::Unclear, Behind::Text)
}

/// What stands behind a colon and is no string.
fn word(rest: &[u8]) -> Behind<'_> {
    let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-'));
    let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
    // Fractions and exponents are written anew by tests, so their text here says little.
    if !matches!(after.first(), Some(b',' | b'}' | b' ' | b'\n' | b'\r' | b'\t')) {
        return Behind::Unclear;
    }
    let is_integer = word.len() < 19
        && word.strip_prefix(b"-").unwrap_or(word).iter().all(u8::is_ascii_digit)
        && !word.is_empty()
        // Minus zero is written anew as zero.
        && !word.starts_with(b"-0");
    match word {
        b"null" => Behind::Null,
        b"true" | b"false" => std::str::from_utf8(word).map_or(Behind::Unclear, Behind::Text),
        _ if is_integer => std::str::from_utf8(word).map_or(Behind::Unclear, Behind::Text),
        _ => Behind::Unclear,
    }
}
