//! `s3://bucket/key`, where a file may as well be an object, and how the bucket of such an address is read.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Begins every address.
const SCHEME: &str = "s3://";

/// An object, and in which bucket it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectAddress {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

impl ObjectAddress {
    /// Of a path that is an address; `None`: it is a file's.
    pub fn of(path: &Path) -> Option<Result<Self, String>> {
        let text = path.to_str().filter(|text| text.starts_with(SCHEME))?;
        Some(text.parse())
    }
}

impl FromStr for ObjectAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "such as s3://my-baselines/askance/first-seen.bin";
        let (bucket, key) = bucket_and_key(text, ("an object", example))?;
        // Old ones stand beside it with 17 bytes more; a key has at most 1,024.
        if key.is_empty() || key.ends_with('/') || key.len() > 1_000 {
            return Err(format!(
                "\"{key}\" is no key of an object (up to 1,000 bytes, and no folder), {example}"
            ));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
    }
}

/// The bucket of an address, and what stands behind it. Messages say of `what` it is the address, and
/// give `example`.
///
/// # Errors
/// In words, when it is no address or names no bucket.
pub fn bucket_and_key<'t>(
    text: &'t str,
    (what, example): (&str, &str),
) -> Result<(&'t str, &'t str), String> {
    let rest = text.strip_prefix(SCHEME);
    let rest = rest.ok_or_else(|| format!("expected the address of {what}, {example}"))?;
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if bucket.len() < 3 || bucket.len() > 255 || !bucket.chars().all(is_name) {
        return Err(format!("\"{bucket}\" is no name of a bucket; expected an address {example}"));
    }
    Ok((bucket, key))
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_object() {
        let check = |text: &str, expected: Option<&str>| {
            let read = ObjectAddress::of(Path::new(text)).and_then(Result::ok);
            assert_eq!(read.map(|it| it.to_string()).as_deref(), expected, "{text}");
        };
        check("s3://seen/a b/first.bin", Some("s3://seen/a b/first.bin"));
        for bad in ["s3://seen", "s3://seen/", "s3://seen/folder/", "s3:///first.bin", "s3://"] {
            check(bad, None);
            assert!(ObjectAddress::of(Path::new(bad)).is_some_and(|read| read.is_err()), "{bad}");
        }
        for file in ["first.bin", "/var/lib/s3://x", "S3/first.bin"] {
            assert!(ObjectAddress::of(Path::new(file)).is_none(), "{file}");
        }
    }
}
