//! Where alerts go. A sink sends what it is given and says what became of it; when to try again is
//! the outbox's business.
//!
//! All sinks pass `contract.rs`.

mod appender;
mod bucket;
#[cfg(test)]
pub mod contract;
pub mod email;
mod eventbridge;
mod file;
mod growing;
mod http;
mod lines;
mod open;
mod opening;
pub mod pagerduty;
mod rejects;
mod s3;
mod security_hub;
pub mod slack;
mod sns;
mod stdout;
pub mod teams;
mod trouble;
pub mod webhook;
pub mod words;

use askance_stages::model::Alert;
use askance_stages::raise::{Group, MessageKind};
use async_trait::async_trait;

use crate::aws::Aws;
use crate::config::Language;
use crate::secrets::Secrets;
use crate::store::{Queued, Words};

pub use self::open::open;
pub use self::rejects::RejectWriter;

/// What a sink is made with.
#[derive(Debug, Clone)]
pub struct SinkContext {
    /// Its name in the configuration.
    pub name: String,
    /// Clients of AWS.
    pub aws: Aws,
    /// Reads what the configuration keeps elsewhere.
    pub secrets: Secrets,
    /// Languages of what people read, the first one first; a sink may have its own.
    pub languages: Vec<Language>,
}

/// Why a sink cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up sink {name}: {cause}")]
pub struct SinkError {
    /// Its name.
    pub name: String,
    /// Why, and what to do.
    pub cause: String,
    /// True if it may go well later: a secret store that does not answer.
    pub is_transient: bool,
}

/// What is told: an alert, and everything that people want to know with it.
#[derive(Debug, Clone)]
pub struct Notice {
    /// What is told of the alert.
    pub kind: MessageKind,
    /// The alert.
    pub alert: Alert,
    /// The alert as one line of JSON, byte for byte as `askance scan` would write it.
    pub json: String,
    /// How often it came, and where else.
    pub group: Group,
    /// What the rule says to people.
    pub words: Words,
    /// What is known of the account.
    pub account: Option<askance_stages::raise::AccountFacts>,
    /// What this sink answered when the alert was told.
    pub reference: Option<String>,
    /// Stays the same however often this message is sent.
    pub message_id: String,
}

/// Sending went well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// What later messages of this alert refer to; `None` keeps the earlier one.
    pub reference: Option<String>,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The sink can't be reached or is out of order: whatever is sent to it would fail now.
    #[error("{0}")]
    Down(String),
    /// The sink wants a pause, perhaps so long.
    #[error("{message}")]
    Throttled {
        /// What it said.
        message: String,
        /// How long it said.
        retry_after: Option<std::time::Duration>,
    },
    /// This message will never be taken: it is put with the dead letters.
    #[error("{0}")]
    Refused(String),
}

/// A place that takes alerts.
#[async_trait]
pub trait Sink: Send {
    /// Most messages that are given at once.
    fn max_batch(&self) -> usize {
        1
    }

    /// How long messages are gathered until there are [`Sink::max_batch`] of them; by default they go
    /// as they come.
    fn gather(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    /// Whether it tells repeats; if not, they are settled without being sent.
    fn takes_updates(&self) -> bool {
        true
    }

    /// Sends messages in order; one answer for each, in order.
    ///
    /// It does not try again: that is done by the caller, for as long as it takes.
    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>>;

    /// Called once before the first message, with what [`Sink::position`] answered last.
    ///
    /// # Errors
    /// When the sink can't be used as it is.
    async fn resume(&mut self, _position: Option<&str>) -> Result<(), SendError> {
        Ok(())
    }

    /// Its place after the last messages, kept in the store with what became of them.
    fn position(&self) -> Option<String> {
        None
    }
}

impl Notice {
    /// Of a message from the store; `None` if the alert in it cannot be read.
    pub fn of(
        queued: Queued,
        sink: &str,
        account: Option<askance_stages::raise::AccountFacts>,
    ) -> Option<Self> {
        let alert: Alert = serde_json::from_str(&queued.alert).ok()?;
        let message_id = format!("{sink}/{}/{}", queued.alert_id, queued.number);
        Some(Self {
            kind: queued.kind,
            alert,
            json: queued.alert,
            group: queued.group,
            words: queued.words,
            account,
            reference: queued.reference,
            message_id,
        })
    }
}
