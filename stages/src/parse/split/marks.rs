//! Places where text that was cut is taken up again: the next file, or the next line.
//!
//! They are sought only once a value was found that does not end. What is cut is for the splitter
//! to say.

use memchr::memchr_iter;

/// How CloudTrail's own files begin. Within a string the quotes would be escaped.
pub(super) const FILE: &[u8] = br#"{"Records":["#;

/// True if a file begins here; `None` if more bytes must come to tell.
#[inline]
pub(super) fn begins_file(rest: &[u8], is_last: bool) -> Option<bool> {
    let is_whole = rest.len() >= FILE.len();
    match rest.iter().zip(FILE).all(|(have, want)| have == want) {
        true if !is_whole && !is_last => None,
        is_like => Some(is_like && is_whole),
    }
}

/// The next mark, and how far it was sought, so that no byte is looked at twice.
#[derive(Debug, Default)]
pub(super) struct Marks {
    next: Option<usize>,
    sought: usize,
    /// Nothing was cut yet: they only bound what is being passed over.
    pub(super) is_guess: bool,
}

impl Marks {
    /// Marks that only bound what is being passed over.
    pub(super) fn guess() -> Self {
        Self { is_guess: true, ..Self::default() }
    }

    /// The first mark behind `from`.
    pub(super) fn next(&mut self, window: &[u8], from: usize) -> Option<usize> {
        if let Some(mark) = self.next.filter(|mark| *mark > from) {
            return Some(mark);
        }
        let begin = self.sought.max(from + 1).min(window.len());
        self.next = memchr_iter(b'{', &window[begin..])
            .map(|at| begin + at)
            .find(|at| window[..*at].last() == Some(&b'\n') || window[*at..].starts_with(FILE));
        // The window may end within a mark.
        let sought_all = window.len().saturating_sub(FILE.len()).max(begin);
        self.sought = self.next.map_or(sought_all, |mark| mark + 1);
        self.next
    }

    /// The window now begins `by` bytes further on.
    pub(super) fn rebase(&mut self, by: usize) {
        self.next = self.next.and_then(|mark| mark.checked_sub(by));
        self.sought = self.sought.saturating_sub(by);
    }
}
