//! Receives messages for as long as there is room to work on them, and pauses when the queue cannot
//! be reached.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::activity::{Activity, Turn};
use super::deletes::{self, Delete};
use super::message::Reader;
use super::queue::{PATIENCE, Queue};
use super::visibility::{Delivered, InHand};
use crate::aws::{Aws, words};
use crate::config::S3QueueConfig;
use crate::runtime::retry::{Backoff, pause};
use crate::sources::SourceContext;
use crate::sources::s3::Buckets;
use crate::sources::shown::shown;
use crate::sources::troubles::Troubles;

/// Most messages of one call.
const TOGETHER: usize = 10;

/// Most calls at once; each waits 20 s in an empty queue.
const RECEIVERS: usize = 4;

/// How long SQS waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// How long a busy receiver waits for room for a whole call's worth: each call costs money, and
/// processor time that the engine could use.
const FOR_MORE: Duration = Duration::from_millis(100);

/// Answers without a message that come sooner than this are no long polls: the next one waits.
const SOON: Duration = Duration::from_secs(1);

/// How long an answer that is on its way is waited for at the end, so that its messages can be given
/// back instead of staying hidden.
const GRACE: Duration = Duration::from_secs(1);

/// Receives from the live queue, and from that of replays while the live one is quiet, until told to
/// stop; then until everything in hand is at its end.
pub async fn run(
    config: &S3QueueConfig,
    (live, past): (Queue, Option<Queue>),
    aws: &Aws,
    region: Option<&str>,
    context: SourceContext,
) {
    let troubles = Arc::new(Troubles::new(context.health.clone(), &context.name));
    let activity = Arc::new(Activity::new());
    let reading = |queue: Queue, turn: Turn| {
        let (troubles, activity) = (Arc::clone(&troubles), Arc::clone(&activity));
        let context = context.clone();
        async move {
            let (deletes, asked) = mpsc::channel(config.concurrency.max(1));
            let reader = Reader {
                config: config.clone(),
                buckets: Buckets::open(&config.buckets, aws, region).await,
                troubles,
                turn,
                activity,
                in_hand: InHand::default(),
                closed: CancellationToken::new(),
                queue,
                context,
                deletes,
            };
            read(reader, asked).await;
        }
    };
    let past = async {
        if let Some(past) = past {
            reading(past, Turn::Past).await;
        }
    };
    tokio::join!(reading(live, Turn::Live), past);
}

async fn read(reader: Reader, asked: mpsc::Receiver<Delete>) {
    // Aborted with this future, should it be dropped.
    let mut deleter = JoinSet::new();
    deleter.spawn(deletes::run(reader.queue.clone(), asked));
    let concurrency = reader.config.concurrency.max(1);
    let reader = Arc::new(reader);
    reader.queue.dead_letters().await;
    let room = Arc::new(Semaphore::new(concurrency));
    let mut receivers = JoinSet::new();
    // Each holds an end; the last one closes it.
    let (receiving, mut all_closed) = mpsc::channel::<()>(1);
    for _ in 0..(concurrency / TOGETHER).clamp(1, RECEIVERS) {
        receivers.spawn(receive(Arc::clone(&reader), Arc::clone(&room), receiving.clone()));
    }
    drop(receiving);
    // Nothing is ever sent: it ends when all of them no longer receive.
    all_closed.recv().await;
    reader.closed.cancel();
    while let Some(ended) = receivers.join_next().await {
        noted(ended);
    }
    drop(reader);
    while let Some(ended) = deleter.join_next().await {
        noted(ended);
    }
}

async fn receive(reader: Arc<Reader>, room: Arc<Semaphore>, receiving: mpsc::Sender<()>) {
    let stop = &reader.context.stop;
    let mut backoff = Backoff::usual();
    let mut idle = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
    let mut messages = JoinSet::new();
    while let Some(permits) = turn(&reader, &room).await {
        while let Some(ended) = messages.try_join_next() {
            noted(ended);
        }
        let asked = Instant::now();
        let answer = tokio::select! {
            answer = call(&reader.queue, permits.len()) => answer,
            () = shortly_after(stop) => break,
        };
        let batch = match answer {
            Ok(batch) => batch,
            Err(error) => {
                down(&reader, &error, backoff.attempts());
                drop(permits);
                backoff.wait(stop).await;
                continue;
            }
        };
        up(&reader, backoff.attempts());
        backoff.reset();
        if batch.is_empty() {
            drop(permits);
            // A server that does not wait must not be asked in a hot loop.
            let is_no_long_poll = asked.elapsed() < SOON;
            if is_no_long_poll {
                idle.wait(stop).await;
            }
            continue;
        }
        idle.reset();
        if reader.turn == Turn::Live {
            reader.activity.came();
        }
        reader.context.metrics.messages(batch.len() as u64);
        for (message, permit) in batch.into_iter().zip(permits) {
            begin(&reader, message, asked, permit, &mut messages);
        }
    }
    drop(receiving);
    while let Some(ended) = messages.join_next().await {
        noted(ended);
    }
}

/// Room for messages, once it is this queue's turn; `None` at the end.
async fn turn(reader: &Reader, room: &Arc<Semaphore>) -> Option<Vec<OwnedSemaphorePermit>> {
    let stop = &reader.context.stop;
    let concurrency = reader.config.concurrency.max(1);
    if reader.turn == Turn::Past && !reader.activity.until_quiet(concurrency, stop).await {
        return None;
    }
    let wanted = reader.config.concurrency.clamp(1, TOGETHER) as u32;
    reserve(room, wanted, stop).await
}

/// Room for a call's worth of messages; for fewer, at least one, where more does not come free soon.
/// `None` at the end.
async fn reserve(
    room: &Arc<Semaphore>,
    wanted: u32,
    stop: &CancellationToken,
) -> Option<Vec<OwnedSemaphorePermit>> {
    // The semaphore is never closed.
    let all = tokio::select! {
        biased;
        () = stop.cancelled() => return None,
        all = Arc::clone(room).acquire_many_owned(wanted) => all.ok(),
        () = tokio::time::sleep(FOR_MORE) => None,
    };
    if let Some(mut all) = all {
        let each = std::iter::from_fn(|| all.split(1)).collect();
        return Some(each);
    }
    let first = tokio::select! {
        biased;
        () = stop.cancelled() => return None,
        permit = Arc::clone(room).acquire_owned() => permit.ok()?,
    };
    let more = std::iter::from_fn(|| Arc::clone(room).try_acquire_owned().ok());
    Some(std::iter::once(first).chain(more).take(wanted as usize).collect())
}

async fn call(queue: &Queue, count: usize) -> Result<Vec<Message>, String> {
    let seconds =
        |time: Duration| i32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
    let request = queue
        .client
        .receive_message()
        .queue_url(&queue.url)
        .max_number_of_messages(i32::try_from(count).unwrap_or(1))
        .wait_time_seconds(seconds(LONG_POLL))
        .visibility_timeout(seconds(queue.visibility))
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
    match tokio::time::timeout(LONG_POLL + PATIENCE, request.send()).await {
        Ok(Ok(answer)) => Ok(answer.messages.unwrap_or_default()),
        Ok(Err(error)) => Err(shown(&words(&error))),
        Err(_) => Err(format!("no answer within {} s", (LONG_POLL + PATIENCE).as_secs())),
    }
}

fn begin(
    reader: &Arc<Reader>,
    message: Message,
    at: Instant,
    permit: OwnedSemaphorePermit,
    messages: &mut JoinSet<()>,
) {
    let Message { message_id, receipt_handle, body, attributes, .. } = message;
    let Some(receipt) = receipt_handle else {
        warn!(queue = reader.queue.name(), "a message came without a receipt: it comes again");
        return;
    };
    let count = attributes
        .as_ref()
        .and_then(|found| found.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok());
    let delivered = Delivered { receipt, receives: count.unwrap_or(1), at };
    let id = message_id.unwrap_or_else(|| delivered.receipt.clone());
    let Some(hand) = reader.in_hand.take(id, body.unwrap_or_default(), delivered) else { return };
    let reader = Arc::clone(reader);
    messages.spawn(async move {
        let _live = (reader.turn == Turn::Live).then(|| reader.activity.take());
        if reader.context.stop.is_cancelled() {
            reader.give_back_at_once(&hand).await;
        } else {
            reader.message(hand).await;
        }
        drop(permit);
    });
}

fn down(reader: &Reader, error: &str, attempts: u32) {
    let (queue, attempt) = (reader.queue.name(), "receive messages");
    reader.context.metrics.down();
    let why = format!(
        "cannot {attempt} of queue {queue}: {error}: check its address, and grant sqs:ReceiveMessage on it"
    );
    if attempts == 0 {
        error!(source = %reader.context.name, "{why}");
    } else {
        warn!(source = %reader.context.name, attempts, "{why}");
    }
    reader.troubles.are(&reader.queue.url, &why);
}

fn up(reader: &Reader, attempts: u32) {
    if reader.troubles.are_over(&reader.queue.url) {
        info!(source = %reader.context.name, attempts, "the queue can be reached again");
    }
    reader.context.metrics.up();
}

async fn shortly_after(stop: &CancellationToken) {
    stop.cancelled().await;
    pause(GRACE, &CancellationToken::new()).await;
}

/// A task that panicked has given nothing: its message comes again.
fn noted(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a task of the source ended by a defect: its message comes again");
    }
}
