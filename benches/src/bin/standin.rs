//! `askance-standin`: S3, SQS, SNS and Kinesis on one address, from memory. Only arguments are here.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use askance_benches::standin::{Fault, FeedConfig, Rate, Standin, StandinConfig};
use clap::Parser;

/// Stands in for S3, SQS, SNS and Kinesis, for load and faults. Its first line tells where it is.
///
/// GET /_stats tells what was asked of it, GET /_published?from=N what was published; POST /_control
/// takes {"faults": [...], "rate": "100", "forget_times": true}.
#[derive(Parser)]
#[command(name = "askance-standin")]
struct Arguments {
    /// Address; port 0 takes one that is free.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Folder of files that become objects with a message each (askance-gen corpus).
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Bucket.
    #[arg(long, default_value = "trail")]
    bucket: String,
    /// Queue.
    #[arg(long, default_value = "trail")]
    queue: String,
    /// Topic.
    #[arg(long, default_value = "alerts")]
    topic: String,
    /// Objects a second, or max: as fast as they are taken; 0 waits for POST /_control.
    #[arg(long, default_value_t = Rate::Max)]
    rate: Rate,
    /// How often the corpus is gone through, with new keys; 0: without end.
    #[arg(long, default_value_t = 1)]
    repeat: u64,
    /// With --rate max, so many messages wait in the queue.
    #[arg(long, default_value_t = 200)]
    backlog: usize,
    /// Every so many objects are told of twice; 0: none.
    #[arg(long, default_value_t = 0)]
    duplicate_every: u64,
    /// Every so many objects end with a new incident, whose alert is timed; 0: none.
    #[arg(long, default_value_t = 0)]
    incident_every: u64,
    /// Seconds that a received message is hidden, if the receiver does not say.
    #[arg(long, default_value_t = 30)]
    visibility: u64,
    /// Receives after which a message goes to the queue named like the first with -dead behind.
    #[arg(long)]
    max_receives: Option<u64>,
    /// PutObject into the bucket makes a message.
    #[arg(long)]
    notify_puts: bool,
    /// Shards of a Kinesis stream (of any name) that holds the corpus without end; 0: no stream.
    #[arg(long, default_value_t = 0)]
    shards: u64,
    /// OPERATION@FIRST-LAST/EVERY=EFFECT, without LAST, `-LAST` or `/EVERY` too: GetObject@3=cut:1000, Publish@1-=status:500,
    /// DeleteMessageBatch@2=lost:500, ReceiveMessage@1-9/2=hang:5, GetObject@1-=slow:65536.
    #[arg(long)]
    fault: Vec<Fault>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = StandinConfig {
        listen: arguments.listen,
        corpus: arguments.corpus,
        bucket: arguments.bucket.clone(),
        queue: arguments.queue,
        topic: arguments.topic,
        visibility: Duration::from_secs(arguments.visibility),
        max_receives: arguments.max_receives,
        notify_puts: arguments.notify_puts,
        shards: arguments.shards,
        feed: FeedConfig {
            rate: arguments.rate,
            repeat: arguments.repeat,
            backlog: arguments.backlog,
            duplicate_every: arguments.duplicate_every,
            incident_every: arguments.incident_every,
        },
        faults: arguments.fault,
        ..StandinConfig::default()
    };
    // One thread: it is pinned to one core beside what is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let standin = Standin::bind(config).await?;
        let place = serde_json::json!({
            "endpoint": standin.endpoint(),
            "queue_url": standin.queue_url(),
            "topic_arn": standin.topic_arn(),
            "bucket": arguments.bucket,
        });
        let mut stdout = io::stdout();
        writeln!(stdout, "{place}")
            .and_then(|()| stdout.flush())
            .context("cannot tell the place")?;
        standin.serve().await.context("cannot take connections any more")
    })
}
