//! ListObjectsV2: which keys stand on a page, and the page's XML.

use std::ops::Bound;

use super::answer::{escape, url_encode};
use super::content::Content;
use super::objects::Bucket;

/// Most keys on a page, as at S3.
const MAX_KEYS: usize = 1000;

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) prefix: String,
    pub(crate) delimiter: String,
    pub(crate) start_after: String,
    /// The last key or common prefix of the page before, see [`Page::next`].
    pub(crate) token: Option<String>,
    pub(crate) max_keys: Option<usize>,
    pub(crate) is_url_encoded: bool,
}

/// One page.
#[derive(Debug, Default)]
pub(crate) struct Page<'a> {
    contents: Vec<(&'a str, &'a Content)>,
    prefixes: Vec<String>,
    /// Where the next page goes on; `None` on the last.
    next: Option<String>,
}

impl<'a> Page<'a> {
    /// Makes the page. Keys that a common prefix stands for are jumped over.
    pub(crate) fn of(bucket: &'a Bucket, wanted: &Wanted) -> Self {
        let most = wanted.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS);
        let mut page = Self::default();
        let mut after = match &wanted.token {
            Some(token) => token.clone(),
            None => wanted.start_after.clone(),
        };
        let mut last = after.clone();
        if most == 0 {
            return page;
        }
        loop {
            let Some((key, content)) = next_key(bucket, &wanted.prefix, &wanted.delimiter, &after)
            else {
                return page;
            };
            if page.contents.len() + page.prefixes.len() == most {
                page.next = Some(last);
                return page;
            }
            match common_prefix(key, wanted) {
                Some(prefix) => {
                    after.clone_from(&prefix);
                    page.prefixes.push(prefix);
                }
                None => {
                    key.clone_into(&mut after);
                    page.contents.push((key, content));
                }
            }
            last.clone_from(&after);
        }
    }

    pub(crate) fn xml(&self, bucket: &str, wanted: &Wanted) -> String {
        let text = |text: &str| {
            if wanted.is_url_encoded { url_encode(text) } else { escape(text) }
        };
        let mut xml = format!(
            "{}<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{}</MaxKeys><IsTruncated>{}</IsTruncated>",
            super::answer::XML,
            escape(bucket),
            text(&wanted.prefix),
            self.contents.len() + self.prefixes.len(),
            wanted.max_keys.unwrap_or(MAX_KEYS),
            self.next.is_some(),
        );
        if !wanted.delimiter.is_empty() {
            xml += &format!("<Delimiter>{}</Delimiter>", text(&wanted.delimiter));
        }
        if !wanted.start_after.is_empty() {
            xml += &format!("<StartAfter>{}</StartAfter>", text(&wanted.start_after));
        }
        if wanted.is_url_encoded {
            xml.push_str("<EncodingType>url</EncodingType>");
        }
        if let Some(token) = &wanted.token {
            xml += &format!("<ContinuationToken>{}</ContinuationToken>", to_token(token));
        }
        if let Some(next) = &self.next {
            xml += &format!("<NextContinuationToken>{}</NextContinuationToken>", to_token(next));
        }
        for (key, content) in &self.contents {
            xml += &format!(
                "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                text(key),
                content.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                content.etag,
                content.len(),
            );
        }
        for prefix in &self.prefixes {
            xml += &format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", text(prefix));
        }
        xml.push_str("</ListBucketResult>");
        xml
    }
}

/// The first key after `after` that has the prefix. A name that ends with the delimiter was a common
/// prefix: all keys below it are behind us.
fn next_key<'a>(
    bucket: &'a Bucket,
    prefix: &str,
    delimiter: &str,
    after: &str,
) -> Option<(&'a str, &'a Content)> {
    let is_group =
        !delimiter.is_empty() && after.len() > prefix.len() && after.ends_with(delimiter);
    let begin = if after >= prefix { Bound::Excluded(after) } else { Bound::Included(prefix) };
    let (key, content) = bucket
        .range::<str, _>((begin, Bound::Unbounded))
        .find(|(key, _)| !(is_group && key.starts_with(after)))?;
    key.starts_with(prefix).then_some((key.as_str(), content))
}

fn common_prefix(key: &str, wanted: &Wanted) -> Option<String> {
    if wanted.delimiter.is_empty() {
        return None;
    }
    let rest = &key[wanted.prefix.len()..];
    let at = rest.find(&wanted.delimiter)?;
    Some(key[..wanted.prefix.len() + at + wanted.delimiter.len()].to_owned())
}

/// A token for a key: opaque to the reader, as at S3.
pub(crate) fn to_token(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The key in a token; `None` if it is no token of ours.
pub(crate) fn from_token(token: &str) -> Option<String> {
    let is_token =
        token.len().is_multiple_of(2) && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(&token[at..at + 2], 16).unwrap_or_default();
    let bytes = || (0..token.len()).step_by(2).map(byte).collect();
    is_token.then(|| String::from_utf8(bytes()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;

    use super::*;

    /// Every page, its keys and prefixes in one list.
    fn pages(keys: &[&str], mut wanted: Wanted) -> Vec<Vec<String>> {
        let content = Content::new(Bytes::from_static(b"a"));
        let bucket: Bucket = keys.iter().map(|key| ((*key).to_owned(), content.clone())).collect();
        let mut pages = Vec::new();
        loop {
            let page = Page::of(&bucket, &wanted);
            let keys = page.contents.iter().map(|(key, _)| (*key).to_owned());
            pages.push(keys.chain(page.prefixes.iter().cloned()).collect());
            let Some(next) = page.next else { return pages };
            wanted.token = from_token(&to_token(&next));
        }
    }

    const KEYS: [&str; 6] = ["a/1", "a/2", "b", "b/c/1", "b/c/2", "c"];

    #[test]
    fn keys_come_in_order_and_in_pages() {
        let all = pages(&KEYS, Wanted::default());
        assert_eq!(all, [KEYS.map(str::to_owned).to_vec()]);
        let two = Wanted { max_keys: Some(4), ..Wanted::default() };
        assert_eq!(pages(&KEYS, two), [vec!["a/1", "a/2", "b", "b/c/1"], vec!["b/c/2", "c"]]);
        let exact = Wanted { max_keys: Some(6), ..Wanted::default() };
        assert_eq!(pages(&KEYS, exact).len(), 1);
    }

    #[test]
    fn prefix_and_start_after_choose() {
        let some = Wanted { prefix: "b/".into(), ..Wanted::default() };
        assert_eq!(pages(&KEYS, some), [vec!["b/c/1", "b/c/2"]]);
        let later = Wanted { start_after: "b/c/1".into(), ..Wanted::default() };
        assert_eq!(pages(&KEYS, later), [vec!["b/c/2", "c"]]);
        let none = Wanted { prefix: "a/".into(), start_after: "a/2".into(), ..Wanted::default() };
        assert_eq!(pages(&KEYS, none), [Vec::<String>::new()]);
    }

    #[test]
    fn a_delimiter_groups_and_no_page_repeats_a_group() {
        let folders = || Wanted { delimiter: "/".into(), ..Wanted::default() };
        assert_eq!(pages(&KEYS, folders()), [vec!["b", "c", "a/", "b/"]]);
        let paged = Wanted { max_keys: Some(1), ..folders() };
        assert_eq!(pages(&KEYS, paged), [vec!["a/"], vec!["b"], vec!["b/"], vec!["c"]]);
        let below = Wanted { prefix: "b/".into(), ..folders() };
        assert_eq!(pages(&KEYS, below), [vec!["b/c/"]]);
    }

    #[test]
    fn a_token_of_another_is_refused() {
        assert_eq!(from_token("zz"), None);
        assert_eq!(from_token("abc"), None);
        assert_eq!(from_token("ff"), None);
    }
}
