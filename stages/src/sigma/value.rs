//! A written value to the test that it stands for: type checks, then the plan's steps in order.

use super::ast::{
    Comparison, FieldRef, Number, Part, Pattern, Position, RegexTest, Test, TimePart,
};
use super::encode;
use super::expand;
use super::modifier::{Kind, Plan, Step};
use super::network;
use super::pattern;
use super::scope::Scope;
use crate::yaml::{Node, Scalar};

/// Why a value is refused, with a hint where there is one.
struct Refusal {
    message: String,
    hint: Option<String>,
}

type Read<T> = Result<T, Refusal>;

fn refuse<T>(message: impl Into<String>) -> Read<T> {
    Err(Refusal { message: message.into(), hint: None })
}

fn refuse_with<T>(message: impl Into<String>, hint: impl Into<String>) -> Read<T> {
    Err(Refusal { message: message.into(), hint: Some(hint.into()) })
}

/// Reads one value under `plan`. `None` if there was an error, which is noted.
pub(super) fn read(
    scope: &mut Scope<'_>,
    key: &str,
    has_field: bool,
    plan: &Plan,
    node: &Node,
) -> Option<Test> {
    match test(scope, key, has_field, plan, node) {
        Ok(test) => Some(test),
        Err(refusal) => {
            let note = scope.report.error(node.position, format!("{key}: {}", refusal.message));
            let note = note.key(key);
            if let Some(hint) = refusal.hint {
                note.hint(hint);
            }
            None
        }
    }
}

fn test(scope: &mut Scope<'_>, key: &str, has_field: bool, plan: &Plan, node: &Node) -> Read<Test> {
    let (Some(scalar), Some(written)) = (node.scalar(), node.as_str()) else {
        return refuse(format!("expected a value, found {}", node.kind_name()));
    };
    match plan.kind {
        Kind::Text => {
            let is_typed = has_field && plan.steps.is_empty() && !plan.expands;
            match scalar {
                Scalar::Null if is_typed => return Ok(Test::Null),
                Scalar::Bool(value) if is_typed => return Ok(Test::Bool(value)),
                Scalar::Integer(_) | Scalar::Float(_) if is_typed => {
                    return Ok(plain_number(scalar, written, plan.is_cased));
                }
                Scalar::Null => return refuse_null(plan, has_field),
                Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Float(_) | Scalar::Text(_) => {}
            }
            text(scope, key, has_field, plan, node)
        }
        Kind::Exists => match scalar {
            Scalar::Bool(value) => Ok(Test::Exists(value)),
            _ => refuse_with(
                format!("\"exists\" takes true or false, found {written:?}"),
                match written.to_lowercase().as_str() {
                    "true" | "false" => "write it without quotes",
                    "yes" | "on" => "write true",
                    "no" | "off" => "write false",
                    _ => "true: the field is there, false: it is not",
                },
            ),
        },
        Kind::Compare(comparison) => Ok(Test::Compare(comparison, number(scalar, written)?)),
        Kind::Time(part, comparison) => time(part, comparison, number(scalar, written)?),
        Kind::Regex | Kind::Cidr | Kind::FieldRef(_) if scalar == Scalar::Null => {
            refuse("null has no text to compare")
        }
        Kind::Regex => regex(scope, key, plan, node),
        Kind::Cidr => {
            let texts = expanded(scope, key, plan, node)?;
            let network = |text: &String| match network::parse(text) {
                Ok(cidr) => Ok(Test::Cidr(cidr)),
                Err((message, hint)) => Err(Refusal { message, hint }),
            };
            Ok(any_of(texts.iter().map(network).collect::<Read<Vec<_>>>()?))
        }
        Kind::FieldRef(position) => {
            if written.is_empty() {
                return refuse("\"fieldref\" takes the name of a field");
            }
            Ok(Test::FieldRef(FieldRef {
                field: written.to_owned(),
                position,
                is_cased: plan.is_cased,
            }))
        }
    }
}

fn refuse_null<T>(plan: &Plan, has_field: bool) -> Read<T> {
    if !has_field {
        return refuse_with("null is no keyword", "write the text to search for");
    }
    let asked = match plan.steps.first() {
        Some(Step::At(Position::Start)) => "startswith",
        Some(Step::At(Position::End)) => "endswith",
        Some(Step::At(_)) => "contains",
        Some(Step::Base64) => "base64",
        Some(Step::Base64Offset) => "base64offset",
        Some(Step::Utf16(_)) => "utf16",
        Some(Step::WinDash) => "windash",
        None => "expand",
    };
    refuse_with(
        format!("null has no text for {asked:?}"),
        "write '' for the empty text, or null without the modifier",
    )
}

/// A plain number. What is not written the way JSON writes it is also compared as text, so that
/// the account `012345678901` and the version `1.10` match.
fn plain_number(scalar: Scalar<'_>, written: &str, is_cased: bool) -> Test {
    let as_text = || Test::Text(pattern::literal(written, is_cased));
    let (number, usual) = match scalar {
        Scalar::Integer(value) => (Number::Integer(value), value.to_string()),
        Scalar::Float(value) if value.is_finite() => (Number::Float(value), value.to_string()),
        Scalar::Float(_) | Scalar::Null | Scalar::Bool(_) | Scalar::Text(_) => return as_text(),
    };
    if usual == written {
        return Test::Number(number);
    }
    Test::AnyOf(vec![Test::Number(number), as_text()])
}

fn number(scalar: Scalar<'_>, written: &str) -> Read<Number> {
    let quoted;
    let scalar = match scalar {
        Scalar::Text(text) => {
            quoted = crate::yaml::Text { text: text.to_owned(), is_plain: true };
            quoted.scalar()
        }
        other => other,
    };
    match scalar {
        Scalar::Integer(value) => Ok(Number::Integer(value)),
        Scalar::Float(value) if value.is_finite() => Ok(Number::Float(value)),
        _ => refuse(format!("{written:?} is no number")),
    }
}

fn time(part: TimePart, comparison: Comparison, number: Number) -> Read<Test> {
    let Number::Integer(value) = number else {
        return refuse("a part of a time is a whole number");
    };
    let (least, most) = match part {
        TimePart::Minute => (0, 59),
        TimePart::Hour => (0, 23),
        TimePart::Day => (1, 31),
        TimePart::Week => (1, 53),
        TimePart::Month => (1, 12),
        TimePart::Year => (0, 9999),
    };
    if comparison == Comparison::Equal && !(least..=most).contains(&value) {
        return refuse(format!("{value} never matches: it is {least} to {most}"));
    }
    Ok(Test::TimePart(part, comparison, number))
}

fn regex(scope: &mut Scope<'_>, key: &str, plan: &Plan, node: &Node) -> Read<Test> {
    let test = RegexTest {
        pattern: node.as_str().unwrap_or_default().to_owned(),
        ignores_case: plan.flags.contains('i'),
        is_multi_line: plan.flags.contains('m'),
        dot_matches_newline: plan.flags.contains('s'),
    };
    if let Some(refusal) = scope.regexes.refusal(&test) {
        return refuse(refusal);
    }
    if test.pattern.is_empty() {
        scope.report.warn(node.position, format!("{key}: matches every text")).key(key);
    }
    Ok(Test::Regex(test))
}

/// The texts that a value expands to: itself, where `expand` is not asked for.
fn expanded(scope: &mut Scope<'_>, key: &str, plan: &Plan, node: &Node) -> Read<Vec<String>> {
    let written = node.as_str().unwrap_or_default();
    if !plan.expands {
        return Ok(vec![written.to_owned()]);
    }
    match expand::expand(written, &scope.options.placeholders) {
        Ok((texts, found)) => {
            if found == 0 {
                let message = format!("{key}: {written:?} has no placeholder to expand");
                scope.report.warn(node.position, message).key(key);
            }
            Ok(texts)
        }
        Err(expand::Refusal::Unknown(name)) => refuse_with(
            format!("no values are given for the placeholder %{name}%"),
            "give them with --placeholders FILE",
        ),
        // What held until a day matches nothing after it.
        Err(expand::Refusal::Empty(name)) if scope.options.emptied.contains(&name) => {
            Ok(Vec::new())
        }
        Err(expand::Refusal::Empty(name)) => {
            refuse(format!("the placeholder %{name}% has an empty list of values"))
        }
        Err(expand::Refusal::TooMany) => {
            refuse(format!("its placeholders come to more than {} values", expand::MAX_VARIANTS))
        }
    }
}

/// A value on its way through the steps.
enum Carried {
    Parts(Vec<Part>),
    /// UTF-16, which need not be valid text.
    Bytes(Vec<u8>),
}

fn text(scope: &mut Scope<'_>, key: &str, has_field: bool, plan: &Plan, node: &Node) -> Read<Test> {
    let mut carried: Vec<Carried> = expanded(scope, key, plan, node)?
        .iter()
        .map(|text| Carried::Parts(pattern::parse(text)))
        .collect();
    for step in &plan.steps {
        let mut next = Vec::with_capacity(carried.len());
        for value in carried {
            apply(*step, value, &mut next)?;
        }
        carried = next;
    }
    let has_position = plan.steps.iter().any(|step| matches!(step, Step::At(_)));
    let mut tests = Vec::with_capacity(carried.len());
    for value in carried {
        let mut parts = parts(value)?;
        if !has_field && !has_position {
            parts = pattern::widen(parts, Position::Anywhere);
        }
        if parts == [Part::Many] && (has_position || !has_field) {
            let note = scope.report.warn(node.position, format!("{key}: matches every text"));
            note.key(key).hint("for \"is there\" write exists: true");
        }
        tests.push(Test::Text(Pattern { parts, is_cased: plan.is_cased }));
    }
    if has_field && !has_position && plan.steps.contains(&Step::Base64Offset) {
        let message = format!("{key}: \"base64offset\" without \"contains\" compares whole values");
        scope.report.warn(node.position, message).key(key).hint("write base64offset|contains");
    }
    Ok(any_of(tests))
}

fn any_of(mut tests: Vec<Test>) -> Test {
    match tests.len() {
        1 => tests.swap_remove(0),
        _ => Test::AnyOf(tests),
    }
}

fn apply(step: Step, value: Carried, next: &mut Vec<Carried>) -> Read<()> {
    match step {
        Step::At(position) => next.push(Carried::Parts(pattern::widen(parts(value)?, position))),
        Step::WinDash => match encode::dash_variants(&parts(value)?) {
            Some(variants) => next.extend(variants.into_iter().map(Carried::Parts)),
            None => {
                return refuse_with(
                    format!("\"windash\" varies at most {} flags in a value", encode::MAX_FLAGS),
                    "split the value in a list with |all",
                );
            }
        },
        Step::Utf16(order) => {
            next.push(Carried::Bytes(encode::utf16(&literal(value, "utf16")?, order)));
        }
        Step::Base64 => {
            let encoded = encode::base64(&bytes(value, "base64")?);
            next.push(Carried::Parts(pattern::literal(&encoded, false).parts));
        }
        Step::Base64Offset => match encode::base64_offsets(&bytes(value, "base64offset")?) {
            Some(variants) => next.extend(
                variants.iter().map(|text| Carried::Parts(pattern::literal(text, false).parts)),
            ),
            None => return refuse("\"base64offset\" needs a value of two bytes or more"),
        },
    }
    Ok(())
}

fn parts(value: Carried) -> Read<Vec<Part>> {
    match value {
        Carried::Parts(parts) => Ok(parts),
        Carried::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(pattern::literal(&text, false).parts),
            Err(_) => refuse_with(
                "this value in UTF-16 is no text that a record can hold",
                "follow it with base64 or base64offset",
            ),
        },
    }
}

fn literal(value: Carried, asked: &str) -> Read<String> {
    match pattern::as_literal(&parts(value)?) {
        Some(text) => Ok(text.to_owned()),
        None => refuse_with(
            format!("{asked:?} cannot encode a wildcard"),
            "escape it with \\, or write contains and its like last",
        ),
    }
}

fn bytes(value: Carried, asked: &str) -> Read<Vec<u8>> {
    match value {
        Carried::Bytes(bytes) => Ok(bytes),
        Carried::Parts(_) => literal(value, asked).map(String::into_bytes),
    }
}
