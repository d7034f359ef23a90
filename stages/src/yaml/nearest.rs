//! The known word that was probably meant. It does not decide what happens then.

/// Longest word that is compared; longer ones have no near word.
const MAX_CHARS: usize = 64;

/// The known word that is nearest to `word` and near enough to be a slip of the pen.
///
/// Near enough: the same but for letter case; or one edit away (a letter more, less, other, or
/// two neighbours swapped) for words of three or four letters; or two edits for longer ones.
/// `None` if `word` itself is known, or nothing is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(MAX_CHARS + 1).collect();
    let folded = fold(&word);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known {
        let length = candidate.chars().count();
        let longest = length.max(word.len());
        let allowed = match longest {
            0..=2 => 0,
            3..=4 => 1,
            5..=MAX_CHARS => 2,
            _ => continue,
        };
        if length.abs_diff(word.len()) > allowed {
            continue;
        }
        let candidate_chars: Vec<char> = candidate.chars().collect();
        if candidate_chars == word {
            return None;
        }
        let distance = distance(&folded, &fold(&candidate_chars));
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn fold(word: &[char]) -> Vec<char> {
    word.iter().flat_map(|letter| letter.to_lowercase()).collect()
}

/// Damerau-Levenshtein distance (optimal string alignment): inserts, deletes, substitutions and
/// swaps of neighbours.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, &a) in left.iter().enumerate() {
        let mut row = Vec::with_capacity(right.len() + 1);
        row.push(i + 1);
        for (j, &b) in right.iter().enumerate() {
            let mut least = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == right[j - 1] && left[i - 1] == b {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        let known = ["contains", "startswith", "id", "title", "tags", "level", "re"];
        assert_eq!(nearest(word, known), expected, "{word}");
    }

    #[test]
    fn slips_are_near_and_other_words_are_not() {
        check("contians", Some("contains"));
        check("Contains", Some("contains"));
        check("contain", Some("contains"));
        check("contains", None);
        check("startwith", Some("startswith"));
        check("tilte", Some("title"));
        check("tag", Some("tags"));
        check("ID", Some("id"));
        check("os", None);
        check("ids", Some("id"));
        check("lvl", Some("level"));
        check("lv", None);
        check("", None);
        check(&"x".repeat(5000), None);
    }
}
