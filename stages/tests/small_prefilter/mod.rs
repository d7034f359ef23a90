//! A small prefilter for rules about `eventName`, right and broken in three ways.
//!
//! It is not the project's: it is here so that a property which finds nothing is known to be able
//! to find something.

/// What a version of it does.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// Undoes `\u0041` and its like in keys and values.
    pub reads_escapes: bool,
    /// Takes `stoplogging` for `StopLogging`.
    pub folds_case: bool,
    /// Looks behind the first `eventName` too.
    pub reads_every_key: bool,
}

/// The right one.
pub const SOUND: Abilities =
    Abilities { reads_escapes: true, folds_case: true, reads_every_key: true };

/// Could a rule that wants one of `names` match the record `text`?
pub fn could_match(abilities: Abilities, text: &[u8], names: &[&str]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('"') {
        let Some((inside, behind)) = string(&rest[at + 1..]) else { return true };
        rest = behind;
        let Some(value) = behind.trim_start().strip_prefix(':') else { continue };
        match abilities.read(inside) {
            Some(key) if key != "eventName" => continue,
            Some(_) => {}
            None => return true,
        }
        let Some(value) = value.trim_start().strip_prefix('"') else { return true };
        let Some((inside, _)) = string(value) else { return true };
        let Some(value) = abilities.read(inside) else { return true };
        if names.iter().any(|name| abilities.fold(name) == abilities.fold(&value)) {
            return true;
        }
        if !abilities.reads_every_key {
            return false;
        }
    }
    false
}

/// The inside of the string that begins here, and what stands behind its closing quote.
fn string(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some((&text[..end], &text[end + 1..]))
}

impl Abilities {
    /// The text that a string's inside stands for; `None` if it cannot be told.
    fn read(self, inside: &str) -> Option<String> {
        if self.reads_escapes {
            return serde_json::from_str(&format!("\"{inside}\"")).ok();
        }
        Some(inside.to_owned())
    }

    fn fold(self, text: &str) -> String {
        if self.folds_case {
            return text.chars().flat_map(char::to_lowercase).collect();
        }
        text.to_owned()
    }
}
