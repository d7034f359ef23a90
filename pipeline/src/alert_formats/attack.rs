//! MITRE ATT&CK in a rule's tags: `attack.t1078.004`, `attack.privilege-escalation`.

/// A technique or a tactic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attack {
    /// Its number, and that of the sub-technique with it: `T1078`, `T1078.004`.
    Technique(String, Option<String>),
    /// Its name: `Privilege Escalation`.
    Tactic(String),
}

/// Those of a rule's tags, in order.
pub(super) fn attacks(tags: &[String]) -> Vec<Attack> {
    tags.iter().filter_map(|tag| attack(tag)).collect()
}

fn attack(tag: &str) -> Option<Attack> {
    let name = tag.strip_prefix("attack.")?;
    let number = name.strip_prefix(['t', 'T']).unwrap_or_default();
    if number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let (whole, technique) = (format!("T{number}"), number.split('.').next()?);
        let sub = number.contains('.').then_some(whole);
        return Some(Attack::Technique(format!("T{technique}"), sub));
    }
    // Groups (`g0016`) and software (`s0002`) are neither.
    if name.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let words: Vec<String> = name.split(['-', '_']).map(title_case).collect();
    Some(Attack::Tactic(words.join(" ")))
}

fn title_case(word: &str) -> String {
    if word == "and" {
        return word.to_owned();
    }
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_techniques_and_tactics() {
        let check =
            |tag: &str, expected: Option<Attack>| assert_eq!(attack(tag), expected, "{tag}");
        let technique = |number: &str, sub: Option<&str>| {
            Some(Attack::Technique(number.to_owned(), sub.map(str::to_owned)))
        };
        check("attack.t1537", technique("T1537", None));
        check("attack.T1078.004", technique("T1078", Some("T1078.004")));
        check("attack.privilege-escalation", Some(Attack::Tactic("Privilege Escalation".into())));
        check("attack.command_and_control", Some(Attack::Tactic("Command and Control".into())));
        check("attack.g0016", None);
        check("cve.2021-44228", None);
    }
}
