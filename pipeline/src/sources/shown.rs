//! Text of others as it may stand in logs and errors: bounded, without control characters.

use crate::output::clean::clean;

/// Most characters of it.
const MOST: usize = 300;

/// Names, keys and messages of others, for people to read.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push_str("...");
    }
    clean(&shown)
}
