//! A few texts in one piece of memory.
//!
//! It knows nothing of what the texts mean.

use std::ops::Deref;
use std::sync::Arc;

use super::bounded;

/// Longest text in bytes: lengths are written as characters, of which there are none from `0xD800` on. A
/// longer one is [`bounded`].
const MAX_TEXT: usize = 50_000;

/// Texts in their order, each of which may be missing.
///
/// Each stands as a character that is its length and one (zero: it is missing), and then itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Texts<S = Box<str>>(S);

/// Texts that many hold together.
pub type SharedTexts = Texts<Arc<str>>;

impl<S: Deref<Target = str>> Texts<S> {
    /// The texts.
    pub fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// The text at a place; `None` too if there are not so many.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&str> {
        self.iter().nth(place).flatten()
    }

    /// True if there is none, not even a missing one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they stand in memory.
    #[must_use]
    pub fn packed(&self) -> &S {
        &self.0
    }

    /// The same, to be put where an equal one is.
    pub fn packed_mut(&mut self) -> &mut S {
        &mut self.0
    }
}

impl<'t, S: for<'p> From<&'p str>> FromIterator<Option<&'t str>> for Texts<S> {
    fn from_iter<I: IntoIterator<Item = Option<&'t str>>>(texts: I) -> Self {
        let mut pack = Pack::default();
        texts.into_iter().for_each(|text| pack.push(text));
        pack.texts()
    }
}

/// Goes over texts.
#[derive(Debug, Clone)]
pub struct Iter<'t>(&'t str);

impl<'t> Iterator for Iter<'t> {
    type Item = Option<&'t str>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.0.chars();
        let length = rest.next()? as usize;
        self.0 = rest.as_str();
        let Some(length) = length.checked_sub(1) else { return Some(None) };
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(text))
    }
}

/// Puts texts together; its memory may be used again.
#[derive(Debug, Default)]
pub struct Pack(String);

impl Pack {
    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a text, or a missing one.
    pub fn push(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.0.push('\0') };
        let text = bounded(text, MAX_TEXT);
        self.0.extend(u32::try_from(text.len() + 1).ok().and_then(char::from_u32));
        self.0.push_str(&text);
    }

    /// Where the next one will stand.
    #[must_use]
    pub fn place(&self) -> usize {
        self.0.len()
    }

    /// Those from a place on.
    #[must_use]
    pub fn since(&self, place: usize) -> Iter<'_> {
        Iter(self.0.get(place..).unwrap_or_default())
    }

    /// Forgets those from a place on.
    pub fn forget_since(&mut self, place: usize) {
        self.0.truncate(place);
    }

    /// As they stand in memory.
    #[must_use]
    pub fn packed(&self) -> &str {
        &self.0
    }

    /// All of them.
    #[must_use]
    pub fn texts<S: for<'p> From<&'p str>>(&self) -> Texts<S> {
        Texts(S::from(&self.0))
    }
}

impl<S> Texts<S> {
    /// What a [`Pack`] put together; of anything else the texts are odd ones, or none.
    #[must_use]
    pub fn of_packed(packed: S) -> Self {
        Self(packed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_come_out_as_they_went_in(
            texts in prop::collection::vec(prop::option::of("[a-cü\u{0}\u{1}]{0,200}"), 0..9),
        ) {
            let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
            let packed: Texts = texts.iter().copied().collect();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), texts.clone());
            let shared: SharedTexts = texts.iter().copied().collect();
            prop_assert_eq!(&**shared.packed(), &**packed.packed());
            for place in 0..10 {
                prop_assert_eq!(packed.get(place), texts.get(place).copied().flatten());
            }
        }
    }

    #[test]
    fn what_is_missing_is_not_what_is_empty() {
        let of = |texts: &[Option<&str>]| texts.iter().copied().collect::<Texts>();
        let all = [of(&[]), of(&[None]), of(&[Some("")]), of(&[None, None]), of(&[Some("\0")])];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{one:?}");
        }
        assert!(all[0].is_empty() && !all[1].is_empty());
    }

    #[test]
    fn long_texts_are_bounded() {
        for length in [0xD7FE, 0xD800, 200_000] {
            let long = "x".repeat(length);
            let texts: Texts = [Some(long.as_str()), Some("next")].into_iter().collect();
            assert!(texts.get(0).is_some_and(|text| text.len() <= MAX_TEXT));
            assert_eq!(texts.get(1), Some("next"));
        }
    }

    #[test]
    fn what_is_no_pack_is_odd_and_no_more() {
        for odd in ["", "\u{5}abc", "\u{3}äb", "\u{10ffff}", "\0\u{2}ä"] {
            let texts = Texts::of_packed(odd);
            assert!(texts.iter().count() <= odd.len() && texts.get(9).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn a_pack_forgets_and_goes_on() {
        let mut pack = Pack::default();
        pack.push(Some("a"));
        let place = pack.place();
        pack.push(None);
        pack.push(Some("b"));
        assert_eq!(pack.since(place).collect::<Vec<_>>(), [None, Some("b")]);
        pack.forget_since(place);
        let texts: Texts = pack.texts();
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some("a")]);
        pack.clear();
        assert!(pack.texts::<Box<str>>().is_empty());
    }
}
