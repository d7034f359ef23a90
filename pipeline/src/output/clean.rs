//! Makes text from logs harmless on a terminal: it can't move the cursor, turn the direction of
//! writing or begin a line.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// True for what a terminal or an eye could be misled by: controls, line and paragraph separators,
/// directions, and characters without width.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' | '\u{fe00}'..='\u{fe0f}' | '\u{115f}' | '\u{1160}'
            | '\u{3164}' | '\u{ffa0}')
}

/// The text with each harmful character shown as its code.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            harmful if is_harmful(harmful) => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(harmful)));
            }
            plain => out.push(plain),
        }
    }
    out
}

/// Columns that the text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to `columns`, with `…` where something is missing.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        let columns_of_it = character.width().unwrap_or(0);
        if used + columns_of_it + 1 > columns {
            break;
        }
        used += columns_of_it;
        out.push(character);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text cut or filled to exactly `columns`.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = fit(text, columns);
    let missing = columns.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_move_the_cursor_or_turn_the_line() {
        assert_eq!(
            clean("a\x1b[2Jb\nc\rd\u{202e}e\u{7f}\u{9b}"),
            "a\\u{1b}[2Jb\\nc\\rd\\u{202e}e\\u{7f}\\u{9b}"
        );
        assert_eq!(clean("日本語 é"), "日本語 é");
    }

    #[test]
    fn cells_have_their_width() {
        assert_eq!(pad("abc", 5), "abc  ");
        assert_eq!(pad("abcdef", 4), "abc…");
        assert_eq!(pad("日本語", 4), "日… ");
        assert_eq!(fit("", 0), "");
        assert_eq!(width("日本"), 4);
    }
}
