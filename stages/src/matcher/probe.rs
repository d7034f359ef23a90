//! Finds the quotes at which a key or a value that rules need may end, 64 bytes at a step.
//!
//! All that is looked for ends in a quote, and at two distances before it stand bytes by which it is
//! told: the same two distances for everything, so that the work does not grow with what is looked
//! for (Teddy's way, anchored). What else stands before the quote is for the caller to compare.

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m256i;

use memchr::memchr_iter;

/// Something to be looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'t> {
    /// Ends in a quote.
    pub whole: &'t [u8],
    /// False if letters of either case will do.
    pub is_cased: bool,
}

/// Finds quotes at which one of several texts may end; chooses the instructions once.
#[derive(Debug, Default)]
pub(super) struct Probe {
    marks: [Mark; 2],
    #[cfg(target_arch = "x86_64")]
    v3: Option<pulp::x86::V3>,
}

/// The bytes that texts have at one distance before their closing quotes.
///
/// Each text belongs to one of eight classes, a bit each. A byte stands for the classes that both
/// its halves stand for, which one instruction each tells of 32 bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Mark {
    distance: usize,
    /// By the lower half of a byte.
    low: [u8; 16],
    /// By the upper half.
    high: [u8; 16],
}

/// Farthest from the closing quote that is looked.
const MAX_DISTANCE: usize = 31;

/// Bytes whose quotes are sought at a step.
const STEP: usize = 64;

/// Bytes before those that are looked at with them.
const BEFORE: usize = MAX_DISTANCE;

/// All that is looked at for a step.
const WINDOW: usize = BEFORE + STEP;

impl Probe {
    /// Chooses where the texts have rare bytes.
    pub(super) fn new(texts: &[Text<'_>]) -> Self {
        let shortest = texts.iter().map(|text| text.whole.len()).min().unwrap_or(1);
        let mut distances: Vec<usize> = (0..shortest.min(MAX_DISTANCE + 1)).collect();
        distances.sort_by_key(|distance| {
            texts.iter().map(|text| commonness(text.before(*distance))).sum::<usize>()
        });
        let first = distances.first().copied().unwrap_or(0);
        let second = distances.get(1).copied().unwrap_or(first);
        Self {
            marks: [first, second].map(|distance| Mark::new(texts, distance)),
            #[cfg(target_arch = "x86_64")]
            v3: pulp::x86::V3::try_new(),
        }
    }

    /// Hands on the place of each quote at which one of the texts ends, and of few others.
    #[inline]
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(usize)) {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = self.v3 {
            let marks = &self.marks;
            return v3.vectorize(VectorFind { v3, marks, text, found: &mut found });
        }
        find_plainly(&self.marks, text, &mut found);
    }
}

impl Text<'_> {
    /// The byte so far before the closing quote.
    fn before(&self, distance: usize) -> u8 {
        self.whole.iter().rev().nth(distance).copied().unwrap_or(b'"')
    }
}

impl Mark {
    fn new(texts: &[Text<'_>], distance: usize) -> Self {
        let mut mark = Self { distance, ..Self::default() };
        for (index, text) in texts.iter().enumerate() {
            let class = 1 << (index % 8);
            let byte = text.before(distance);
            let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
            for byte in if text.is_cased { [byte, byte] } else { cases } {
                mark.low[usize::from(byte & 15)] |= class;
                mark.high[usize::from(byte >> 4)] |= class;
            }
        }
        mark
    }

    fn classes(&self, byte: u8) -> u8 {
        self.low[usize::from(byte & 15)] & self.high[usize::from(byte >> 4)]
    }
}

/// How common a byte is in trails, roughly.
fn commonness(byte: u8) -> usize {
    const BY_RARENESS: &[u8] = b"qzxjwkvfbyghup";
    match byte {
        b'A'..=b'Z' => 0,
        b'"' => 2 * BY_RARENESS.len(),
        _ => {
            let place = BY_RARENESS.iter().position(|rare| *rare == byte);
            1 + place.unwrap_or(BY_RARENESS.len())
        }
    }
}

/// The obvious way, byte by byte.
#[inline]
fn find_plainly(marks: &[Mark; 2], text: &[u8], found: &mut impl FnMut(usize)) {
    for quote in memchr_iter(b'"', text) {
        let classes = marks.iter().fold(u8::MAX, |classes, mark| {
            let at = quote.checked_sub(mark.distance);
            classes & at.map_or(0, |at| mark.classes(text[at]))
        });
        if classes != 0 {
            found(quote);
        }
    }
}

#[cfg(target_arch = "x86_64")]
struct VectorFind<'a, F> {
    v3: pulp::x86::V3,
    marks: &'a [Mark; 2],
    text: &'a [u8],
    found: &'a mut F,
}

#[cfg(target_arch = "x86_64")]
impl<F: FnMut(usize)> pulp::NullaryFnOnce for VectorFind<'_, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { v3, marks, text, found } = self;
        if text.len() < WINDOW {
            return find_plainly(marks, text, found);
        }
        let marks = [VectorMark::new(v3, &marks[0]), VectorMark::new(v3, &marks[1])];
        let window = VectorWindow { v3, marks };
        // Nothing stands before the first bytes.
        let mut first = [0; WINDOW];
        first[BEFORE..].copy_from_slice(&text[..STEP]);
        window.quotes(&first, 0, 0, found);
        let mut done = STEP;
        while let Some(bytes) = text[done - BEFORE..].first_chunk() {
            window.quotes(bytes, done, 0, found);
            done += STEP;
        }
        if done < text.len()
            && let Some(bytes) = text.last_chunk()
        {
            let start = text.len() - STEP;
            window.quotes(bytes, start, done - start, found);
        }
    }
}

#[cfg(target_arch = "x86_64")]
struct VectorWindow {
    v3: pulp::x86::V3,
    marks: [VectorMark; 2],
}

#[cfg(target_arch = "x86_64")]
struct VectorMark {
    /// In a window.
    offset: usize,
    low: __m256i,
    high: __m256i,
}

#[cfg(target_arch = "x86_64")]
impl VectorMark {
    #[inline(always)]
    fn new(v3: pulp::x86::V3, mark: &Mark) -> Self {
        Self {
            offset: BEFORE - mark.distance,
            low: v3.avx2._mm256_broadcastsi128_si256(pulp::cast(mark.low)),
            high: v3.avx2._mm256_broadcastsi128_si256(pulp::cast(mark.high)),
        }
    }

    /// The classes of 32 bytes.
    #[inline(always)]
    fn classes(&self, v3: pulp::x86::V3, window: &[u8; WINDOW], half: usize) -> __m256i {
        let low_half = v3.avx._mm256_set1_epi8(15);
        // The compiler sees by `&` that this is in the window.
        let bytes = load(window, (self.offset & MAX_DISTANCE) + half);
        let low = v3.avx2._mm256_and_si256(bytes, low_half);
        let high = v3.avx2._mm256_and_si256(v3.avx2._mm256_srli_epi16::<4>(bytes), low_half);
        v3.avx2._mm256_and_si256(
            v3.avx2._mm256_shuffle_epi8(self.low, low),
            v3.avx2._mm256_shuffle_epi8(self.high, high),
        )
    }
}

#[cfg(target_arch = "x86_64")]
impl VectorWindow {
    /// Which of 32 bytes are quotes with all bytes of some class before them.
    #[inline(always)]
    fn ends(&self, window: &[u8; WINDOW], half: usize) -> __m256i {
        let (avx, avx2) = (self.v3.avx, self.v3.avx2);
        let first = self.marks[0].classes(self.v3, window, half);
        let second = self.marks[1].classes(self.v3, window, half);
        let classes = avx2._mm256_and_si256(first, second);
        let has_none = avx2._mm256_cmpeq_epi8(classes, avx._mm256_setzero_si256());
        let quote = avx._mm256_set1_epi8(b'"'.cast_signed());
        let is_quote = avx2._mm256_cmpeq_epi8(load(window, BEFORE + half), quote);
        avx2._mm256_andnot_si256(has_none, is_quote)
    }

    /// Hands on the quotes of the last bytes of a window but the first `done` of them, which stand
    /// at `start`.
    #[inline(always)]
    fn quotes(
        &self,
        window: &[u8; WINDOW],
        start: usize,
        done: usize,
        found: &mut impl FnMut(usize),
    ) {
        let (avx, avx2) = (self.v3.avx, self.v3.avx2);
        let ends = [self.ends(window, 0), self.ends(window, 32)];
        let any = avx2._mm256_or_si256(ends[0], ends[1]);
        if avx._mm256_testz_si256(any, any) == 1 {
            return;
        }
        let low = u64::from(avx2._mm256_movemask_epi8(ends[0]).cast_unsigned());
        let high = u64::from(avx2._mm256_movemask_epi8(ends[1]).cast_unsigned());
        let mut quotes = (low | high << 32) & u64::MAX << done;
        while quotes != 0 {
            found(start + quotes.trailing_zeros() as usize);
            quotes &= quotes - 1;
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn load(window: &[u8; WINDOW], offset: usize) -> __m256i {
    match window[offset..].first_chunk::<32>() {
        Some(bytes) => pulp::cast(*bytes),
        None => pulp::cast([0_u8; 32]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn probe(texts: &[(String, bool)]) -> Probe {
        let texts: Vec<Text<'_>> = texts
            .iter()
            .map(|(whole, is_cased)| Text { whole: whole.as_bytes(), is_cased: *is_cased })
            .collect();
        Probe::new(&texts)
    }

    #[test]
    fn rare_bytes_are_chosen() {
        let distances = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (format!("{text}\""), true)).collect();
            probe(&texts).marks.map(|mark| mark.distance)
        };
        assert_eq!(distances(&["\"eventName"]), [4, 8]);
        assert_eq!(distances(&["sourceIPAddress"]), [7, 8]);
        assert_eq!(distances(&["x", "sourceIPAddress"]), [1, 0]);
        assert_eq!(distances(&[""]), [0, 0]);
        assert_eq!(distances(&[&format!("KQ{}", "e".repeat(30))])[0], 31);
    }

    proptest! {
        #[test]
        fn steps_find_every_end_and_what_bytes_find(
            text in "(\"|[abK]{0,3}\"|[abK\u{e9}\u{212a}]{0,40}){0,30}",
            texts in vec(("[abk]{0,5}\"|[ab]{0,40}\"", any::<bool>()), 0..20),
        ) {
            let probe = probe(&texts);
            let (mut found, mut plain) = (Vec::new(), Vec::new());
            probe.find(text.as_bytes(), |place| found.push(place));
            find_plainly(&probe.marks, text.as_bytes(), &mut |place| plain.push(place));
            prop_assert_eq!(&found, &plain);
            for end in 1..=text.len() {
                let before = &text.as_bytes()[..end];
                let ends = texts.iter().any(|(whole, is_cased)| match is_cased {
                    true => before.ends_with(whole.as_bytes()),
                    false => before.to_ascii_lowercase().ends_with(whole.as_bytes()),
                });
                prop_assert!(!ends || found.contains(&(end - 1)), "{} in {}", end, text);
            }
        }
    }
}
