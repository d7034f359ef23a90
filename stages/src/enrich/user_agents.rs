//! Lists of user agents by name, such as tools that attackers use, and which of them a text is in.
//!
//! A value of a list is the whole user agent, or a pattern of it: `*` stands for anything, `?` for one
//! character. Letter case does not count.

use std::collections::{BTreeMap, BTreeSet};

/// Longest user agent that is compared, in characters; CloudTrail writes up to 1 KiB, and what stands
/// behind counts as not there.
const MAX_TEXT: usize = 2048;

/// What a list holds, in lower case.
#[derive(Debug, Default)]
struct Agents {
    whole: BTreeSet<String>,
    patterns: Vec<Vec<char>>,
}

/// Lists of user agents; immutable.
#[derive(Debug, Default)]
pub(super) struct UserAgents(BTreeMap<String, Agents>);

impl UserAgents {
    /// Reads lists; what would fit every user agent, or none, is answered with its list's name.
    pub(super) fn new(lists: BTreeMap<String, Vec<String>>) -> Result<Self, Vec<(String, String)>> {
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, texts) in lists {
            let mut agents = Agents::default();
            for text in texts {
                let lower = text.trim().to_lowercase();
                if lower.chars().all(|letter| is_wild(letter) || letter.is_whitespace()) {
                    wrong.push((name.clone(), text));
                } else if lower.contains(is_wild) {
                    agents.patterns.push(lower.chars().collect());
                } else {
                    agents.whole.insert(lower);
                }
            }
            all.insert(name, agents);
        }
        if wrong.is_empty() { Ok(Self(all)) } else { Err(wrong) }
    }

    /// True if there is no list.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of all lists.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names of the lists that a user agent is in.
    pub(super) fn of(&self, agent: &str) -> impl Iterator<Item = &str> {
        let agent: String = bare(agent).to_lowercase().chars().take(MAX_TEXT).collect();
        let letters: Vec<char> = agent.chars().collect();
        let is_in = move |agents: &Agents| {
            agents.whole.contains(&agent)
                || agents.patterns.iter().any(|pattern| fits(pattern, &letters))
        };
        self.0.iter().filter(move |(_, agents)| is_in(agents)).map(|(name, _)| name.as_str())
    }
}

/// Without the brackets that S3 puts around it.
fn bare(agent: &str) -> &str {
    let agent = agent.trim();
    let inner = agent.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(agent).trim()
}

fn is_wild(letter: char) -> bool {
    letter == '*' || letter == '?'
}

/// Walks both from the left. Where it fails it goes back to the last `*` alone: what an earlier one
/// stood for needs no other try.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                last = Some((at + 1, seen));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            Some(_) | None => {
                let Some((behind, from)) = last else { return false };
                last = Some((behind, from + 1));
                (at, seen) = (behind, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lists(texts: &[&str]) -> Result<UserAgents, Vec<(String, String)>> {
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        UserAgents::new(BTreeMap::from([("tools".to_owned(), texts)]))
    }

    #[track_caller]
    fn check(value: &str, agent: &str, expected: bool) {
        let all = lists(&["something else", value]).unwrap();
        assert_eq!(all.of(agent).next(), expected.then_some("tools"), "{value} {agent}");
    }

    #[test]
    fn user_agents_are_compared_whole_or_by_a_pattern() {
        let agent = "Boto3/1.34.1 md/Botocore#1.34.1 ua/2.0 os/linux#6.6-kali lang/python";
        check("*kali*", agent, true);
        check("*-KALI lang/python", agent, true);
        check("boto3/?.34.* *kali *", agent, true);
        check("kali", agent, false);
        check("boto3/", agent, false);
        check("*kali", agent, false);
        check("boto3/?34*", agent, false);
        check("S3 Browser 9.5.5", "s3 browser 9.5.5", true);
        check("S3 Browser 9.5.5", "[S3 Browser 9.5.5]", true);
        check("S3 Browser*", "[ S3 Browser/9.5.5 ]", true);
        check("*日本?", "x/日本語", true);
        check("a*", "", false);
    }

    #[test]
    fn what_fits_everything_is_named() {
        let wrong = lists(&["*kali*", "*", "", " ?* "]).unwrap_err();
        let values: Vec<_> = wrong.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["*", "", " ?* "]);
    }

    /// The obvious way: every length that a `*` could have is tried.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| slowly(rest, &text[skip..])),
            Some((letter, rest)) => text.split_first().is_some_and(|(first, behind)| {
                (*letter == '?' || letter == first) && slowly(rest, behind)
            }),
        }
    }

    proptest! {
        #[test]
        fn patterns_fit_what_trying_each_way_fits(
            pattern in "[ab*?]{0,8}",
            text in "[ab]{0,10}",
        ) {
            let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(fits(&pattern, &text), slowly(&pattern, &text));
        }
    }
}
