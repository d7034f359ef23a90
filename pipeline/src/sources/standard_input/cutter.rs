//! Cuts a stream of JSON lines into objects at line ends; tells what is no such stream.
//!
//! Pure: bytes in, objects out. When to cut what has come so far is told from outside.

use serde::de::IgnoredAny;

/// Bytes of lines that are handed on together.
pub const MOST: usize = 4 << 20;

/// How far is looked for the end of the first line.
const FIRST_LINE: usize = MOST;

/// What comes of bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Cut {
    /// Whole lines.
    Lines(Vec<u8>),
    /// A line that is too long: its first bytes. The rest of it is passed over.
    TooLong(Vec<u8>),
}

/// What kind of stream it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not enough has come to tell.
    Unknown,
    /// Each line is JSON.
    Lines,
    /// Something else: packed, or JSON over several lines.
    Whole,
}

/// Gathers bytes until they can be handed on.
#[derive(Debug, Default)]
pub struct Cutter {
    waiting: Vec<u8>,
    is_passing_over: bool,
}

/// What a stream is that begins so; `is_end` if nothing more comes.
pub fn kind(begin: &[u8], is_end: bool) -> Kind {
    let text = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin);
    let text = text.trim_ascii_start();
    // Packings and anything that is no JSON object are told by their first byte.
    match text.first() {
        None if is_end => return Kind::Whole,
        None => return Kind::Unknown,
        Some(b'{') => {}
        Some(_) => return Kind::Whole,
    }
    let line = text.iter().position(|byte| *byte == b'\n').map(|end| &text[..end]);
    match line {
        Some(line) if serde_json::from_slice::<IgnoredAny>(line).is_ok() => Kind::Lines,
        Some(_) => Kind::Whole,
        None if is_end || text.len() > FIRST_LINE => Kind::Whole,
        None => Kind::Unknown,
    }
}

impl Cutter {
    /// Takes more bytes; what is full goes to `out`.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<Cut>) {
        if self.is_passing_over {
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return };
            bytes = &bytes[end + 1..];
            self.is_passing_over = false;
        }
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() >= MOST {
            let end = self.waiting[..MOST].iter().rposition(|byte| *byte == b'\n');
            if let Some(end) = end {
                out.push(Cut::Lines(self.take(end + 1)));
                continue;
            }
            // One line is all of it.
            let end = self.waiting.iter().position(|byte| *byte == b'\n');
            self.is_passing_over = end.is_none();
            let line = self.take(end.map_or(self.waiting.len(), |end| end + 1));
            out.push(Cut::TooLong(line));
        }
    }

    /// Whole lines that have come so far.
    pub fn flush(&mut self) -> Option<Cut> {
        let end = self.waiting.iter().rposition(|byte| *byte == b'\n')?;
        Some(Cut::Lines(self.take(end + 1)))
    }

    /// Everything that has come, whether its last line is whole or not.
    pub fn finish(&mut self) -> Option<Cut> {
        let rest = std::mem::take(&mut self.waiting);
        (!rest.is_empty()).then_some(Cut::Lines(rest))
    }

    /// True if something waits.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.waiting.split_off(count);
        std::mem::replace(&mut self.waiting, rest)
    }
}
