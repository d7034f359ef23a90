//! What opening a sink needs: secrets read, languages chosen, errors that name the sink.

use super::{SinkContext, SinkError};
use crate::config::{Language, Secret, SecretRef};

impl SinkContext {
    /// Reads a secret of the sink.
    ///
    /// # Errors
    /// When it cannot be read; transient if the secret store does not answer.
    pub async fn secret(&self, place: &SecretRef) -> Result<Secret, SinkError> {
        self.secrets.read(place).await.map_err(|error| SinkError {
            name: self.name.clone(),
            is_transient: error.is_transient(),
            cause: error.to_string(),
        })
    }

    /// An error of the configuration: it stays until somebody changes something.
    pub fn misconfigured(&self, cause: impl Into<String>) -> SinkError {
        SinkError { name: self.name.clone(), cause: cause.into(), is_transient: false }
    }

    /// The sink's own languages, else those of all.
    pub fn languages_or(&self, own: Option<&Vec<Language>>) -> Vec<Language> {
        own.filter(|own| !own.is_empty()).unwrap_or(&self.languages).clone()
    }
}
