//! The buckets that may be read, each with its client.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;

use super::outcome::{Fault, Outcome};
use crate::aws::{Aws, Place, Role};
use crate::config::BucketConfig;
use crate::sources::shown::shown;

/// A bucket that may be read.
#[derive(Debug)]
pub struct Bucket {
    /// As it is configured.
    pub config: BucketConfig,
    /// Reads it, in its region and by its role.
    pub client: Client,
    /// The same one, but it tries nothing again.
    pub once: Client,
}

/// All buckets that may be read. A message is no licence to read another.
#[derive(Debug)]
pub struct Buckets(Vec<Bucket>);

impl Buckets {
    /// Makes a client for each; nothing is called yet. `region` is where buckets are that name none.
    pub async fn open(configs: &[BucketConfig], aws: &Aws, region: Option<&str>) -> Self {
        let mut buckets = Vec::with_capacity(configs.len());
        for config in configs {
            buckets.push(Bucket::named(config.clone(), aws, region.map(str::to_owned)).await);
        }
        Self(buckets)
    }

    /// The bucket by which a key may be read.
    ///
    /// # Errors
    /// When it may not be read.
    pub fn find(&self, name: &str, key: &str) -> Result<&Bucket, Fault> {
        let mut named = self.0.iter().filter(|bucket| bucket.config.name == name).peekable();
        if named.peek().is_none() {
            let detail = format!(
                "will not read from bucket {}: it is not among `buckets` of the configuration",
                shown(name)
            );
            return Err(Fault::new(Outcome::ForeignBucket, detail));
        }
        named.find(|bucket| bucket.allows(key)).ok_or_else(|| {
            let detail = format!(
                "will not read s3://{}/{}: the key begins with none of the `prefixes` of the configuration",
                shown(name),
                shown(key)
            );
            Fault::new(Outcome::ForeignPrefix, detail)
        })
    }
}

impl Bucket {
    /// A bucket that somebody named on the command line; nothing is called yet. `region` is where it
    /// is if `config` names none.
    pub async fn named(config: BucketConfig, aws: &Aws, region: Option<String>) -> Self {
        let role = config
            .role_arn
            .as_ref()
            .map(|arn| Role { arn: arn.clone(), external_id: config.external_id.clone() });
        let region = config.region.clone().or(region);
        let client = aws.s3(&Place { region, role }).await;
        let once = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Self { config, once: Client::from_conf(once), client }
    }

    fn allows(&self, key: &str) -> bool {
        let prefixes = &self.config.prefixes;
        prefixes.is_empty() || prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}
