//! One message from its body to its end: every object of it read and committed, then deleted; or
//! refused, left or given back.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::activity::{Activity, Turn};
use super::deletes::Delete;
use super::notification::read;
use super::queue::{DeadLetters, Queue};
use super::visibility::{Hand, InHand};
use crate::config::S3QueueConfig;
use crate::runtime::retry::delay;
use crate::sources::s3::{
    Announced, Bucket, Buckets, Disposal, Fault, Fetch, Fetched, Outcome, is_passed_by,
};
use crate::sources::shown::shown;
use crate::sources::troubles::Troubles;
use crate::sources::{Object, Refused, SourceContext, Verdict, is_known};
use crate::telemetry::point;

/// Longest pause before a message that could not be read comes again, unless `visibility` is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(900);

/// Bytes of a message that are kept as evidence; a notification has some 1,000.
const EVIDENCE: usize = 4096;

/// Reads messages; shared by all that are in hand.
pub struct Reader {
    /// As it is configured.
    pub config: S3QueueConfig,
    /// Where messages come from.
    pub queue: Queue,
    /// Where objects may be read.
    pub buckets: Buckets,
    /// What every source is given.
    pub context: SourceContext,
    /// Where messages go that are done.
    pub deletes: mpsc::Sender<Delete>,
    /// What is not well, with either queue.
    pub troubles: Arc<Troubles>,
    /// Which of the two queues this is.
    pub turn: Turn,
    /// What the live queue does.
    pub activity: Arc<Activity>,
    /// What is in hand.
    pub in_hand: InHand,
    /// Set once nothing more is received.
    pub closed: CancellationToken,
}

/// What becomes of a message; with several objects the last of these that one of them asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Everything of it is committed.
    Delete,
    /// It is refused and goes to the dead-letter queue.
    Leave,
    /// It comes again after a pause.
    Again,
    /// It comes again at once: the program is stopping.
    AtOnce,
}

impl Reader {
    /// Works on a message until it is deleted, or on its way back.
    pub async fn message(&self, hand: Arc<Hand>) {
        point("received", &hand.id);
        let end = tokio::select! {
            end = self.work(&hand) => end,
            () = hand.keep_hidden(&self.queue) => End::Again,
        };
        match end {
            End::Delete => self.delete(&hand).await,
            End::Leave => hand.give_back(&self.queue, self.queue.parking().await).await,
            End::Again => {
                let first = self.queue.visibility;
                let most = LONGEST_PAUSE.max(first);
                let again = delay(first, most, hand.latest().receives.saturating_sub(1));
                hand.give_back(&self.queue, again).await;
            }
            End::AtOnce => self.give_back_at_once(&hand).await,
        }
    }

    /// Gives back what was not begun, or not finished, at the end of the program; not before nothing
    /// is received any more, for a delivery to this very program would count as another attempt.
    pub async fn give_back_at_once(&self, hand: &Hand) {
        self.closed.cancelled().await;
        hand.give_back(&self.queue, Duration::ZERO).await;
    }

    async fn work(&self, hand: &Hand) -> End {
        let receives = hand.latest().receives;
        if receives > self.config.max_receives {
            let detail = format!(
                "was delivered {receives} times without being finished, more than `max_receives` ({})",
                self.config.max_receives
            );
            return self.give_up(hand, &Fault::new(Outcome::TooManyReceives, detail)).await;
        }
        let mut notification = match read(&hand.body) {
            Ok(notification) => notification,
            Err(misread) => {
                let fault = Fault::new(Outcome::BadMessage, misread.to_string());
                return self.give_up(hand, &fault).await;
            }
        };
        if !notification.others.is_empty() {
            debug!(source = %self.context.name, events = ?notification.others, "passed by");
            self.context.metrics.objects("passed_by", notification.others.len() as u64);
        }
        if self.turn == Turn::Live {
            // Whoever may write to the live queue must not call what is new historic.
            notification.objects.iter_mut().for_each(|object| object.asked = None);
        }
        let mut end = End::Delete;
        for object in &notification.objects {
            if self.is_stopping() {
                return End::AtOnce;
            }
            end = end.max(self.object(hand, object).await);
        }
        end
    }

    async fn object(&self, hand: &Hand, object: &Announced) -> End {
        if is_passed_by(&object.key) {
            self.context.metrics.objects("passed_by", 1);
            return End::Delete;
        }
        let bucket = match self.buckets.find(&object.bucket, &object.key) {
            Ok(bucket) => bucket,
            Err(fault) => return self.fault(hand, object, None, &fault).await,
        };
        let _counted = InFlight::begin(&self.context);
        let fetch = Fetch { bucket, object, max_object: self.config.max_object.0, pace: None };
        match fetch.run(&self.context).await {
            Ok(None) => {
                self.context.metrics.objects("known", 1);
                End::Delete
            }
            Ok(Some(fetched)) => {
                self.troubles.are_over(&object.bucket);
                self.hand_on(object, fetched).await
            }
            Err(fault) => {
                let version = object.etag.as_deref().or(object.version.as_deref());
                self.fault(hand, object, Some((bucket, version.unwrap_or_default())), &fault).await
            }
        }
    }

    async fn hand_on(&self, object: &Announced, fetched: Fetched) -> End {
        let Fetched { key, body, hold, written, length } = fetched;
        // How late the past is read is nobody's trouble.
        if let Some(written) = written.filter(|_| object.asked.is_none()) {
            let lag = Timestamp::now().duration_since(written);
            self.context.metrics.lag(Duration::try_from(lag).unwrap_or_default());
        }
        debug!(source = %self.context.name, object = %shown(&key), bytes = length, "fetched");
        point("fetched", &key);
        let verdict = self
            .context
            .intake
            .object(Object {
                key: Some(key),
                source: Arc::clone(&self.context.name),
                path: format!("s3://{}/{}", object.bucket, object.key),
                body,
                hold,
                asked: object.asked.clone(),
            })
            .await;
        match verdict {
            Verdict::Done => {
                self.context.metrics.objects("done", 1);
                End::Delete
            }
            Verdict::GiveBack => {
                self.context.metrics.objects("given_back", 1);
                self.again()
            }
        }
    }

    /// An object was not read.
    async fn fault(
        &self,
        hand: &Hand,
        object: &Announced,
        of: Option<(&Bucket, &str)>,
        fault: &Fault,
    ) -> End {
        if let Some((bucket, _)) = of
            && fault.outcome.is_trouble()
        {
            self.troubles.are(&bucket.config.name, &fault.detail);
        }
        let end = match fault.outcome.disposal() {
            Disposal::Delete => End::Delete,
            Disposal::Leave => End::Leave,
            Disposal::Again => return self.failed(hand, fault).await,
        };
        let address = format!("s3://{}/{}", object.bucket, object.key);
        let version = of.map_or("", |(_, version)| version);
        let key = format!("refused {} {address}#{version}", fault.outcome.name());
        if self.refuse(hand, key, address, fault).await { end } else { self.again() }
    }

    /// An attempt failed that may go well later; refused if it was the last one.
    async fn failed(&self, hand: &Hand, fault: &Fault) -> End {
        self.context.metrics.objects("given_back", 1);
        if self.is_stopping() || fault.outcome == Outcome::Stopped {
            return End::AtOnce;
        }
        let most = match self.queue.dead_letters().await {
            DeadLetters::After(count) => count.min(self.config.max_receives),
            DeadLetters::Nowhere | DeadLetters::NotTold => self.config.max_receives,
        };
        let receives = hand.latest().receives;
        if receives >= most {
            return self.give_up(hand, fault).await;
        }
        self.context.metrics.refused(fault.outcome.name());
        warn!(source = %self.context.name, receives, most, reason = fault.outcome.name(), %fault,
            "given back, will be delivered again");
        End::Again
    }

    /// Refuses a message as a whole, once however often it comes, and leaves it.
    async fn give_up(&self, hand: &Hand, fault: &Fault) -> End {
        let key = format!("refused sqs://{}#{}", self.queue.name(), hand.id);
        let path = format!("message {} of {}", shown(&hand.id), self.queue.name());
        if self.refuse(hand, key, path, fault).await { End::Leave } else { self.again() }
    }

    /// Has it kept among the rejects, once; true if it is.
    async fn refuse(&self, hand: &Hand, key: String, path: String, fault: &Fault) -> bool {
        match is_known(&self.context, key.clone()).await {
            Some(false) => {}
            Some(true) => return true,
            None => return false,
        }
        let evidence = hand.body.as_bytes();
        let refused = Refused {
            key: Some(key),
            source: Arc::clone(&self.context.name),
            path,
            reason: fault.outcome.name(),
            detail: fault.detail.clone(),
            evidence: evidence[..evidence.len().min(EVIDENCE)].to_vec(),
        };
        if self.context.intake.refused(refused).await == Verdict::GiveBack {
            return false;
        }
        warn!(source = %self.context.name, reason = fault.outcome.name(), %fault, "refused");
        self.context.metrics.refused(fault.outcome.name());
        self.context.metrics.objects("refused", 1);
        true
    }

    async fn delete(&self, hand: &Hand) {
        let (done, deleted) = oneshot::channel();
        let delete = Delete { receipt: hand.latest().receipt, done };
        // Whoever deletes lives as long as this sender, and tells of what fails.
        if self.deletes.send(delete).await.is_ok() && deleted.await.unwrap_or(false) {
            point("deleted", &hand.id);
        }
    }

    fn again(&self) -> End {
        if self.is_stopping() { End::AtOnce } else { End::Again }
    }

    fn is_stopping(&self) -> bool {
        self.context.stop.is_cancelled()
    }
}

/// Counts an object for as long as it is in hand.
struct InFlight<'c>(&'c SourceContext);

impl<'c> InFlight<'c> {
    fn begin(context: &'c SourceContext) -> Self {
        context.metrics.in_flight(1);
        Self(context)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.in_flight(-1);
    }
}
