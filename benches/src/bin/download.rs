//! `askance-download`: lists a bucket and downloads everything in it, as fast as the S3 client gives
//! it, and throws the bodies away. What `askance replay` is compared with.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::{Client, Config};
use clap::Parser;
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// Downloads a bucket and keeps nothing. Its one line tells objects, bytes and seconds, listing
/// included.
#[derive(Parser)]
#[command(name = "askance-download")]
struct Arguments {
    /// Address of the server, with the bucket in the path.
    #[arg(long)]
    endpoint: String,
    /// Bucket.
    #[arg(long, default_value = "trail")]
    bucket: String,
    /// Only keys that begin so.
    #[arg(long, default_value = "")]
    prefix: String,
    /// Downloads at once.
    #[arg(long, default_value_t = 128)]
    concurrency: usize,
    /// Threads [default: one for each processor].
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = arguments.threads {
        runtime.worker_threads(threads.max(1));
    }
    let runtime = runtime.enable_all().build()?;
    let began = Instant::now();
    let (objects, bytes) = runtime.block_on(download(&arguments))?;
    let seconds = began.elapsed().as_secs_f64();
    let line = serde_json::json!({"objects": objects, "bytes": bytes, "seconds": seconds});
    writeln!(io::stdout(), "{line}").context("cannot tell what was done")
}

async fn download(arguments: &Arguments) -> anyhow::Result<(u64, u64)> {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("testing", "testing", None, None, "bench"))
        .region(Region::new("eu-west-1"))
        .endpoint_url(&arguments.endpoint)
        .force_path_style(true)
        .build();
    let client = Arc::new(Client::from_conf(config));
    let keys = list(&client, arguments).await?;
    let objects = keys.len() as u64;
    let bytes = stream::iter(keys)
        .map(|key| get(Arc::clone(&client), arguments.bucket.clone(), key))
        .buffer_unordered(arguments.concurrency.max(1))
        .try_fold(0, |sum, bytes| async move { Ok(sum + bytes) })
        .await?;
    Ok((objects, bytes))
}

async fn list(client: &Client, arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let mut pages = client
        .list_objects_v2()
        .bucket(&arguments.bucket)
        .prefix(&arguments.prefix)
        .into_paginator()
        .send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.with_context(|| format!("cannot list bucket {}", arguments.bucket))?;
        keys.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
    }
    Ok(keys)
}

/// Downloads one object, on a task of its own so that all cores are used; answers its bytes.
async fn get(client: Arc<Client>, bucket: String, key: String) -> anyhow::Result<u64> {
    let done = tokio::spawn(async move {
        let failed = || format!("cannot download {key}");
        let answer =
            client.get_object().bucket(&bucket).key(&key).send().await.with_context(failed)?;
        let mut body = answer.body;
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            bytes += chunk.with_context(failed)?.len() as u64;
        }
        Ok(bytes)
    });
    done.await.context("a download ended by a defect")?
}
