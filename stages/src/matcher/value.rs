//! Tests on one value of a record, compiled.

use std::net::IpAddr;

use regex::{Regex, RegexBuilder};
use simd_json::StaticNode;

use super::text::{Subject, TextTest};
use crate::model::{Lookup, Record, parse_time, utc, write_static};
use crate::sigma::ast::{Cidr, Comparison, Number, RegexTest, TimePart};
use crate::sigma::crate_syntax;

/// Largest compiled regular expression, in bytes: a rule can't eat the memory.
const MAX_REGEX: usize = 1 << 20;

/// A test that looks at one value, whichever field it is from.
#[derive(Debug, Clone)]
pub(super) enum ValueTest {
    Text(TextTest),
    Number(Number),
    Bool(bool),
    Regex(Regex),
    Cidr(Cidr),
    Compare(Comparison, Number),
    TimePart(TimePart, Comparison, Number),
}

/// Buffers that tests share, so that none allocates for each value.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    text: String,
    folded: String,
    json: String,
}

/// Compiles a regular expression; matching takes time linear in the value.
pub(super) fn compile_regex(test: &RegexTest) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&crate_syntax(&test.pattern))
        .case_insensitive(test.ignores_case)
        .multi_line(test.is_multi_line)
        .dot_matches_new_line(test.dot_matches_newline)
        .size_limit(MAX_REGEX)
        .build()
}

impl ValueTest {
    /// Does it hold for the value at `position`?
    pub(super) fn holds(
        &self,
        record: &Record<'_>,
        position: usize,
        buffers: &mut Buffers,
    ) -> bool {
        match record.value(position) {
            Lookup::Container => self.holds_for_object(record, position, buffers),
            scalar => self.holds_for_scalar(scalar, buffers),
        }
    }

    /// Does it hold for a value that is no object?
    pub(super) fn holds_for_scalar(&self, scalar: Lookup<'_>, buffers: &mut Buffers) -> bool {
        match scalar {
            Lookup::Text(text) => self.holds_for_text(text, &mut buffers.folded),
            Lookup::Static(StaticNode::Null) | Lookup::Container => false,
            Lookup::Static(value) => self.holds_for_static(value, buffers),
        }
    }

    /// Does one of them hold for a value that is text? Its letter case is folded once for all.
    pub(super) fn any_holds_for_text(tests: &[Self], text: &str, folded: &mut String) -> bool {
        let mut subject = Subject::new(text, folded);
        tests.iter().any(|test| match test {
            Self::Text(test) => test.matches(&mut subject),
            // None of these folds anything.
            other => other.holds_for_text(text, &mut String::new()),
        })
    }

    /// Does it hold for a value that is text?
    pub(super) fn holds_for_text(&self, text: &str, folded: &mut String) -> bool {
        match self {
            Self::Text(test) => test.matches(&mut Subject::new(text, folded)),
            Self::Number(number) => {
                number_of(text).is_some_and(|value| compare(value, Comparison::Equal, *number))
            }
            Self::Bool(expected) => {
                text.eq_ignore_ascii_case(if *expected { "true" } else { "false" })
            }
            Self::Regex(regex) => regex.is_match(text),
            Self::Cidr(cidr) => text.parse().is_ok_and(|address| contains(cidr, address)),
            Self::Compare(how, number) => {
                number_of(text).is_some_and(|value| compare(value, *how, *number))
            }
            Self::TimePart(part, how, number) => parse_time(text)
                .is_some_and(|time| compare(Number::Integer(part_of(*part, time)), *how, *number)),
        }
    }

    fn holds_for_static(&self, value: StaticNode, buffers: &mut Buffers) -> bool {
        let number = match value {
            StaticNode::I64(value) => Some(Number::Integer(value.into())),
            StaticNode::U64(value) => Some(Number::Integer(value.into())),
            StaticNode::F64(value) => Some(Number::Float(value)),
            StaticNode::Bool(_) | StaticNode::Null => None,
        };
        match self {
            Self::Number(expected) => {
                number.is_some_and(|value| compare(value, Comparison::Equal, *expected))
            }
            Self::Compare(how, expected) => {
                number.is_some_and(|value| compare(value, *how, *expected))
            }
            Self::Bool(expected) => value == StaticNode::Bool(*expected),
            Self::Text(_) | Self::Regex(_) | Self::Cidr(_) | Self::TimePart(..) => {
                let mut text = std::mem::take(&mut buffers.text);
                text.clear();
                write_static(value, &mut text);
                let holds = self.holds_for_text(&text, &mut buffers.folded);
                buffers.text = text;
                holds
            }
        }
    }

    /// True for tests that are sought within an object: what was cut from it may hide a hit.
    pub(super) fn searches_objects(&self) -> bool {
        match self {
            Self::Text(test) => !test.is_exact(),
            Self::Regex(_) => true,
            Self::Number(_)
            | Self::Bool(_)
            | Self::Cidr(_)
            | Self::Compare(..)
            | Self::TimePart(..) => false,
        }
    }

    /// An object where text was expected: a pattern with wildcards, or a regular expression, is
    /// sought in its compact JSON and in each text below it. Rules are written so for systems that
    /// hold `requestParameters` as one string.
    fn holds_for_object(
        &self,
        record: &Record<'_>,
        position: usize,
        buffers: &mut Buffers,
    ) -> bool {
        if !self.searches_objects() {
            return false;
        }
        let mut json = std::mem::take(&mut buffers.json);
        json.clear();
        record.write_json(position, &mut json);
        let holds = self.holds_for_text(&json, &mut buffers.folded);
        buffers.json = json;
        holds
            || record.scalars(position).any(|scalar| match scalar {
                Lookup::Text(text) => self.holds_for_text(text, &mut buffers.folded),
                Lookup::Static(_) | Lookup::Container => false,
            })
    }

    /// Does it hold for any scalar of the record? For keywords.
    pub(super) fn holds_anywhere(&self, record: &Record<'_>, buffers: &mut Buffers) -> bool {
        record.scalars(0).any(|scalar| self.holds_for_scalar(scalar, buffers))
    }
}

fn part_of(part: TimePart, time: jiff::Timestamp) -> i128 {
    let civil = utc(time);
    match part {
        TimePart::Minute => civil.minute().into(),
        TimePart::Hour => civil.hour().into(),
        TimePart::Day => civil.day().into(),
        TimePart::Week => civil.date().iso_week_date().week().into(),
        TimePart::Month => civil.month().into(),
        TimePart::Year => civil.year().into(),
    }
}

/// Reads text that is nothing but a decimal number, as JSON would write it: `007` is text.
pub(super) fn number_of(text: &str) -> Option<Number> {
    let first = *text.as_bytes().first()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.starts_with('0') && digits[1..].starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    let is_number = (first.is_ascii_digit() || first == b'-')
        && text.as_bytes().last().is_some_and(u8::is_ascii_digit)
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !is_number {
        return None;
    }
    if let Ok(value) = text.parse() {
        return Some(Number::Integer(value));
    }
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float)
}

/// Compares exactly where both are integers.
pub(super) fn compare(value: Number, how: Comparison, with: Number) -> bool {
    use std::cmp::Ordering;
    let order = match (value, with) {
        (Number::Integer(a), Number::Integer(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Integer(a), Number::Float(b)) => compare_mixed(a, b),
        (Number::Float(a), Number::Integer(b)) => compare_mixed(b, a).map(Ordering::reverse),
    };
    order.is_some_and(|order| match how {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Equal => order.is_eq(),
    })
}

/// Compares an integer with a float without rounding the integer.
fn compare_mixed(integer: i128, float: f64) -> Option<std::cmp::Ordering> {
    if float.is_nan() {
        return None;
    }
    // Past i128 the float decides; within, its whole part is exact.
    if float >= 1.7e38 {
        return Some(std::cmp::Ordering::Less);
    }
    if float <= -1.7e38 {
        return Some(std::cmp::Ordering::Greater);
    }
    let whole = float.floor();
    let order = integer.cmp(&(whole as i128));
    let has_fraction = float > whole;
    Some(if order.is_eq() && has_fraction { std::cmp::Ordering::Less } else { order })
}

fn contains(cidr: &Cidr, address: IpAddr) -> bool {
    match (cidr.network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(cidr.prefix.min(32))).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(cidr.prefix.min(128))).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_compare_exactly() {
        let large = 9_007_199_254_740_993_i128; // 2^53 + 1
        assert!(!compare(
            Number::Integer(large),
            Comparison::Equal,
            Number::Float(9_007_199_254_740_992.0)
        ));
        assert!(compare(Number::Integer(large), Comparison::Greater, Number::Integer(large - 1)));
        assert!(compare(Number::Integer(1), Comparison::Less, Number::Float(1.5)));
        assert!(compare(Number::Float(-1.5), Comparison::Less, Number::Integer(-1)));
        assert!(compare(Number::Float(2.0), Comparison::Equal, Number::Integer(2)));
        assert!(compare(Number::Float(1e300), Comparison::Greater, Number::Integer(i128::MAX)));
    }

    #[test]
    fn numbers_as_text_are_numbers() {
        assert_eq!(number_of("22"), Some(Number::Integer(22)));
        assert_eq!(number_of("-1.5"), Some(Number::Float(-1.5)));
        assert_eq!(number_of("0"), Some(Number::Integer(0)));
        assert_eq!(number_of("-0.5"), Some(Number::Float(-0.5)));
        for text in
            ["", " 22", "22 ", "0x16", "inf", "nan", "1e999", "1-2", "-", "022", "-07", "00.5"]
        {
            assert_eq!(number_of(text), None, "{text:?}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let v4 = |prefix| Cidr { network: "10.0.0.0".parse().unwrap(), prefix };
        assert!(contains(&v4(8), "10.255.0.1".parse().unwrap()));
        assert!(!contains(&v4(8), "11.0.0.1".parse().unwrap()));
        assert!(contains(&v4(0), "192.0.2.1".parse().unwrap()));
        assert!(!contains(&v4(0), "::1".parse().unwrap()));
        let v6 = Cidr { network: "2001:db8::".parse().unwrap(), prefix: 32 };
        assert!(contains(&v6, "2001:db8:1::1".parse().unwrap()));
        assert!(!contains(&v6, "2001:db9::1".parse().unwrap()));
    }
}
