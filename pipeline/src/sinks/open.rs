//! Makes sinks of their configuration.

use super::email::Email;
use super::eventbridge::EventBridge;
use super::file::AlertFile;
use super::pagerduty::PagerDuty;
use super::s3::S3;
use super::security_hub::SecurityHub;
use super::slack::Slack;
use super::sns::Sns;
use super::stdout::Stdout;
use super::teams::Teams;
use super::webhook::Webhook;
use super::{Sink, SinkContext, SinkError};
use crate::config::SinkConfig;

/// Makes a sink; secrets are read, and nothing is sent yet.
///
/// # Errors
/// When its configuration cannot be used, or a secret cannot be read.
pub async fn open(config: &SinkConfig, context: &SinkContext) -> Result<Box<dyn Sink>, SinkError> {
    Ok(match config {
        SinkConfig::Stdout(_) => Box::new(Stdout::new()),
        SinkConfig::File(config) => Box::new(AlertFile::new(config)),
        SinkConfig::Sns(config) => Box::new(Sns::open(config, context).await?),
        SinkConfig::Slack(config) => Box::new(Slack::open(config, context).await?),
        SinkConfig::Email(config) => Box::new(Email::open(config, context).await?),
        SinkConfig::Webhook(config) => Box::new(Webhook::open(config, context).await?),
        SinkConfig::S3(config) => Box::new(S3::open(config, context).await),
        SinkConfig::SecurityHub(config) => Box::new(SecurityHub::open(config, context).await?),
        SinkConfig::EventBridge(config) => Box::new(EventBridge::open(config, context).await),
        SinkConfig::PagerDuty(config) => Box::new(PagerDuty::open(config, context).await?),
        SinkConfig::Teams(config) => Box::new(Teams::open(config, context).await?),
    })
}
