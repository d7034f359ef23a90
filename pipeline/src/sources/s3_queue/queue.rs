//! The queue: its client, how long messages stay hidden, where those go that nobody can read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Deserialize;
use tokio::time::Instant;
use tracing::{info, warn};

use super::receiver;
use crate::aws::{Aws, Place, words};
use crate::config::S3QueueConfig;
use crate::sources::shown::shown;
use crate::sources::{Source, SourceContext, SourceError};

/// Longest wait for an answer that is not a long poll.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long what was told of the dead-letter queue is believed.
const BELIEVED: Duration = Duration::from_secs(600);

/// How long a message is hidden that nobody can read, where there is no dead-letter queue.
const PARKED: Duration = Duration::from_secs(3600);

/// SQS's own bounds of a visibility.
const SHORTEST: Duration = Duration::from_secs(1);
/// As above.
pub const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Reads objects of S3 as a queue announces them.
pub struct S3Queue {
    config: S3QueueConfig,
    aws: Aws,
    /// Where the queue is; `None` is where AWS's environment says.
    region: Option<String>,
}

impl S3Queue {
    /// A source of that configuration; nothing is called yet.
    ///
    /// # Errors
    /// When the queue's address is none, or contradicts `region`.
    pub fn open(config: &S3QueueConfig, aws: &Aws) -> Result<Self, SourceError> {
        let error = |cause: String| SourceError {
            attempt: format!("use queue {}", shown(&config.queue_url)),
            cause,
        };
        let named = region_of_queue(&config.queue_url)
            .map_err(|why| error(format!("`queue_url` {why}")))?;
        if let (Some(named), Some(written)) = (&named, &config.region)
            && named != written
        {
            return Err(error(format!(
                "`queue_url` is in {named}, `region` says {}: leave `region` out",
                shown(written)
            )));
        }
        let region = config.region.clone().or(named);
        if let Some(past) = &config.replay_queue_url {
            let of_past =
                region_of_queue(past).map_err(|why| error(format!("`replay_queue_url` {why}")))?;
            if *past == config.queue_url {
                let why = "is the queue of `queue_url`: a queue of its own can wait for the other";
                return Err(error(format!("`replay_queue_url` {why}")));
            }
            if of_past.is_some() && region.is_some() && of_past != region {
                let why = "is in another region than `queue_url`: make it in the same one";
                return Err(error(format!("`replay_queue_url` {why}")));
            }
        }
        Ok(Self { config: config.clone(), aws: aws.clone(), region })
    }
}

#[async_trait]
impl Source for S3Queue {
    async fn run(&self, context: SourceContext) -> Result<(), SourceError> {
        let place = Place { region: self.region.clone(), role: None };
        let client = self.aws.sqs(&place).await;
        let queue = |url: &String| Queue {
            client: client.clone(),
            url: url.clone(),
            visibility: self.config.visibility.0.clamp(SHORTEST, LONGEST),
            dead_letters: Arc::default(),
        };
        let (live, past) =
            (queue(&self.config.queue_url), self.config.replay_queue_url.as_ref().map(queue));
        let region = self.aws.region().await.or_else(|| self.region.clone());
        receiver::run(&self.config, (live, past), &self.aws, region.as_deref(), context).await;
        Ok(())
    }
}

/// A queue that can be called; clones share what is known of it.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Calls it.
    pub client: Client,
    /// Its address.
    pub url: String,
    /// How long a message is hidden at a time.
    pub visibility: Duration,
    dead_letters: Arc<Mutex<Option<(Instant, DeadLetters)>>>,
}

/// Where a queue puts messages that came too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetters {
    /// Into another queue, after so many deliveries.
    After(u32),
    /// Nowhere: they stay until the queue's retention ends.
    Nowhere,
    /// The queue does not tell.
    NotTold,
}

#[derive(Deserialize)]
struct RedrivePolicy {
    #[serde(rename = "maxReceiveCount")]
    max_receive_count: serde_json::Value,
}

impl Queue {
    /// Its name, the last part of its address.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }

    /// Where its messages go that came too often; asked again now and then, for it may be mended.
    pub async fn dead_letters(&self) -> DeadLetters {
        let told = *self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, known)) = told
            && at.elapsed() < BELIEVED
        {
            return known;
        }
        let known = self.ask_dead_letters().await;
        if told.is_none_or(|(_, before)| before != known) {
            self.tell(known);
        }
        let mut told = self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Some((Instant::now(), known));
        known
    }

    /// How long a message is hidden that was refused and is not to be read again.
    ///
    /// With a dead-letter queue it goes there after some more deliveries. Without one it would come
    /// for ever: it is looked at once an hour, until the queue's retention ends.
    pub async fn parking(&self) -> Duration {
        match self.dead_letters().await {
            DeadLetters::After(_) => self.visibility,
            DeadLetters::Nowhere | DeadLetters::NotTold => PARKED.max(self.visibility),
        }
    }

    async fn ask_dead_letters(&self) -> DeadLetters {
        let name = QueueAttributeName::RedrivePolicy;
        let request =
            self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone());
        let error = match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(answer)) => {
                let policy = answer.attributes.as_ref().and_then(|found| found.get(&name));
                return policy.map_or(DeadLetters::Nowhere, |policy| after(policy));
            }
            Ok(Err(error)) => shown(&words(&error)),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        warn!(queue = self.name(), %error,
            "cannot ask for the queue's redrive policy: grant sqs:GetQueueAttributes on it");
        DeadLetters::NotTold
    }

    fn tell(&self, known: DeadLetters) {
        match known {
            DeadLetters::After(count) => {
                info!(queue = self.name(), count, "the queue has a dead-letter queue");
            }
            DeadLetters::Nowhere => warn!(
                queue = self.name(),
                "the queue has no dead-letter queue: what cannot be read stays in it until its \
                 retention ends; set a redrive policy"
            ),
            DeadLetters::NotTold => {}
        }
    }
}

/// What a redrive policy says; the count is written as a number or as text.
fn after(policy: &str) -> DeadLetters {
    let Ok(policy) = serde_json::from_str::<RedrivePolicy>(policy) else {
        return DeadLetters::NotTold;
    };
    let count = match &policy.max_receive_count {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    count.map_or(DeadLetters::NotTold, DeadLetters::After)
}

/// The region that a queue's address names, if it does.
///
/// # Errors
/// When it is no address of a queue; says what one looks like.
pub fn region_of_queue(url: &str) -> Result<Option<String>, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or_default();
    if !matches!(scheme, "https" | "http") || host.is_empty() || path.is_empty() {
        let example = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail";
        return Err(format!("is no address of a queue, such as {example}"));
    }
    Ok(region_of(host).map(str::to_owned))
}

/// The region that a host of SQS names: `sqs.eu-west-1.amazonaws.com`, or the old
/// `eu-west-1.queue.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    if !host.contains(".amazonaws.com") {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let at = |name: &str| labels.iter().position(|label| *label == name);
    let index = match (at("sqs").or_else(|| at("sqs-fips")), at("queue")) {
        (Some(sqs), _) => sqs + 1,
        (None, Some(queue)) => queue.checked_sub(1)?,
        (None, None) => return None,
    };
    labels.get(index).copied().filter(|label| label.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_from_the_address() {
        let check =
            |host: &str, expected: Option<&str>| assert_eq!(region_of(host), expected, "{host}");
        check("sqs.eu-west-1.amazonaws.com", Some("eu-west-1"));
        check("sqs.cn-north-1.amazonaws.com.cn", Some("cn-north-1"));
        check("eu-west-1.queue.amazonaws.com", Some("eu-west-1"));
        check("queue.amazonaws.com", None);
        check("vpce-1.sqs.us-east-1.vpce.amazonaws.com", Some("us-east-1"));
        check("127.0.0.1:4566", None);
        check("localhost", None);
    }

    #[test]
    fn a_redrive_policy_is_read_in_both_forms() {
        assert_eq!(
            after(r#"{"deadLetterTargetArn":"a","maxReceiveCount":"7"}"#),
            DeadLetters::After(7)
        );
        assert_eq!(
            after(r#"{"deadLetterTargetArn":"a","maxReceiveCount":3}"#),
            DeadLetters::After(3)
        );
        assert_eq!(after("{}"), DeadLetters::NotTold);
    }
}
