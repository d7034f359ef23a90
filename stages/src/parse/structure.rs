//! Finds where a JSON object or array ends, 64 bytes at a step, without looking into it.
//!
//! It knows strings, escapes and brackets and nothing else: whether what stands between the
//! brackets is JSON is for the parser to say, and only for records that some rule could match.
//! The slow twin that walks byte by byte is in the tests.

/// Deepest nesting that is read; CloudTrail's own records stay under 30.
///
/// The bound keeps every later recursion shallow. Deeper values are rejected, not cut.
pub const MAX_DEPTH: usize = 256;

/// How far a value has been walked, so that it can be taken up again when more bytes have come.
///
/// Positions count from the value's first byte, which must be `{` or `[`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Bytes walked so far; a multiple of 64 until the end is found.
    pub position: usize,
    depth: usize,
    max_depth: usize,
    /// All ones if the walked bytes end inside a string.
    in_string: u64,
    /// 1 if the next byte is escaped.
    escaped: u64,
    /// An escape sequence beginning with `\u` was seen.
    pub has_unicode_escape: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            position: 0,
            depth: 0,
            max_depth: MAX_DEPTH,
            in_string: 0,
            escaped: 0,
            has_unicode_escape: false,
        }
    }
}

impl Walk {
    /// A walk that only seeks the end of what is passed over, however deep.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { max_depth: usize::MAX, ..Self::default() }
    }

    /// A walk that begins inside so many brackets and in no string, however deep it goes.
    #[must_use]
    pub fn within(depth: usize) -> Self {
        Self { depth, ..Self::unbounded() }
    }

    /// True if what was walked ends inside so many brackets, and in no string.
    #[must_use]
    pub fn is_at_depth(&self, depth: usize) -> bool {
        self.depth == depth && self.in_string == 0
    }
}

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The value's length in bytes.
    End(usize),
    /// The bytes end before the value does.
    More,
    /// It nests deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// The four bit maps of 64 bytes: bit n is byte n.
#[derive(Debug, Clone, Copy, Default)]
struct Bits {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
    /// The letter `u`; only looked at where there is a backslash, here or right before.
    letter_u: u64,
}

/// Chooses the instructions once; everything else asks it.
#[derive(Debug, Clone, Copy)]
pub struct Structure {
    #[cfg(target_arch = "x86_64")]
    v3: Option<pulp::x86::V3>,
}

impl Default for Structure {
    fn default() -> Self {
        Self::new()
    }
}

impl Structure {
    /// Takes AVX2 where the processor has it, and portable code elsewhere.
    #[must_use]
    pub fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            v3: pulp::x86::V3::try_new(),
        }
    }

    /// The same without vector instructions, for comparison.
    #[must_use]
    pub fn portable() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            v3: None,
        }
    }

    /// Adds where the quotes are; false if there are escapes or control characters, outside of strings too.
    pub(super) fn plain_quotes(self, text: &[u8], quotes: &mut Vec<u32>) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = self.v3 {
            return v3.vectorize(VectorQuotes { v3, text, quotes });
        }
        each_block(text, quotes, |block| {
            let bits = portable_bits(block, false);
            (bits.quote, bits.backslash != 0 || block.iter().any(|byte| *byte < 0x20))
        })
    }

    /// Walks on from `walk` over `bytes`, which begin where the value does.
    ///
    /// With `is_last` the bytes are all there is; without it a last partial block is left for the
    /// next call.
    #[inline]
    pub fn find_end(self, walk: &mut Walk, bytes: &[u8], is_last: bool) -> Found {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = self.v3 {
            return v3.vectorize(VectorWalk { v3, walk, bytes, is_last });
        }
        walk_blocks(walk, bytes, is_last, portable_bits)
    }
}

#[cfg(target_arch = "x86_64")]
struct VectorWalk<'a> {
    v3: pulp::x86::V3,
    walk: &'a mut Walk,
    bytes: &'a [u8],
    is_last: bool,
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for VectorWalk<'_> {
    type Output = Found;

    #[inline(always)]
    fn call(self) -> Found {
        let v3 = self.v3;
        walk_blocks(
            self.walk,
            self.bytes,
            self.is_last,
            #[inline(always)]
            |block, follows| vector_bits(v3, block, follows),
        )
    }
}

#[cfg(target_arch = "x86_64")]
struct VectorQuotes<'a> {
    v3: pulp::x86::V3,
    text: &'a [u8],
    quotes: &'a mut Vec<u32>,
}

#[cfg(target_arch = "x86_64")]
impl pulp::NullaryFnOnce for VectorQuotes<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let v3 = self.v3;
        each_block(
            self.text,
            self.quotes,
            #[inline(always)]
            |block| {
                let halves: [core::arch::x86_64::__m256i; 2] = pulp::cast(*block);
                let odd = [odd_bytes(v3, halves[0]), odd_bytes(v3, halves[1])];
                let any = v3.avx2._mm256_or_si256(odd[0], odd[1]);
                (equal_bytes(v3, halves, b'"'), v3.avx._mm256_testz_si256(any, any) == 0)
            },
        )
    }
}

/// Backslashes and control characters. A function of its own: what `map` is handed would not be inlined.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn odd_bytes(v3: pulp::x86::V3, half: core::arch::x86_64::__m256i) -> core::arch::x86_64::__m256i {
    let least = v3.avx2._mm256_min_epu8(half, v3.avx._mm256_set1_epi8(0x1f));
    let is_control = v3.avx2._mm256_cmpeq_epi8(half, least);
    let backslash = v3.avx._mm256_set1_epi8(b'\\'.cast_signed());
    v3.avx2._mm256_or_si256(is_control, v3.avx2._mm256_cmpeq_epi8(half, backslash))
}

/// Adds where the quotes are, by what is told of each block; false if one of them is odd.
#[inline(always)]
fn each_block(text: &[u8], quotes: &mut Vec<u32>, look: impl Fn(&[u8; 64]) -> (u64, bool)) -> bool {
    let (blocks, rest) = text.as_chunks::<64>();
    // Blanks are neither quotes nor odd.
    let mut last = [b' '; 64];
    last[..rest.len()].copy_from_slice(rest);
    for (base, block) in (0..).step_by(64).zip(blocks.iter().chain([&last])) {
        let (mut bits, is_odd) = look(block);
        if is_odd {
            return false;
        }
        quotes.reserve(64);
        while bits != 0 {
            quotes.push(base + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
    true
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn vector_bits(v3: pulp::x86::V3, block: &[u8; 64], follows_backslash: bool) -> Bits {
    let halves: [core::arch::x86_64::__m256i; 2] = pulp::cast(*block);
    // `{` and `[` differ in one bit, as do `}` and `]`: setting it makes one comparison do for both.
    // No other byte becomes one of them that way: 0x5b|0x20 = 0x7b, 0x5d|0x20 = 0x7d only.
    let case_bit = v3.avx._mm256_set1_epi8(0x20);
    let folded = [
        v3.avx2._mm256_or_si256(halves[0], case_bit),
        v3.avx2._mm256_or_si256(halves[1], case_bit),
    ];
    let backslash = equal_bytes(v3, halves, b'\\');
    Bits {
        quote: equal_bytes(v3, halves, b'"'),
        backslash,
        open: equal_bytes(v3, folded, b'{'),
        close: equal_bytes(v3, folded, b'}'),
        letter_u: if backslash == 0 && !follows_backslash {
            0
        } else {
            equal_bytes(v3, halves, b'u')
        },
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn equal_bytes(v3: pulp::x86::V3, halves: [core::arch::x86_64::__m256i; 2], byte: u8) -> u64 {
    let wanted = v3.avx._mm256_set1_epi8(byte.cast_signed());
    let low = v3.avx2._mm256_movemask_epi8(v3.avx2._mm256_cmpeq_epi8(halves[0], wanted));
    let high = v3.avx2._mm256_movemask_epi8(v3.avx2._mm256_cmpeq_epi8(halves[1], wanted));
    u64::from(low.cast_unsigned()) | (u64::from(high.cast_unsigned()) << 32)
}

fn portable_bits(block: &[u8; 64], _follows_backslash: bool) -> Bits {
    let mut bits = Bits::default();
    for (index, byte) in block.iter().enumerate() {
        let bit = 1u64 << index;
        match byte {
            b'"' => bits.quote |= bit,
            b'\\' => bits.backslash |= bit,
            b'{' | b'[' => bits.open |= bit,
            b'}' | b']' => bits.close |= bit,
            b'u' => bits.letter_u |= bit,
            _ => {}
        }
    }
    bits
}

#[inline(always)]
fn walk_blocks(
    walk: &mut Walk,
    bytes: &[u8],
    is_last: bool,
    bits_of: impl Fn(&[u8; 64], bool) -> Bits,
) -> Found {
    let mut here = *walk;
    let found = loop {
        let rest = bytes.get(here.position..).unwrap_or_default();
        if let Some(block) = rest.first_chunk::<64>() {
            let bits = bits_of(block, here.escaped != 0);
            if let Some(found) = step(&mut here, bits) {
                break found;
            }
            here.position += 64;
            continue;
        }
        if !is_last || rest.is_empty() {
            break Found::More;
        }
        // Zeros are neither quotes nor brackets, so the padding cannot end anything.
        let mut block = [0; 64];
        block[..rest.len()].copy_from_slice(rest);
        let bits = bits_of(&block, here.escaped != 0);
        if let Some(found) = step(&mut here, bits) {
            break found;
        }
        here.position = bytes.len();
        break Found::More;
    };
    *walk = here;
    found
}

/// Takes in one block; tells if the value ends or goes too deep in it.
#[inline(always)]
fn step(walk: &mut Walk, bits: Bits) -> Option<Found> {
    let escaped = escaped_bytes(bits.backslash, &mut walk.escaped);
    walk.has_unicode_escape |= escaped & bits.letter_u != 0;
    let in_string = prefix_xor(bits.quote & !escaped) ^ walk.in_string;
    walk.in_string = (in_string.cast_signed() >> 63).cast_unsigned();
    let open = bits.open & !in_string;
    let close = bits.close & !in_string;
    let opened = open.count_ones() as usize;
    let closed = close.count_ones() as usize;
    if walk.depth > closed && walk.depth + opened <= walk.max_depth {
        walk.depth = walk.depth + opened - closed;
        return None;
    }
    walk_brackets(walk, open, close)
}

/// The block in which the value may end or be too deep, bracket by bracket.
#[inline(always)]
fn walk_brackets(walk: &mut Walk, open: u64, close: u64) -> Option<Found> {
    let mut brackets = open | close;
    while brackets != 0 {
        let index = brackets.trailing_zeros();
        brackets &= brackets - 1;
        if open >> index & 1 == 1 {
            walk.depth += 1;
            if walk.depth > walk.max_depth {
                return Some(Found::TooDeep);
            }
            continue;
        }
        walk.depth = walk.depth.saturating_sub(1);
        if walk.depth == 0 {
            return Some(Found::End(walk.position + index as usize + 1));
        }
    }
    None
}

/// Which bytes stand behind an odd number of backslashes. The carry is from block to block.
#[inline(always)]
fn escaped_bytes(backslash: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslash == 0 {
        return std::mem::take(carry);
    }
    let backslash = backslash & !*carry;
    let follows = backslash << 1 | *carry;
    let odd_starts = backslash & !EVEN & !follows;
    let (even_runs, overflow) = odd_starts.overflowing_add(backslash);
    *carry = u64::from(overflow);
    (EVEN ^ (even_runs << 1)) & follows
}

/// Bit n of the result is the parity of bits 0 to n.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious way, byte by byte.
    fn plain(bytes: &[u8]) -> (Found, bool) {
        let (mut depth, mut in_string, mut escaped, mut unicode) = (0usize, false, false, false);
        for (index, byte) in bytes.iter().enumerate() {
            // A backslash outside of strings is not JSON; there it hides quotes but no brackets.
            if std::mem::take(&mut escaped) {
                unicode |= *byte == b'u';
                if matches!(byte, b'"' | b'\\') {
                    continue;
                }
            }
            match byte {
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return (Found::TooDeep, unicode);
                    }
                }
                b'}' | b']' if !in_string => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return (Found::End(index + 1), unicode);
                    }
                }
                _ => {}
            }
        }
        (Found::More, unicode)
    }

    #[track_caller]
    fn check(bytes: &[u8]) {
        let (expected, has_unicode) = plain(bytes);
        for structure in [Structure::new(), Structure::portable()] {
            let mut walk = Walk::default();
            assert_eq!(structure.find_end(&mut walk, bytes, true), expected);
            // Behind the end a block may hold more of them.
            assert!(walk.has_unicode_escape || !has_unicode, "an escape is missed");
            // In two pieces, cut anywhere.
            for cut in (0..bytes.len()).step_by(1 + bytes.len() / 40) {
                let mut walk = Walk::default();
                let mut found = structure.find_end(&mut walk, &bytes[..cut], false);
                if found == Found::More {
                    found = structure.find_end(&mut walk, bytes, true);
                }
                assert_eq!(found, expected, "cut at {cut}");
            }
        }
    }

    #[test]
    fn ends_are_found() {
        check(b"{}");
        check(br#"{"a":"}"}"#);
        check(br#"{"a":"\"}"}"#);
        check(br#"{"a":"\\"}"#);
        check(br#"{"a":["]",[{"b":"\\\""}]]} tail"#);
        check(br#"{"a":"#);
        check(b"");
        let long = format!("{{\"a\":\"{}\"}}", "\\\\".repeat(100));
        check(long.as_bytes());
        let long = format!("{{\"a\":\"{}\\\"}}\"}}", "x".repeat(120));
        check(long.as_bytes());
    }

    #[test]
    fn nesting_past_the_bound_is_told_at_any_alignment() {
        for pad in 0..70 {
            for depth in [MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, 10_000] {
                let text =
                    format!("{{{}{}{}}}", " ".repeat(pad), "[".repeat(depth), "]".repeat(depth));
                let mut walk = Walk::default();
                let found = Structure::new().find_end(&mut walk, text.as_bytes(), true);
                let expected =
                    if depth < MAX_DEPTH { Found::End(text.len()) } else { Found::TooDeep };
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn unicode_escapes_are_noticed() {
        for pad in 0..140 {
            check(format!("{{\"{}\\u0041\":1}}", "x".repeat(pad)).as_bytes());
        }
        for (text, expected) in
            [(r#"{"a":"\u0041"}"#, true), (r#"{"a":"\\u0041"}"#, false), (r#"{"u":"\"u"}"#, false)]
        {
            let mut walk = Walk::default();
            Structure::new().find_end(&mut walk, text.as_bytes(), true);
            assert_eq!(walk.has_unicode_escape, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_walk(text in r#"\{[\\"{}\[\]ua ]{0,300}"#) {
            check(text.as_bytes());
        }
    }
}
