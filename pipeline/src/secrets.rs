//! Reads secrets from where a configuration says they are. They are never logged.

use crate::aws::{Aws, Place};
use crate::config::{Secret, SecretRef};

/// Reads secrets.
#[derive(Debug, Clone)]
pub struct Secrets {
    aws: Aws,
}

/// Why a secret could not be read; says where it was looked for, never what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The environment variable is not set, or is empty or not text.
    #[error("cannot read secret env:{name}: the environment variable is not set")]
    Env {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read secret file:{path}: {source}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// AWS did not give it.
    #[error("cannot read secret {place}: {cause}")]
    Aws {
        /// Where it was looked for.
        place: String,
        /// Why it was not given.
        cause: String,
    },
    /// It is there and holds nothing.
    #[error("secret {place} is empty")]
    Empty {
        /// Where it is.
        place: String,
    },
}

impl SecretError {
    /// Can trying again help without anybody changing something here?
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Aws { .. })
    }
}

impl Secrets {
    /// Reads with these clients where a secret is in AWS.
    pub fn new(aws: Aws) -> Self {
        Self { aws }
    }

    /// Reads one secret; white space at the end of a file is not part of it.
    ///
    /// # Errors
    /// When it is not there or may not be read.
    pub async fn read(&self, place: &SecretRef) -> Result<Secret, SecretError> {
        let text = match place {
            SecretRef::Plain(secret) => return Ok(secret.clone()),
            SecretRef::Env(name) => {
                std::env::var(name).map_err(|_| SecretError::Env { name: name.clone() })?
            }
            SecretRef::File(path) => tokio::fs::read_to_string(path)
                .await
                .map_err(|source| SecretError::File { path: path.clone(), source })?
                .trim_end()
                .to_owned(),
            SecretRef::SecretsManager(id, key) => self.managed(place, id, key.as_deref()).await?,
            SecretRef::Ssm(name) => self.parameter(place, name).await?,
        };
        if text.is_empty() {
            return Err(SecretError::Empty { place: place.to_string() });
        }
        Ok(Secret::new(text))
    }

    async fn managed(
        &self,
        place: &SecretRef,
        id: &str,
        key: Option<&str>,
    ) -> Result<String, SecretError> {
        let failed = |cause: String| SecretError::Aws { place: place.to_string(), cause };
        let client = self.aws.secrets_manager(&Place::default()).await;
        let answer = client
            .get_secret_value()
            .secret_id(id)
            .send()
            .await
            .map_err(|error| failed(crate::aws::words(&error)))?;
        let text = answer.secret_string().ok_or_else(|| failed("it is not text".to_owned()))?;
        let Some(key) = key else { return Ok(text.to_owned()) };
        // Neither the secret nor the parser's words about it may be told.
        serde_json::from_str::<serde_json::Value>(text)
            .map_err(|_| failed("it is no JSON object".to_owned()))?
            .get(key)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
            .ok_or_else(|| failed(format!("it has no key \"{key}\" with a text")))
    }

    async fn parameter(&self, place: &SecretRef, name: &str) -> Result<String, SecretError> {
        let failed = |cause: String| SecretError::Aws { place: place.to_string(), cause };
        let client = self.aws.ssm(&Place::default()).await;
        let answer = client
            .get_parameter()
            .name(name)
            .with_decryption(true)
            .send()
            .await
            .map_err(|error| failed(crate::aws::words(&error)))?;
        answer
            .parameter()
            .and_then(|parameter| parameter.value())
            .map(str::to_owned)
            .ok_or_else(|| failed("it has no value".to_owned()))
    }
}
