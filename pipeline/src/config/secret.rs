//! Secrets in a configuration: where they are, never what they are.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// Where a secret is to be found.
///
/// Written `env:NAME`, `file:PATH`, `secretsmanager:ID` (or `secretsmanager:ID#KEY` for one key of a
/// JSON secret), `ssm:NAME`; anything else is the secret itself. `Debug` and errors never show it.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; white space at its end is not part of the secret.
    File(String),
    /// AWS Secrets Manager: name or ARN, and the key if the secret is a JSON object.
    SecretsManager(String, Option<String>),
    /// AWS Systems Manager Parameter Store: name.
    Ssm(String),
    /// The secret itself.
    Plain(Secret),
}

/// A secret, once it was read. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes what was read.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl SecretRef {
    /// Reads how it was written.
    pub fn parse(text: &str) -> Self {
        if let Some(name) = text.strip_prefix("env:") {
            return Self::Env(name.to_owned());
        }
        if let Some(path) = text.strip_prefix("file:") {
            return Self::File(path.to_owned());
        }
        if let Some(id) = text.strip_prefix("secretsmanager:") {
            return match id.rsplit_once('#') {
                Some((id, key)) => Self::SecretsManager(id.to_owned(), Some(key.to_owned())),
                None => Self::SecretsManager(id.to_owned(), None),
            };
        }
        match text.strip_prefix("ssm:") {
            Some(name) => Self::Ssm(name.to_owned()),
            None => Self::Plain(Secret(text.to_owned())),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Says where it is, which may be told.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::SecretsManager(id, None) => write!(f, "secretsmanager:{id}"),
            Self::SecretsManager(id, Some(key)) => write!(f, "secretsmanager:{id}#{key}"),
            Self::Ssm(name) => write!(f, "ssm:{name}"),
            Self::Plain(_) => f.write_str("***"),
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&Cow::<str>::deserialize(deserializer)?))
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Where a secret is: env:NAME, file:PATH, secretsmanager:ID or secretsmanager:ID#KEY, ssm:NAME. Anything else is the secret itself.",
            "minLength": 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = SecretRef::parse("https://hooks.example.com/T0/B0/xyz");
        assert_eq!(format!("{secret:?} {secret}"), "*** ***");
        let SecretRef::Plain(secret) = secret else { panic!("it is the secret itself") };
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(secret.expose(), "https://hooks.example.com/T0/B0/xyz");
    }

    #[test]
    fn references_say_where_it_is() {
        let check = |text: &str, expected: SecretRef| {
            let found = SecretRef::parse(text);
            assert_eq!(found, expected);
            assert_eq!(found.to_string(), text);
        };
        check("env:SLACK_TOKEN", SecretRef::Env("SLACK_TOKEN".into()));
        check("file:/run/secrets/a", SecretRef::File("/run/secrets/a".into()));
        check("ssm:/askance/token", SecretRef::Ssm("/askance/token".into()));
        check(
            "secretsmanager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:a#token",
            SecretRef::SecretsManager(
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a".into(),
                Some("token".into()),
            ),
        );
    }
}
