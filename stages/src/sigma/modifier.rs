//! Names of modifiers, and what a chain of them means. Values are not looked at here.

use super::ast::{Comparison, Position, TimePart};
use super::encode::Utf16;
use crate::yaml::nearest;

/// A modifier, by what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Modifier {
    All,
    Neq,
    Cased,
    Expand,
    Exists,
    Cidr,
    FieldRef,
    Regex,
    RegexFlag(char),
    At(Position),
    Base64,
    Base64Offset,
    Utf16(Utf16),
    WinDash,
    Compare(Comparison),
    Time(TimePart),
}

/// Every name, by meaning. The first name of a meaning is the one used in messages.
const NAMES: [(&str, Modifier); 36] = [
    ("all", Modifier::All),
    ("neq", Modifier::Neq),
    ("cased", Modifier::Cased),
    ("expand", Modifier::Expand),
    ("exists", Modifier::Exists),
    ("cidr", Modifier::Cidr),
    ("fieldref", Modifier::FieldRef),
    ("re", Modifier::Regex),
    ("i", Modifier::RegexFlag('i')),
    ("ignorecase", Modifier::RegexFlag('i')),
    ("m", Modifier::RegexFlag('m')),
    ("multiline", Modifier::RegexFlag('m')),
    ("s", Modifier::RegexFlag('s')),
    ("dotall", Modifier::RegexFlag('s')),
    ("contains", Modifier::At(Position::Anywhere)),
    ("startswith", Modifier::At(Position::Start)),
    ("endswith", Modifier::At(Position::End)),
    ("base64", Modifier::Base64),
    ("base64offset", Modifier::Base64Offset),
    ("utf16le", Modifier::Utf16(Utf16::Little)),
    ("wide", Modifier::Utf16(Utf16::Little)),
    ("utf16be", Modifier::Utf16(Utf16::Big)),
    ("utf16", Modifier::Utf16(Utf16::Marked)),
    ("windash", Modifier::WinDash),
    ("lt", Modifier::Compare(Comparison::Less)),
    ("lte", Modifier::Compare(Comparison::LessOrEqual)),
    ("gt", Modifier::Compare(Comparison::Greater)),
    ("gte", Modifier::Compare(Comparison::GreaterOrEqual)),
    ("minute", Modifier::Time(TimePart::Minute)),
    ("hour", Modifier::Time(TimePart::Hour)),
    ("day", Modifier::Time(TimePart::Day)),
    ("week", Modifier::Time(TimePart::Week)),
    ("month", Modifier::Time(TimePart::Month)),
    ("year", Modifier::Time(TimePart::Year)),
    // Two names that other dialects know and Sigma does not: refused with what to write instead.
    ("regex", Modifier::Regex),
    ("not", Modifier::Neq),
];

/// How many of [`NAMES`] are Sigma's.
const KNOWN: usize = NAMES.len() - 2;

/// What an item's values are compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text with wildcards, after the plan's steps; or a plain number, boolean or null.
    Text,
    Regex,
    Cidr,
    Exists,
    FieldRef(Position),
    Compare(Comparison),
    Time(TimePart, Comparison),
}

/// A change to a value's text, in the order written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    At(Position),
    Base64,
    Base64Offset,
    Utf16(Utf16),
    WinDash,
}

/// What a chain of modifiers means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) steps: Vec<Step>,
    pub(super) needs_all: bool,
    pub(super) is_negated: bool,
    pub(super) is_cased: bool,
    pub(super) expands: bool,
    /// Flags of a regular expression: `i`, `m`, `s`.
    pub(super) flags: String,
}

/// Why a chain is refused, with a hint where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

fn refuse<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), hint: None })
}

fn refuse_with<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { message: message.into(), hint: Some(hint.into()) })
}

impl Plan {
    /// What these modifiers mean together.
    pub(super) fn read<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut chain: Vec<(&str, Modifier)> = Vec::new();
        for name in names {
            let modifier = find(name)?;
            if chain.iter().any(|(_, earlier)| *earlier == modifier) {
                return refuse(format!("modifier {name:?} is written twice"));
            }
            chain.push((name, modifier));
        }
        let kind = kind(&chain)?;
        let has = |wanted: Modifier| chain.iter().any(|(_, modifier)| *modifier == wanted);
        let mut plan = Self {
            kind,
            steps: Vec::new(),
            needs_all: has(Modifier::All),
            is_negated: has(Modifier::Neq),
            is_cased: has(Modifier::Cased),
            expands: has(Modifier::Expand),
            flags: String::new(),
        };
        for (at, (name, modifier)) in chain.iter().enumerate() {
            check_fits(kind, name, *modifier)?;
            plan.add(&chain[..at], name, *modifier)?;
        }
        Ok(plan)
    }

    fn add(
        &mut self,
        before: &[(&str, Modifier)],
        name: &str,
        modifier: Modifier,
    ) -> Result<(), Refusal> {
        let step = match modifier {
            Modifier::At(position) if self.kind == Kind::Text => {
                let earlier = self.steps.iter().any(|step| matches!(step, Step::At(_)));
                if earlier {
                    return refuse(format!(
                        "{name:?} cannot be combined with another of contains, startswith, endswith"
                    ));
                }
                Step::At(position)
            }
            Modifier::Base64 => Step::Base64,
            Modifier::Base64Offset => Step::Base64Offset,
            Modifier::Utf16(order) => Step::Utf16(order),
            Modifier::WinDash => Step::WinDash,
            Modifier::Expand => {
                if self.steps.iter().any(|step| !matches!(step, Step::At(_))) {
                    return refuse("\"expand\" must stand before what changes the value");
                }
                return Ok(());
            }
            Modifier::RegexFlag(flag) => {
                if !before.iter().any(|(_, earlier)| *earlier == Modifier::Regex) {
                    return refuse_with(
                        format!("{name:?} is a flag of \"re\" and must follow it"),
                        format!("write re|{name}"),
                    );
                }
                self.flags.push(flag);
                return Ok(());
            }
            Modifier::Time(_) => {
                let compared =
                    |(_, earlier): &(&str, Modifier)| matches!(earlier, Modifier::Compare(_));
                if before.iter().any(compared) {
                    return refuse(format!("{name:?} must stand before the comparison"));
                }
                return Ok(());
            }
            Modifier::All
            | Modifier::Neq
            | Modifier::Cased
            | Modifier::Exists
            | Modifier::Cidr
            | Modifier::FieldRef
            | Modifier::Regex
            | Modifier::At(_)
            | Modifier::Compare(_) => return Ok(()),
        };
        self.steps.push(step);
        Ok(())
    }
}

fn find(name: &str) -> Result<Modifier, Refusal> {
    let Some(at) = NAMES.iter().position(|(known, _)| *known == name) else {
        let known = NAMES[..KNOWN].iter().map(|(known, _)| *known);
        if name.is_empty() {
            return refuse_with("empty modifier", "remove the |");
        }
        return match nearest(name, known) {
            Some(near) => {
                refuse_with(format!("unknown modifier {name:?}"), format!("did you mean {near:?}?"))
            }
            None => refuse_with(format!("unknown modifier {name:?}"), hint(name)),
        };
    };
    let modifier = NAMES[at].1;
    if at >= KNOWN {
        let sigma = NAMES.iter().find(|(_, other)| *other == modifier).map_or("", |(name, _)| name);
        return refuse_with(
            format!("unknown modifier {name:?}"),
            format!("Sigma writes {sigma:?}"),
        );
    }
    Ok(modifier)
}

/// What to do instead of a modifier that is near to none.
fn hint(name: &str) -> String {
    let negated = name.strip_prefix("not").map(|rest| rest.trim_start_matches(['_', '-']));
    match negated.filter(|rest| NAMES[..KNOWN].iter().any(|(known, _)| known == rest)) {
        Some(rest) => format!("write {rest}|neq"),
        None if name == "any" => "remove it: one value of a list is enough".to_owned(),
        None => "docs/rules.md lists them".to_owned(),
    }
}

/// The one thing that the values are compared as.
fn kind(chain: &[(&str, Modifier)]) -> Result<Kind, Refusal> {
    let mut found: Option<(&str, Kind)> = None;
    for (name, modifier) in chain {
        let next = match modifier {
            Modifier::Exists => Kind::Exists,
            Modifier::Cidr => Kind::Cidr,
            Modifier::FieldRef => Kind::FieldRef(position(chain)?),
            Modifier::Regex => Kind::Regex,
            Modifier::Compare(comparison) => Kind::Compare(*comparison),
            Modifier::Time(part) => Kind::Time(*part, Comparison::Equal),
            Modifier::All
            | Modifier::Neq
            | Modifier::Cased
            | Modifier::Expand
            | Modifier::RegexFlag(_)
            | Modifier::At(_)
            | Modifier::Base64
            | Modifier::Base64Offset
            | Modifier::Utf16(_)
            | Modifier::WinDash => continue,
        };
        found = Some(match (found, next) {
            (None, next) => (name, next),
            (Some((_, Kind::Time(part, Comparison::Equal))), Kind::Compare(comparison))
            | (Some((_, Kind::Compare(comparison))), Kind::Time(part, _)) => {
                (name, Kind::Time(part, comparison))
            }
            (Some((earlier, _)), _) => {
                return refuse(format!("{name:?} cannot be combined with {earlier:?}"));
            }
        });
    }
    Ok(found.map_or(Kind::Text, |(_, kind)| kind))
}

/// The position that `startswith` and its like ask for, for `fieldref`.
fn position(chain: &[(&str, Modifier)]) -> Result<Position, Refusal> {
    let mut found = Position::Whole;
    for (name, modifier) in chain {
        if let Modifier::At(position) = modifier {
            if found != Position::Whole {
                return refuse(format!(
                    "{name:?} cannot be combined with another of contains, startswith, endswith"
                ));
            }
            found = *position;
        }
    }
    Ok(found)
}

/// Refuses modifiers that mean nothing for that kind of comparison.
fn check_fits(kind: Kind, name: &str, modifier: Modifier) -> Result<(), Refusal> {
    let (with, reason) = match kind {
        Kind::Text => return Ok(()),
        Kind::Regex => match modifier {
            Modifier::Regex | Modifier::RegexFlag(_) | Modifier::All | Modifier::Neq => {
                return Ok(());
            }
            Modifier::At(_) => ("re", "a regular expression is sought anywhere; use ^ and $"),
            Modifier::Cased => ("re", "a regular expression is case-sensitive unless i is given"),
            _ => ("re", "the value of re is taken as it is written"),
        },
        Kind::Cidr => match modifier {
            Modifier::Cidr | Modifier::All | Modifier::Neq | Modifier::Expand => return Ok(()),
            _ => ("cidr", "an address is in the network or not, its text is not looked at"),
        },
        Kind::Exists => match modifier {
            Modifier::Exists | Modifier::All => return Ok(()),
            Modifier::Neq => ("exists", "write exists: false"),
            _ => ("exists", "the field's value is not looked at"),
        },
        Kind::FieldRef(_) => match modifier {
            Modifier::FieldRef
            | Modifier::At(_)
            | Modifier::Cased
            | Modifier::Neq
            | Modifier::All => return Ok(()),
            _ => ("fieldref", "the value is the name of a field"),
        },
        Kind::Compare(_) => match modifier {
            Modifier::Compare(_) | Modifier::All => return Ok(()),
            Modifier::Neq => ("a comparison", "write the opposite comparison"),
            _ => ("a comparison", "numbers are compared, not text"),
        },
        Kind::Time(_, comparison) => match modifier {
            Modifier::Time(_) | Modifier::Compare(_) | Modifier::All => return Ok(()),
            Modifier::Neq if comparison == Comparison::Equal => return Ok(()),
            Modifier::Neq => ("a comparison", "write the opposite comparison"),
            _ => ("a part of a time", "numbers are compared, not text"),
        },
    };
    let with = if with.contains(' ') { with.to_owned() } else { format!("{with:?}") };
    refuse(format!("{name:?} cannot be combined with {with}: {reason}"))
}
