//! The folder as a source: walks, asks the ledger in batches, hands files on, bounded by memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::read::{Reading, read, share};
use super::seen::{Id, Seen, State};
use super::walk::{Found, Stamp, walk};
use crate::config::DirectoryConfig;
use crate::runtime::retry::{Backoff, pause};
use crate::sources::files::plain_words;
use crate::sources::shown::shown;
use crate::sources::{Object, Refused, Source, SourceContext, SourceError, Verdict, are_known};
use crate::telemetry::Part;

/// Files that the ledger is asked about together.
const TOGETHER: usize = 256;

/// Most files in hand; their bytes are bounded by the budget.
const IN_HAND: usize = 64;

/// Shortest pause between two walks, whatever is configured.
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// A pause is at least so many times as long as the walk before it: a large folder must not keep a
/// core busy.
const REST: u32 = 9;

/// Reads files of a folder.
pub struct Directory {
    config: DirectoryConfig,
}

/// A file that is to be read unless the ledger knows it.
#[derive(Debug)]
struct Candidate {
    id: Id,
    key: String,
    path: PathBuf,
    stamp: Stamp,
}

/// How a file in hand ended; `None` if it is to be met again.
type Ended = Option<Id>;

impl Directory {
    /// A source of that configuration; nothing is read yet.
    pub fn new(config: &DirectoryConfig) -> Self {
        Self { config: config.clone() }
    }
}

#[async_trait]
impl Source for Directory {
    async fn run(&self, context: SourceContext) -> Result<(), SourceError> {
        let part = Part::Source(context.name.to_string());
        let mut seen = Seen::new();
        let mut backoff = Backoff::usual();
        while !context.stop.is_cancelled() {
            let began = Instant::now();
            match round(&self.config, &context, &mut seen).await {
                Ok(begun) => {
                    if backoff.attempts() > 0 {
                        info!(source = %context.name, "the folder can be read again");
                    }
                    backoff.reset();
                    context.metrics.up();
                    context.health.well(&part);
                    let walk = if begun == 0 { began.elapsed() } else { Duration::ZERO };
                    let poll = self.config.poll.0.max(SHORTEST_POLL);
                    pause(poll.max(walk.saturating_mul(REST)), &context.stop).await;
                }
                Err(why) => {
                    let path = shown(&self.config.path.to_string_lossy());
                    let why = format!("cannot read folder {path}: {why}");
                    if backoff.attempts() == 0 {
                        error!(source = %context.name, "{why}");
                    }
                    context.metrics.down();
                    context.health.trouble(part.clone(), why);
                    backoff.wait(&context.stop).await;
                }
            }
        }
        Ok(())
    }
}

/// Walks the folder once and reads what is new; ends when all of it is at its end, and tells how
/// many files it began to read.
async fn round(
    config: &DirectoryConfig,
    context: &SourceContext,
    seen: &mut Seen,
) -> Result<usize, String> {
    let whole = tokio::fs::canonicalize(&config.path).await;
    let whole = whole.map_err(|error| plain_words(&error))?;
    let (sender, mut found) = mpsc::channel(TOGETHER);
    let root = config.path.clone();
    let walking = tokio::task::spawn_blocking(move || {
        walk(&root, |found| sender.blocking_send(found).is_ok());
    });
    let mut begun = 0;
    let mut in_hand = JoinSet::new();
    let mut batch = Vec::with_capacity(TOGETHER);
    let mut nothing = None;
    let mut together = Vec::with_capacity(TOGETHER);
    while !context.stop.is_cancelled() && found.recv_many(&mut batch, TOGETHER).await > 0 {
        for met in batch.drain(..) {
            match met {
                Found::File(path, stamp) => {
                    together.extend(candidate(config, &whole, seen, path, stamp));
                }
                Found::Unreadable(path, why) => {
                    let id = seen.id(&(&path, &why));
                    if seen.state(id).is_none() {
                        hand_on(&mut in_hand, seen, refuse(context, path, "unreadable", why, id))
                            .await;
                    }
                }
                Found::Nothing(why) => nothing = Some(why),
            }
        }
        // A walk that is slower than the ledger is asked about few at a time.
        begun += ask(context, seen, &mut together, &mut in_hand).await;
    }
    drop(found);
    while let Some(ended) = in_hand.join_next().await {
        note(seen, ended);
    }
    walking.await.map_err(|error| error.to_string())?;
    if let Some(why) = nothing {
        return Err(why);
    }
    if !context.stop.is_cancelled() {
        seen.end_round();
    }
    Ok(begun)
}

/// A file that has stopped growing and was not met before.
fn candidate(
    config: &DirectoryConfig,
    whole: &Path,
    seen: &mut Seen,
    path: PathBuf,
    stamp: Stamp,
) -> Option<Candidate> {
    let id = seen.id(&(&path, stamp));
    if seen.state(id) == Some(State::Over) {
        return None;
    }
    let age = age(stamp.last_change());
    seen.is_settled(id, age, config.settle.0).then(|| {
        // Known by where it is, not by how the folder is named.
        let below = path.strip_prefix(&config.path).unwrap_or(&path);
        let key = ledger_key(&whole.join(below), stamp);
        Candidate { id, key, path, stamp }
    })
}

/// Asks the ledger about files together and begins those that it does not know; tells how many.
async fn ask(
    context: &SourceContext,
    seen: &mut Seen,
    together: &mut Vec<Candidate>,
    in_hand: &mut JoinSet<Ended>,
) -> usize {
    if together.is_empty() {
        return 0;
    }
    let keys: Vec<String> = together.iter().map(|candidate| candidate.key.clone()).collect();
    let Some(known) = are_known(context, &keys).await else {
        together.clear();
        return 0;
    };
    let mut begun = 0;
    for (candidate, is_known) in together.drain(..).zip(known) {
        if is_known {
            context.metrics.objects("known", 1);
            seen.note(candidate.id, State::Over);
        } else if !context.stop.is_cancelled() {
            context.metrics.messages(1);
            begun += 1;
            hand_on(in_hand, seen, file(context.clone(), candidate)).await;
        }
    }
    begun
}

/// Begins one more, once there are not too many.
async fn hand_on(
    in_hand: &mut JoinSet<Ended>,
    seen: &mut Seen,
    one: impl Future<Output = Ended> + Send + 'static,
) {
    while in_hand.len() >= IN_HAND {
        if let Some(ended) = in_hand.join_next().await {
            note(seen, ended);
        }
    }
    in_hand.spawn(one);
}

fn note(seen: &mut Seen, ended: Result<Ended, tokio::task::JoinError>) {
    match ended {
        Ok(Some(id)) => seen.note(id, State::Over),
        Ok(None) => {}
        Err(error) => {
            error!(%error, "a task of the source ended by a defect: its file is met again");
        }
    }
}

/// Reads a file and hands it on; its id if that is over.
async fn file(context: SourceContext, candidate: Candidate) -> Ended {
    let Candidate { id, key, path, stamp } = candidate;
    let hold = tokio::select! {
        hold = context.budget.acquire(share(stamp.size)) => hold,
        () = context.stop.cancelled() => return None,
    };
    let of = path.clone();
    let reading = tokio::task::spawn_blocking(move || read(&of, stamp)).await;
    let body = match reading {
        Ok(Reading::Body(body)) => body,
        Ok(Reading::Changed) => {
            debug!(source = %context.name, path = %shown(&path.to_string_lossy()), "changed while it was read");
            return None;
        }
        Ok(Reading::Failed(reason, why)) => {
            drop(hold);
            return refuse(&context, path, reason, why, id).await;
        }
        Err(error) => {
            warn!(source = %context.name, %error, "reading a file ended by a defect");
            return None;
        }
    };
    context.metrics.bytes(stamp.size);
    if let Some(age) = age(stamp.modified) {
        context.metrics.lag(age);
    }
    context.metrics.in_flight(1);
    let verdict = context
        .intake
        .object(Object {
            asked: None,
            key: Some(key),
            source: Arc::clone(&context.name),
            path: path.to_string_lossy().into_owned(),
            body,
            hold,
        })
        .await;
    context.metrics.in_flight(-1);
    match verdict {
        Verdict::Done => {
            context.metrics.objects("done", 1);
            Some(id)
        }
        Verdict::GiveBack => {
            context.metrics.objects("given_back", 1);
            None
        }
    }
}

/// Has a file kept among the rejects, by name; it is tried again when it changes.
fn refuse(
    context: &SourceContext,
    path: PathBuf,
    reason: &'static str,
    why: String,
    id: Id,
) -> impl Future<Output = Ended> + Send + use<> {
    let context = context.clone();
    async move {
        let path = path.to_string_lossy().into_owned();
        warn!(source = %context.name, path = %shown(&path), reason, why, "refused");
        let detail = format!("cannot read {}: {why}", shown(&path));
        let source = Arc::clone(&context.name);
        let refused = Refused { key: None, source, path, reason, detail, evidence: Vec::new() };
        if context.intake.refused(refused).await == Verdict::GiveBack {
            return None;
        }
        context.metrics.refused(reason);
        context.metrics.objects("refused", 1);
        Some(id)
    }
}

/// How long ago that was; `None` if it lies in the future.
fn age(nanos: i128) -> Option<Duration> {
    let now = jiff::Timestamp::now().as_nanosecond();
    u64::try_from(now - nanos).ok().map(Duration::from_nanos)
}

/// What makes it the same file: where it is, and what a change of it changes.
fn ledger_key(path: &Path, stamp: Stamp) -> String {
    let Stamp { size, modified, inode, .. } = stamp;
    // Names that are no text are told apart by all their bytes.
    let name = match path.to_str() {
        Some(text) => text.to_owned(),
        None => percent_encoding::percent_encode(
            path.as_os_str().as_encoded_bytes(),
            percent_encoding::NON_ALPHANUMERIC,
        )
        .to_string(),
    };
    format!("file://{name}#{size}-{modified}-{inode}")
}
