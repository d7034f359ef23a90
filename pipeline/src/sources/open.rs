//! Makes sources from their configuration.

use super::directory::Directory;
use super::kinesis::Kinesis;
use super::s3_queue::S3Queue;
use super::standard_input::StandardInput;
use super::{Source, SourceError};
use crate::aws::Aws;
use crate::config::SourceConfig;

/// The source of that name; nothing is called or read yet.
///
/// # Errors
/// When the configuration contradicts itself.
pub async fn open(
    name: &str,
    config: &SourceConfig,
    aws: &Aws,
) -> Result<Box<dyn Source>, SourceError> {
    let source: Box<dyn Source> = match config {
        SourceConfig::S3Queue(config) => {
            let source = S3Queue::open(config, aws);
            let named = |error: SourceError| SourceError {
                attempt: format!("set up source {name}"),
                cause: error.to_string(),
            };
            Box::new(source.map_err(named)?)
        }
        SourceConfig::Kinesis(config) => {
            let named = |error: SourceError| SourceError {
                attempt: format!("set up source {name}"),
                cause: error.to_string(),
            };
            Box::new(Kinesis::open(config, aws).map_err(named)?)
        }
        SourceConfig::Directory(config) => Box::new(Directory::new(config)),
        SourceConfig::Stdin(_) => Box::new(StandardInput::new()),
    };
    Ok(source)
}
