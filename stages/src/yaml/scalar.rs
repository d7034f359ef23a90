//! What a scalar is in the core schema of YAML 1.2, decided when asked.
//!
//! No booleans of YAML 1.1 (`yes`, `no`, `on`, `off` are text), no octal by a leading zero, no dates.

/// A scalar as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text, quotes and escapes undone.
    pub text: String,
    /// True if it stood without quotes (and not as a block): only then can it be something else than text.
    pub is_plain: bool,
}

/// A scalar's value in the core schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// Plain `null`, `~` or nothing.
    Null,
    /// Plain `true` or `false` (also `True`, `TRUE`).
    Bool(bool),
    /// A plain whole number that fits; one that does not is a float.
    Integer(i128),
    /// A plain number that is not whole, `.inf` and `.nan` included.
    Float(f64),
    /// Everything else.
    Text(&'a str),
}

impl Text {
    /// Its value in the core schema.
    #[must_use]
    pub fn scalar(&self) -> Scalar<'_> {
        let text = self.text.as_str();
        if !self.is_plain {
            return Scalar::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
            "true" | "True" | "TRUE" => return Scalar::Bool(true),
            "false" | "False" | "FALSE" => return Scalar::Bool(false),
            ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
            _ => {}
        }
        number(text).unwrap_or(Scalar::Text(text))
    }
}

/// The number that a text is in the core schema, if it is one.
fn number<'a>(text: &str) -> Option<Scalar<'a>> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if matches!(rest, ".inf" | ".Inf" | ".INF") {
        return Some(Scalar::Float(sign * f64::INFINITY));
    }
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Ok(integer) = text.parse() {
            return Some(Scalar::Integer(integer));
        }
        return text.parse().ok().map(Scalar::Float);
    }
    if !is_float(rest) {
        return None;
    }
    text.parse().ok().map(Scalar::Float)
}

fn radix<'a>(digits: &str, radix: u32) -> Option<Scalar<'a>> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(Scalar::Integer)
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, then an optional exponent.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !is_digits(digits) {
            return false;
        }
    }
    match mantissa.split_once('.') {
        None => is_digits(mantissa),
        Some(("", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && (fraction.is_empty() || is_digits(fraction)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Scalar<'_>) {
        let plain = Text { text: text.to_owned(), is_plain: true };
        assert_eq!(plain.scalar(), expected, "{text}");
        let quoted = Text { text: text.to_owned(), is_plain: false };
        assert_eq!(quoted.scalar(), Scalar::Text(text));
    }

    #[test]
    fn plain_scalars_are_typed_by_the_core_schema() {
        for text in ["", "~", "null", "NULL"] {
            check(text, Scalar::Null);
        }
        check("true", Scalar::Bool(true));
        check("FALSE", Scalar::Bool(false));
        check("0", Scalar::Integer(0));
        check("-17", Scalar::Integer(-17));
        check("+17", Scalar::Integer(17));
        check("0777", Scalar::Integer(777));
        check("0x1F", Scalar::Integer(31));
        check("0o17", Scalar::Integer(15));
        check("1.10", Scalar::Float(1.1));
        check("1.", Scalar::Float(1.0));
        check("-.5", Scalar::Float(-0.5));
        check("1e3", Scalar::Float(1000.0));
        check("-.inf", Scalar::Float(f64::NEG_INFINITY));
        check("999999999999999999999999999999999999999999", Scalar::Float(1e42));
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "1_000",
            "0x",
            "0x-1",
            "1.2.3",
            "e3",
            ".",
            "-",
            "1e",
            "--1",
            "2020-01-02",
            "inf",
            "nan",
            "nul",
            "0o8",
            "1:30",
            "tRue",
        ] {
            check(text, Scalar::Text(text));
        }
    }
}
