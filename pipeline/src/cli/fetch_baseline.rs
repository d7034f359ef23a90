//! The baseline of a configuration that is an object in S3, fetched once for a command; and a baseline
//! that is named on the command line, file or object.
//!
//! Files that a configuration names are read where they are used.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use askance_stages::enrich::Baseline;

use super::open_store::runtime;
use crate::aws::Aws;
use crate::baseline::{Answer, BaselineObject, Held, fetch, write};
use crate::config::{BaselineConfig, Config, ObjectAddress};
use crate::context;
use crate::telemetry::Families;

/// Fetches the object that a configuration names; `None` if it names none.
///
/// # Errors
/// When it cannot be read.
pub fn fetch_baseline(config: &Config) -> anyhow::Result<Held> {
    let baseline = config.enrich.baseline.as_ref();
    if baseline.and_then(BaselineConfig::object).is_none() {
        return Ok(None);
    }
    runtime()?.block_on(async { fetch(config, &aws(config)).await.map_err(anyhow::Error::msg) })
}

/// Reads a file or an object.
///
/// # Errors
/// When it is not there, or no baseline.
pub fn read_baseline(path: &Path, config: &Config) -> anyhow::Result<Baseline> {
    let Some(address) = address(path)? else {
        return context::baseline(path).map_err(anyhow::Error::msg);
    };
    runtime()?.block_on(async {
        match object(path, &address, config).await?.read(None).await {
            Ok(Answer::New(found)) => Ok(Baseline::clone(&found.baseline)),
            Ok(Answer::Missing | Answer::Same) => bail!("baseline: {address} is not there"),
            Err(error) => bail!("baseline: {error}"),
        }
    })
}

/// Writes a file or an object, whole, in the place of what is there.
///
/// # Errors
/// When it cannot be written; what was there is still there.
pub fn write_baseline(path: &Path, bytes: Vec<u8>, config: &Config) -> anyhow::Result<()> {
    let Some(address) = address(path)? else {
        return write(path, &bytes).with_context(|| format!("cannot write {}", path.display()));
    };
    runtime()?.block_on(async { Ok(object(path, &address, config).await?.put(bytes).await?) })
}

/// The address that a path is, if it is one.
///
/// # Errors
/// When it begins as an address and is none.
pub fn address(path: &Path) -> anyhow::Result<Option<ObjectAddress>> {
    let read = ObjectAddress::of(path).transpose();
    read.map_err(|why| anyhow!("cannot use {}: {why}", path.display()))
}

/// The object at an address, by the role and in the region that the configuration has for its bucket.
async fn object(
    path: &Path,
    address: &ObjectAddress,
    config: &Config,
) -> anyhow::Result<BaselineObject> {
    let of_bucket =
        |it: &&BaselineConfig| it.object().is_some_and(|it| it.bucket == address.bucket);
    let config_of_it = match config.enrich.baseline.as_ref().filter(of_bucket) {
        Some(written) => BaselineConfig { path: path.to_owned(), ..written.clone() },
        None => BaselineConfig::of_path(path),
    };
    let object = BaselineObject::of(&config_of_it, &aws(config)).await;
    object.ok_or_else(|| anyhow!("{address} is no object"))
}

fn aws(config: &Config) -> Aws {
    Aws::new(&config.aws, &Families::new())
}
