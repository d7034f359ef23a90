//! Records as JSON text, spelled in every way that a reader might stumble over.

use proptest::prelude::*;
use proptest::sample::select;

use super::words::{KEYS, NAMES, NUMBERS, ODD_NUMBERS, VALUES};

/// How far a record may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taste {
    /// What strict JSON refuses is among it, and keys that stand twice.
    Wild,
    /// The same, but nothing is escaped: a prefilter may trust what it sees.
    Plain,
    /// Every reader of JSON agrees about it.
    Tame,
}

/// A file's bytes, shown as text when a test fails.
#[derive(Clone)]
pub struct File(pub Vec<u8>);

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Stands for a byte that is not UTF-8.
const NOT_UTF8: char = '\u{e000}';

/// A file of records.
pub fn file(taste: Taste) -> impl Strategy<Value = File> {
    let one = match taste {
        Taste::Wild => prop_oneof![1 => record(taste), 2 => record(Taste::Plain)].boxed(),
        Taste::Plain | Taste::Tame => record(taste),
    };
    let records = prop::collection::vec(one, 1..7);
    let frame = select(&[("{\"Records\":[", ",", "]}"), ("", "\n", "\n"), ("[", " ,\n", "]")][..]);
    (records, frame).prop_map(|(records, (before, between, after))| {
        File(bytes(&format!("{before}{}{after}", records.join(between))))
    })
}

/// The bytes of a generated text.
pub fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(NOT_UTF8) {
        out.extend_from_slice(before.as_bytes());
        out.push(0xff);
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// One record's text.
pub fn record(taste: Taste) -> BoxedStrategy<String> {
    let member = prop_oneof![
        8 => member("eventName", taste, name(taste)),
        1 => member("eventSource", taste, scalar(taste)),
        1 => member("sourceIPAddress", taste, scalar(taste)),
        1 => member("errorCode", taste, value(taste)),
        2 => member("userIdentity", taste, object(taste)),
        3 => member("requestParameters", taste, object(taste)),
        2 => member("requestParameters", taste, value(taste)),
        1 => member("responseElements", taste, value(taste)),
        1 => member("resources", taste, value(taste)),
        1 => member("requestParameters.x", taste, scalar(taste)),
        1 => member("comment", taste, hidden()),
        1 => member("eventID", taste, Just("\"1-2-3\"".to_owned()).boxed()),
        1 => member("recipientAccountId", taste, Just("\"111122223333\"".to_owned()).boxed()),
    ];
    (prop::collection::vec(member, 0..9), spread(), comma(taste))
        .prop_map(move |(members, spread, comma)| {
            let members = apart(members, taste);
            format!("{{{spread}{}{spread}}}", members.join(comma))
        })
        .boxed()
}

/// A member's key as the parser sees it, and its text.
type Member = (&'static str, String);

fn member(key: &'static str, taste: Taste, value: BoxedStrategy<String>) -> BoxedStrategy<Member> {
    (spelled_key(key, taste), spread(), spread(), value)
        .prop_map(move |(written, before, after, value)| {
            (key, format!("{written}{before}:{after}{value}"))
        })
        .boxed()
}

/// For tame records each key once.
fn apart(members: Vec<Member>, taste: Taste) -> Vec<String> {
    let mut seen = Vec::new();
    members
        .into_iter()
        .filter(|(key, _)| {
            let is_new = !seen.contains(key);
            seen.push(key);
            is_new || taste != Taste::Tame
        })
        .map(|(_, text)| text)
        .collect()
}

fn spread() -> BoxedStrategy<&'static str> {
    prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just(" \r\n  ")].boxed()
}

fn comma(taste: Taste) -> BoxedStrategy<&'static str> {
    match taste {
        Taste::Wild | Taste::Plain => {
            prop_oneof![20 => Just(","), 2 => Just("\n, "), 1 => Just(",,"), 1 => Just(" ")].boxed()
        }
        Taste::Tame => prop_oneof![8 => Just(","), 1 => Just("\n, ")].boxed(),
    }
}

/// A key, plain or with escapes.
fn spelled_key(key: &'static str, taste: Taste) -> BoxedStrategy<String> {
    (0..24_usize)
        .prop_map(move |pick| match pick {
            _ if taste == Taste::Plain => quoted(key),
            0 => escaped(key, |index| index == 0),
            1 => escaped(key, |index| index == 5.min(key.len() - 1)),
            2 => escaped(key, |_| true),
            _ => quoted(key),
        })
        .boxed()
}

/// The text as a JSON string, plain.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

/// The text as a JSON string with `\u` for the characters chosen.
fn escaped(text: &str, is_chosen: impl Fn(usize) -> bool) -> String {
    let mut out = String::from("\"");
    for (index, character) in text.chars().enumerate() {
        if is_chosen(index) && (character as u32) < 0x1_0000 {
            out.push_str(&format!("\\u{:04x}", character as u32));
        } else {
            let inside = quoted(&character.to_string());
            out.push_str(&inside[1..inside.len() - 1]);
        }
    }
    out.push('"');
    out
}

/// A text in some letter case and some spelling.
fn spelled(words: &'static [&'static str], taste: Taste) -> BoxedStrategy<String> {
    (select(words), 0..20_u8, 0..16_u8)
        .prop_map(move |(word, case, spelling)| {
            let word = match case {
                0..=2 => word.to_uppercase(),
                3..=4 => word.to_lowercase(),
                5 => word.replace(['k', 'K'], "\u{212a}"),
                6 if taste != Taste::Tame => word.replace(['i', 'I'], "\u{130}"),
                _ => word.to_owned(),
            };
            match spelling {
                3 => quoted(&format!("{word}/")).replace('/', "\\/"),
                _ if taste == Taste::Plain => quoted(&word),
                0 => escaped(&word, |index| index == 0),
                1 => escaped(&word, |index| index % 3 == 1),
                2 => escaped(&word, |_| true),
                4 if taste == Taste::Wild => broken(&word),
                _ => quoted(&word),
            }
        })
        .boxed()
}

/// A string that strict JSON refuses.
fn broken(word: &str) -> String {
    let faults = ["\\ud800", "\\q", "\u{1}", "\\u12", "\u{e000}"];
    let fault = faults[word.len() % faults.len()];
    let inside = quoted(word);
    format!("{}{fault}\"", &inside[..inside.len() - 1])
}

/// An event's name, mostly.
fn name(taste: Taste) -> BoxedStrategy<String> {
    prop_oneof![12 => spelled(&NAMES, taste), 1 => number(taste), 2 => value(taste)].boxed()
}

fn number(taste: Taste) -> BoxedStrategy<String> {
    let usual = select(&NUMBERS[..]);
    match taste {
        Taste::Wild | Taste::Plain => prop_oneof![usual, select(&ODD_NUMBERS[..])].boxed(),
        Taste::Tame => usual.boxed(),
    }
    .prop_map(str::to_owned)
    .boxed()
}

fn scalar(taste: Taste) -> BoxedStrategy<String> {
    prop_oneof![
        12 => spelled(&VALUES, taste),
        4 => number(taste),
        3 => select(&["true", "false", "null"][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn value(taste: Taste) -> BoxedStrategy<String> {
    prop_oneof![
        4 => scalar(taste),
        2 => list(scalar(taste)),
        3 => object(taste),
        1 => list(object(taste)),
    ]
    .boxed()
}

fn list(element: BoxedStrategy<String>) -> BoxedStrategy<String> {
    prop::collection::vec(element, 0..4)
        .prop_map(|elements| format!("[{}]", elements.join(",")))
        .boxed()
}

/// An object within a record: perhaps cut, perhaps with an `eventName` of its own.
fn object(taste: Taste) -> BoxedStrategy<String> {
    let inner = prop_oneof![
        4 => scalar(taste),
        1 => list(scalar(taste)),
        1 => (select(&["b", "x"][..]), scalar(taste)).prop_map(|(key, value)| format!("{{\"{key}\":{value}}}")),
    ];
    let cut =
        select(&["true", "true", "true", "false", "\"true\""][..]).prop_map(str::to_owned).boxed();
    let plain = (0..KEYS.len(), spread(), inner)
        .prop_map(|(key, space, value)| (KEYS[key], format!("\"{}\"{space}:{value}", KEYS[key])));
    let member = prop_oneof![4 => plain, 1 => member("omitted", taste, cut)];
    prop::collection::vec(member, 0..5)
        .prop_map(move |members| format!("{{{}}}", apart(members, taste).join(",")))
        .boxed()
}

/// A text that holds what looks like a record.
fn hidden() -> BoxedStrategy<String> {
    select(&NAMES[..])
        .prop_map(|name| quoted(&format!("{{\"eventName\":\"{name}\",\"omitted\":true}}")))
        .boxed()
}
