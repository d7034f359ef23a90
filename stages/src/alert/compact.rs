//! A record as one line of valid JSON.

use crate::model::Record;

/// The record without white space between its values, numbers as they were written.
///
/// What strict JSON refuses (bytes that are not UTF-8, lone surrogates, bare control characters) is
/// written as the lenient reader understood it.
#[must_use]
pub fn compact(record: &Record<'_>) -> String {
    if record.is_strict
        && let Ok(text) = std::str::from_utf8(record.raw)
    {
        return without_white_space(text);
    }
    let mut json = String::with_capacity(record.raw.len());
    record.write_json(0, &mut json);
    json
}

fn without_white_space(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let (mut at, mut copied) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&text[copied..at]);
                at += 1;
                copied = at;
            }
            b'"' => at = string_end(bytes, at + 1),
            _ => at += 1,
        }
    }
    out.push_str(&text[copied..]);
    out
}

/// Offset behind the closing quote, or the end.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &[u8], expected: &str) {
        let compacted = crate::parse::Parser::default().parse(raw, |record, _| compact(&record));
        assert_eq!(compacted.unwrap(), expected);
    }

    #[test]
    fn only_white_space_goes() {
        check(b"{ \"a\" : [ 1.10 , \"x y\\n\\u0041\" ] }", r#"{"a":[1.10,"x y\n\u0041"]}"#);
        check(br#"{"a":" \" "}"#, r#"{"a":" \" "}"#);
    }

    #[test]
    fn what_others_refuse_is_written_as_it_was_understood() {
        check(br#"{"a":"\ud800"}"#, "{\"a\":\"\u{fffd}\"}");
        check(b"{\"a\":\"\xff\"}", "{\"a\":\"\u{fffd}\"}");
        check(b"{\"a\":\"\0\"}", r#"{"a":"\u0000"}"#);
        check(br#"{"a":1e400}"#, r#"{"a":"1e400"}"#);
        check(br#"{"a":1,}"#, r#"{"a":1}"#);
    }
}
