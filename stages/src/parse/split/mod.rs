//! Cuts an object's text into records, whatever kind of CloudTrail file it is.
//!
//! It walks only the outside: lists, envelopes and the ends of records. It takes the text in
//! windows of any size and tells from where it must be kept. It parses no record.

mod marks;

use std::ops::Range;

use memchr::memchr;

use super::header::{self, Header, Whole};
use super::structure::{Found, Structure, Walk};
use crate::model::{Drop, Odd, Reason};
use marks::Marks;

/// Largest single record that is read.
///
/// CloudTrail's own limit is 256 KiB (1 MiB in a Lake); 4 MiB leaves room while a crafted record
/// cannot exhaust memory. Past it the record is rejected; the rest of its file is still read.
pub const MAX_RECORD: usize = 4 << 20;

/// Deepest stack of lists and envelopes around a record.
const MAX_FRAMES: usize = 8;

/// Something found in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A record's text, by place in the window.
    Record {
        /// Where it stands.
        range: Range<usize>,
        /// It holds an escape beginning with `\u`.
        has_unicode_escape: bool,
        /// It looks like an event; false only for an object in no list of records that has none of
        /// an event's keys.
        is_event: bool,
    },
    /// The inside of a JSON string that holds a record.
    Quoted(Range<usize>),
    /// Something passed by on purpose.
    Dropped(Drop),
    /// Something odd about the file.
    Odd(Odd),
    /// Something that could not be read, by place in the window (what there is of it).
    Rejected(Reason, Range<usize>),
}

/// What a call of [`Splitter::next`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A piece; call again.
    Piece(Piece),
    /// The window is used up from [`Splitter::keep_from`] on: put more behind it.
    More,
    /// The text has ended.
    End,
}

/// A list or envelope that the text is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// An object that holds a list of records, behind or before that list.
    Envelope,
    /// A list of records, or of envelopes (`is_top`).
    List { is_top: bool },
    /// A list of objects with a string that holds a record, under this key.
    Quoted { key: &'static str },
}

/// Cuts one object's text; made anew for each.
#[derive(Debug)]
pub struct Splitter {
    structure: Structure,
    frames: Vec<Frame>,
    /// Everything before this place in the window is done with.
    at: usize,
    /// How far the value at `at` has been walked.
    walk: Walk,
    /// A value too large or too deep is being passed over.
    is_discarding: bool,
    /// Text that is not JSON is being passed over, up to a line that could be.
    is_garbage: bool,
    /// The window before ended within such a line.
    is_mid_line: bool,
    /// The current list has had an element.
    has_element: bool,
    /// A value was cut, or may have been: from then on none reaches past the next mark.
    marks: Option<Marks>,
}

impl Splitter {
    /// Begins at the start of an object's text.
    #[must_use]
    pub fn new(structure: Structure) -> Self {
        Self {
            structure,
            frames: Vec::new(),
            at: 0,
            walk: Walk::default(),
            is_discarding: false,
            is_garbage: false,
            is_mid_line: false,
            has_element: false,
            marks: None,
        }
    }

    /// The window must be kept from here on.
    #[must_use]
    pub fn keep_from(&self) -> usize {
        self.at
    }

    /// The window now begins where [`Splitter::keep_from`] was.
    pub fn rebase(&mut self) {
        let by = std::mem::take(&mut self.at);
        if let Some(marks) = &mut self.marks {
            marks.rebase(by);
        }
    }

    /// True if the text so far ends between values, as a whole text must.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.frames.is_empty() && !self.is_discarding
    }

    /// Finds the next piece in `window`, which is all there will be if `is_last`.
    #[inline]
    pub fn next(&mut self, window: &[u8], is_last: bool) -> Step {
        loop {
            if self.is_discarding {
                if let Some(step) = self.discard(window, is_last) {
                    return step;
                }
                continue;
            }
            let step = match self.frames.last().copied() {
                None => self.at_top(window, is_last),
                Some(Frame::Envelope) => self.in_envelope(window, is_last),
                Some(frame @ (Frame::List { .. } | Frame::Quoted { .. })) => {
                    self.in_list(frame, window, is_last)
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn skip_white(&mut self, window: &[u8]) -> Option<u8> {
        while let Some(byte) = window.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// The window ran out where something more had to come.
    fn out_of_text(&mut self, window: &[u8], is_last: bool) -> Step {
        if !is_last {
            return Step::More;
        }
        if self.frames.is_empty() {
            self.at = window.len();
            return Step::End;
        }
        self.frames.clear();
        let start = std::mem::replace(&mut self.at, window.len());
        Step::Piece(Piece::Rejected(Reason::CutJson, start..window.len()))
    }

    fn at_top(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        const BOM: &[u8] = b"\xef\xbb\xbf";
        if self.is_mid_line && self.at < window.len() {
            return self.garbage(window, is_last);
        }
        let Some(byte) = self.skip_white(window) else {
            return Some(self.out_of_text(window, is_last));
        };
        let rest = &window[self.at..];
        if byte == BOM[0] && rest.len() < BOM.len() && !is_last {
            return Some(Step::More);
        }
        if rest.starts_with(BOM) {
            self.at += BOM.len();
            return None;
        }
        match byte {
            b'{' => {
                self.is_garbage = false;
                self.envelope_or_record(window, is_last)
            }
            b'[' => {
                self.is_garbage = false;
                self.at += 1;
                self.push(Frame::List { is_top: true }, window)
            }
            // What is left of the lists that were cut.
            b',' | b']' | b'}' if self.marks.is_some() => {
                self.at += 1;
                None
            }
            _ => self.garbage(window, is_last),
        }
    }

    /// Passes over a line that is not JSON; a run of such lines is told once.
    fn garbage(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        let start = self.at;
        let line_end = memchr(b'\n', &window[start..]);
        self.at = line_end.map_or(window.len(), |length| start + length + 1);
        self.is_mid_line = line_end.is_none();
        if std::mem::replace(&mut self.is_garbage, true) {
            return (self.is_mid_line && !is_last).then_some(Step::More);
        }
        Some(Step::Piece(Piece::Rejected(Reason::NotJson, start..self.at)))
    }

    fn push(&mut self, frame: Frame, window: &[u8]) -> Option<Step> {
        if self.frames.len() >= MAX_FRAMES {
            // The rest of the line is passed over, however it comes in windows.
            self.frames.clear();
            self.is_garbage = true;
            self.is_mid_line = true;
            return Some(Step::Piece(Piece::Rejected(Reason::TooDeep, self.at..window.len())));
        }
        self.frames.push(frame);
        self.has_element = false;
        None
    }

    /// An object that may be a record, or an envelope with records in it.
    fn envelope_or_record(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        if header::is_plain_record(&window[self.at..]) {
            return self.record(window, is_last);
        }
        let (window, is_last) = self.bounded(window, is_last);
        let rest = &window[self.at..];
        match header::look(self.structure, rest, is_last) {
            Header::List { key, from } => {
                self.at += from;
                self.frames.push(Frame::Envelope);
                let frame = match key {
                    header::ListKey::Records => Frame::List { is_top: false },
                    header::ListKey::Events => Frame::Quoted { key: "CloudTrailEvent" },
                    header::ListKey::LogEvents => Frame::Quoted { key: "message" },
                };
                self.push(frame, window)
            }
            Header::Whole { end, .. } if end > MAX_RECORD => {
                Some(self.too_large(&window[..self.at + end]))
            }
            Header::Whole { end, kind } => {
                let start = self.at;
                self.at += end;
                self.after_element();
                let piece = match kind {
                    Whole::Record { has_unicode_escape, is_event } => {
                        Piece::Record { range: start..start + end, has_unicode_escape, is_event }
                    }
                    Whole::Quoted { inside } => {
                        Piece::Quoted(start + inside.start..start + inside.end)
                    }
                    Whole::Detail { range, has_unicode_escape } => Piece::Record {
                        range: start + range.start..start + range.end,
                        has_unicode_escape,
                        is_event: true,
                    },
                    Whole::Dropped(reason) => Piece::Dropped(reason),
                    Whole::Odd(odd) => Piece::Odd(odd),
                };
                Some(Step::Piece(piece))
            }
            Header::More if rest.len() > MAX_RECORD => Some(self.too_large(window)),
            Header::More if is_last => Some(self.cut(window)),
            Header::More => Some(Step::More),
            Header::TooDeep => Some(self.begin_discard(Reason::TooDeep, window)),
            // Not an object after all: its end by brackets is all that can be known.
            Header::Malformed => self.record(window, is_last),
        }
    }

    /// Text ends within a value: what came before it is kept, and so is what begins anew behind it.
    fn cut(&mut self, window: &[u8]) -> Step {
        let end = self.take_up(window).unwrap_or(window.len());
        self.frames.clear();
        self.walk = Walk::default();
        if let Some(marks) = &mut self.marks {
            marks.is_guess = false;
        }
        let start = std::mem::replace(&mut self.at, end);
        Step::Piece(Piece::Rejected(Reason::CutJson, start..end))
    }

    /// A value does not end within what a record may have: it is too large, or it was cut.
    fn too_large(&mut self, window: &[u8]) -> Step {
        match self.take_up(window) {
            Some(mark) => self.cut(&window[..mark]),
            None => self.begin_discard(Reason::TooLarge, window),
        }
    }

    /// Where reading can go on behind the value that begins here.
    fn take_up(&mut self, window: &[u8]) -> Option<usize> {
        let was_cut = self.marks.is_some();
        let mut marks = self.marks.take().unwrap_or_default();
        let mark = marks.next(window, self.at);
        if was_cut || mark.is_some() {
            self.marks = Some(marks);
        }
        mark.filter(|mark| *mark < window.len())
    }

    /// A list was cut between two of its elements, and a file begins: reading goes on there.
    fn cut_between(&mut self) -> Step {
        self.frames.clear();
        self.marks.get_or_insert_default();
        Step::Piece(Piece::Rejected(Reason::CutJson, self.at..self.at))
    }

    /// What the value that begins here can reach at most.
    fn bounded<'w>(&mut self, window: &'w [u8], is_last: bool) -> (&'w [u8], bool) {
        match self.marks.as_mut().and_then(|marks| marks.next(window, self.at)) {
            Some(mark) => (&window[..mark], true),
            None => (window, is_last),
        }
    }

    fn after_element(&mut self) {
        self.walk = Walk::default();
        self.has_element = true;
    }

    #[inline]
    fn record(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        let (window, is_last) = self.bounded(window, is_last);
        let start = self.at;
        let rest = &window[start..];
        match self.structure.find_end(&mut self.walk, rest, is_last) {
            Found::End(length) if length <= MAX_RECORD => {
                let has_unicode_escape = self.walk.has_unicode_escape;
                self.at += length;
                self.after_element();
                let range = start..self.at;
                Some(Step::Piece(Piece::Record { range, has_unicode_escape, is_event: true }))
            }
            Found::End(length) => Some(self.too_large(&window[..start + length])),
            Found::TooDeep => Some(self.begin_discard(Reason::TooDeep, window)),
            Found::More if rest.len() > MAX_RECORD => Some(self.too_large(window)),
            Found::More if is_last => Some(self.cut(window)),
            Found::More => Some(Step::More),
        }
    }

    fn begin_discard(&mut self, reason: Reason, window: &[u8]) -> Step {
        self.walk = Walk::unbounded();
        self.is_discarding = true;
        self.marks.get_or_insert_with(Marks::guess);
        Step::Piece(Piece::Rejected(reason, self.at..window.len()))
    }

    fn discard(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        let (window, is_last) = self.bounded(window, is_last);
        match self.structure.find_end(&mut self.walk, &window[self.at..], is_last) {
            Found::End(length) => {
                self.at += length;
                self.is_discarding = false;
                self.marks.take_if(|marks| marks.is_guess);
                self.after_element();
                None
            }
            Found::More | Found::TooDeep if is_last => {
                self.is_discarding = false;
                Some(self.cut(window))
            }
            Found::More | Found::TooDeep => {
                // What has been walked need not be kept, but for what may be a mark's beginning.
                let done = self.walk.position.saturating_sub(marks::FILE.len());
                self.at += done;
                self.walk.position -= done;
                Some(Step::More)
            }
        }
    }

    /// Between the elements of a list.
    #[inline]
    fn in_list(&mut self, frame: Frame, window: &[u8], is_last: bool) -> Option<Step> {
        let Some(byte) = self.skip_white(window) else {
            return Some(self.out_of_text(window, is_last));
        };
        match byte {
            b'{' => match frame {
                Frame::List { is_top: true } => self.envelope_or_record(window, is_last),
                Frame::List { is_top: false } | Frame::Envelope => {
                    match marks::begins_file(&window[self.at..], is_last) {
                        Some(true) => Some(self.cut_between()),
                        Some(false) => self.record(window, is_last),
                        None => Some(Step::More),
                    }
                }
                Frame::Quoted { key } => self.quoted(key, window, is_last),
            },
            b',' => {
                self.at += 1;
                None
            }
            b']' => {
                self.at += 1;
                self.frames.pop();
                let had_element = std::mem::replace(&mut self.has_element, true);
                (!had_element).then_some(Step::Piece(Piece::Odd(Odd::RecordsEmpty)))
            }
            b'[' => Some(self.begin_discard(Reason::NotObject, window)),
            _ => self.scalar(window, is_last),
        }
    }

    /// An element that is no object: passed over.
    fn scalar(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        let rest = &window[self.at..];
        let end = match header::scalar_end(rest) {
            Some(end) => end,
            None if is_last => return Some(self.cut(window)),
            None if rest.len() <= MAX_RECORD => return Some(Step::More),
            None => rest.len(),
        };
        let start = self.at;
        self.at += end.max(1);
        self.has_element = true;
        Some(Step::Piece(Piece::Rejected(Reason::NotObject, start..self.at)))
    }

    /// An element with a string that holds a record.
    fn quoted(&mut self, key: &str, window: &[u8], is_last: bool) -> Option<Step> {
        let step = self.record(window, is_last)?;
        let Step::Piece(Piece::Record { range, has_unicode_escape, is_event }) = step else {
            return Some(step);
        };
        let piece = match header::string_member(self.structure, &window[range.clone()], key) {
            Some(inside) => Piece::Quoted(range.start + inside.start..range.start + inside.end),
            // An element that is itself a record, as some exports have it.
            None if key == "CloudTrailEvent" => {
                Piece::Record { range, has_unicode_escape, is_event }
            }
            None => Piece::Dropped(Drop::NotCloudTrail),
        };
        Some(Step::Piece(piece))
    }

    /// Behind a list in its envelope: another list, other members, or the end.
    fn in_envelope(&mut self, window: &[u8], is_last: bool) -> Option<Step> {
        let Some(byte) = self.skip_white(window) else {
            return Some(self.out_of_text(window, is_last));
        };
        if byte == b'}' {
            self.at += 1;
            self.frames.pop();
            self.has_element = true;
            return None;
        }
        if byte == b'{' {
            return Some(self.cut_between());
        }
        let rest = &window[self.at..];
        match header::look_on(self.structure, rest, is_last) {
            Header::List { key, from } => {
                self.at += from;
                let frame = match key {
                    header::ListKey::Records => Frame::List { is_top: false },
                    header::ListKey::Events => Frame::Quoted { key: "CloudTrailEvent" },
                    header::ListKey::LogEvents => Frame::Quoted { key: "message" },
                };
                self.push(frame, window)
            }
            Header::Whole { end, .. } => {
                self.at += end;
                self.frames.pop();
                self.has_element = true;
                None
            }
            Header::More if is_last => Some(self.cut(window)),
            Header::More if rest.len() <= MAX_RECORD => Some(Step::More),
            Header::More | Header::TooDeep | Header::Malformed => {
                self.frames.clear();
                self.garbage(window, is_last)
            }
        }
    }
}

#[cfg(test)]
mod tests;
