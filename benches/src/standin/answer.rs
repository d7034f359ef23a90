//! What is answered, before it is HTTP, and the writing of XML and URLs.

use axum::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// How every XML document begins.
pub(crate) const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// An answer of a service.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: [Bytes; 2],
    /// The length that is told when the body is left out, as for HEAD.
    pub(crate) told_length: Option<usize>,
}

impl Answer {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn text(status: u16, content_type: &str, body: String) -> Self {
        Self::new(status).with("content-type", content_type).containing([body.into(), Bytes::new()])
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn containing(mut self, body: [Bytes; 2]) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn length(&self) -> usize {
        self.told_length.unwrap_or_else(|| self.body.iter().map(Bytes::len).sum())
    }
}

/// A text inside XML.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if u32::from(c) < 0x20 => escaped.push_str(&format!("&#{};", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// What stays as it is in an encoded key.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

/// A key as listings and notifications encode it, but for spaces.
pub(crate) fn url_encode(text: &str) -> String {
    utf8_percent_encode(text, KEY).to_string()
}

/// A part of a URL; `None` if it is no UTF-8.
pub(crate) fn url_decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Names and values of a query or a form.
pub(crate) fn form(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((url_decode(&name.replace('+', " "))?, url_decode(&value.replace('+', " "))?))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded() {
        let pairs = form("Action=Publish&Message=a+b%26%E3%81%82&empty").unwrap();
        let expected = [("Action", "Publish"), ("Message", "a b&あ"), ("empty", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(form("a=%ff"), None);
    }

    #[test]
    fn xml_is_escaped() {
        assert_eq!(escape("a<b>&\"\n"), "a&lt;b&gt;&amp;&quot;&#10;");
    }
}
