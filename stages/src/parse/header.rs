//! Looks at the members of an object's outermost level: is it a record, an envelope, a digest?

use std::ops::Range;

use memchr::{memchr, memchr2};

use super::structure::{Found, Structure, Walk};
use crate::model::{Drop, Odd};

/// Lists that hold records, by their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKey {
    /// A CloudTrail file.
    Records,
    /// Answers of `lookup-events`; each has the event as a string.
    Events,
    /// A CloudWatch Logs envelope; each has the event as a string.
    LogEvents,
}

/// What an object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// It has a list of records, whose first byte behind `[` is at `from`.
    List {
        /// Which list.
        key: ListKey,
        /// Offset behind the bracket.
        from: usize,
    },
    /// It ends at `end` and has no such list.
    Whole {
        /// Offset behind its last byte.
        end: usize,
        /// What it is.
        kind: Whole,
    },
    /// The bytes end before it does.
    More,
    /// It nests too deep.
    TooDeep,
    /// It is not an object's text.
    Malformed,
}

/// What an object without a list of records is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// A bare record.
    Record {
        /// It holds an escape beginning with `\u`.
        has_unicode_escape: bool,
        /// It has a key that only events have.
        is_event: bool,
    },
    /// An element of `lookup-events`, by itself: the record is in this string.
    Quoted {
        /// The inside of the string.
        inside: Range<usize>,
    },
    /// An EventBridge envelope: the record is its `detail`.
    Detail {
        /// Where the record stands.
        range: Range<usize>,
        /// It holds an escape beginning with `\u`.
        has_unicode_escape: bool,
    },
    /// Passed by on purpose.
    Dropped(Drop),
    /// A file with nothing in it.
    Odd(Odd),
}

/// Keys of an event's outermost level. An object with none of them is something else.
const EVENT_KEYS: [&[u8]; 13] = [
    b"eventVersion",
    b"eventName",
    b"eventSource",
    b"eventTime",
    b"eventID",
    b"eventId",
    b"eventType",
    b"eventCategory",
    b"awsRegion",
    b"userIdentity",
    b"recipientAccountId",
    b"requestParameters",
    b"responseElements",
];

/// True for an object whose first key is a record's: nearly every line of JSON lines is.
pub(super) fn is_plain_record(text: &[u8]) -> bool {
    text.starts_with(br#"{"eventVersion""#)
}

/// Looks at an object from its `{` on.
pub(super) fn look(structure: Structure, text: &[u8], is_last: bool) -> Header {
    look_from(structure, text, 1, is_last)
}

/// Looks at an object from behind one of its members on.
pub(super) fn look_on(structure: Structure, text: &[u8], is_last: bool) -> Header {
    look_from(structure, text, 0, is_last)
}

/// What was seen on the way.
#[derive(Default)]
struct Seen {
    detail: Option<(Range<usize>, bool)>,
    quoted: Option<Range<usize>>,
    has_detail_type: bool,
    is_event: bool,
    is_digest: bool,
    is_control: bool,
    odd: Option<Odd>,
    has_unicode_escape: bool,
}

fn look_from(structure: Structure, text: &[u8], from: usize, is_last: bool) -> Header {
    let mut at = from;
    let mut seen = Seen::default();
    loop {
        at = skip_white_and_commas(text, at);
        match text.get(at) {
            None => return Header::More,
            Some(b'}') => return Header::Whole { end: at + 1, kind: seen.kind() },
            Some(b'"') => {}
            Some(_) => return Header::Malformed,
        }
        let Some(key_end) = string_end(text, at) else { return Header::More };
        let key = &text[at + 1..key_end - 1];
        // A key with escapes may be any key: its members count as a record's, found by the parser.
        let is_escaped = key.contains(&b'\\');
        seen.has_unicode_escape |= is_escaped;
        seen.is_event |= is_escaped;
        at = skip_white(text, key_end);
        match text.get(at) {
            None => return Header::More,
            Some(b':') => at = skip_white(text, at + 1),
            Some(_) => return Header::Malformed,
        }
        let Some(first) = text.get(at) else { return Header::More };
        // A control message has a list too, with a greeting in it.
        if *first == b'['
            && !seen.is_control
            && let Some(list) = list_of(key)
        {
            return Header::List { key: list, from: at + 1 };
        }
        let end = match value_end(structure, text, at, is_last, &mut seen) {
            Ok(end) => end,
            Err(header) => return header,
        };
        seen.member(key, text, at..end);
        at = end;
    }
}

fn list_of(key: &[u8]) -> Option<ListKey> {
    match key {
        b"Records" => Some(ListKey::Records),
        b"Events" => Some(ListKey::Events),
        b"logEvents" => Some(ListKey::LogEvents),
        _ => None,
    }
}

fn value_end(
    structure: Structure,
    text: &[u8],
    at: usize,
    is_last: bool,
    seen: &mut Seen,
) -> Result<usize, Header> {
    match text[at] {
        b'{' | b'[' => {
            let mut walk = Walk::default();
            match structure.find_end(&mut walk, &text[at..], is_last) {
                Found::End(length) => {
                    seen.has_unicode_escape |= walk.has_unicode_escape;
                    Ok(at + length)
                }
                Found::More => Err(Header::More),
                Found::TooDeep => Err(Header::TooDeep),
            }
        }
        b'"' => {
            let end = string_end(text, at).ok_or(Header::More)?;
            seen.has_unicode_escape |= memchr(b'\\', &text[at..end]).is_some();
            Ok(end)
        }
        b',' | b'}' | b']' | b':' => Err(Header::Malformed),
        _ => {
            let length = scalar_end(&text[at..]).ok_or(Header::More)?;
            // No JSON, but whoever parses it shall say so.
            seen.has_unicode_escape |= memchr(b'\\', &text[at..at + length]).is_some();
            Ok(at + length)
        }
    }
}

impl Seen {
    fn member(&mut self, key: &[u8], text: &[u8], value: Range<usize>) {
        let written = &text[value.clone()];
        match key {
            b"detail" if written.starts_with(b"{") => {
                self.detail = Some((value, self.has_unicode_escape));
            }
            b"detail-type" => self.has_detail_type = true,
            b"CloudTrailEvent" if written.starts_with(b"\"") => {
                self.quoted = Some(value.start + 1..value.end - 1);
            }
            b"digestStartTime" | b"digestS3Object" => self.is_digest = true,
            b"messageType" if written == br#""CONTROL_MESSAGE""# => self.is_control = true,
            b"Records" if written == b"null" => self.odd = Some(Odd::RecordsNull),
            _ => self.is_event |= EVENT_KEYS.contains(&key),
        }
    }

    fn kind(self) -> Whole {
        if self.is_control {
            return Whole::Dropped(Drop::ControlMessage);
        }
        if self.is_digest {
            return Whole::Dropped(Drop::Digest);
        }
        if let Some(odd) = self.odd {
            return Whole::Odd(odd);
        }
        match self.detail {
            Some((range, has_unicode_escape)) if self.has_detail_type => {
                Whole::Detail { range, has_unicode_escape }
            }
            _ => match self.quoted {
                Some(inside) if !self.is_event => Whole::Quoted { inside },
                _ => Whole::Record {
                    has_unicode_escape: self.has_unicode_escape,
                    is_event: self.is_event,
                },
            },
        }
    }
}

fn skip_white(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn skip_white_and_commas(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t' | b',')) {
        at += 1;
    }
    at
}

/// Offset behind the closing quote of the string that begins at `at`.
pub(super) fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// Length of a number or word, or of a string: up to what ends it, which must be there.
pub(super) fn scalar_end(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'"') {
        return string_end(text, 0);
    }
    text.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b'\n' | b' ' | b'\t' | b'\r'))
}

/// The inside of the string under `key` in the object `text`, which is whole.
pub(super) fn string_member(structure: Structure, text: &[u8], key: &str) -> Option<Range<usize>> {
    let mut at = 1;
    let mut seen = Seen::default();
    loop {
        at = skip_white_and_commas(text, at);
        if text.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(text, at)?;
        let is_key = &text[at + 1..key_end - 1] == key.as_bytes();
        at = skip_white(text, key_end);
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = skip_white(text, at + 1);
        if at >= text.len() {
            return None;
        }
        let end = value_end(structure, text, at, true, &mut seen).ok()?;
        if is_key && text[at] == b'"' {
            return Some(at + 1..end - 1);
        }
        at = end;
    }
}
