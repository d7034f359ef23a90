//! A queue and the objects that its messages name, as a source.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::faults::{Faults, Step};
use crate::runtime::retry::pause;
use crate::sources::{Body, Object, Source, SourceContext, SourceError, Verdict};

/// How long a message is hidden from others.
const VISIBILITY: Duration = Duration::from_secs(30);

/// A message: the key of an object, and when it is to be seen again.
#[derive(Debug, Clone)]
pub struct Message {
    number: usize,
    key: String,
    hidden_until: Option<Instant>,
}

/// What lasts: messages and objects.
#[derive(Debug, Default)]
pub struct Durable {
    /// Messages that were not deleted.
    pub messages: Mutex<Vec<Message>>,
    /// Objects by key.
    pub objects: BTreeMap<String, Bytes>,
}

impl Durable {
    /// A message for each of these keys, in order.
    pub fn put(&self, keys: &[&str]) {
        let mut messages = self.messages.lock().unwrap();
        for key in keys {
            let number = messages.len();
            messages.push(Message { number, key: (*key).to_owned(), hidden_until: None });
        }
    }

    /// Time has passed: every message is seen again.
    pub fn show_all(&self) {
        self.messages.lock().unwrap().iter_mut().for_each(|m| m.hidden_until = None);
    }

    fn receive(&self) -> Vec<Message> {
        let now = Instant::now();
        let mut messages = self.messages.lock().unwrap();
        let visible = messages.iter_mut().filter(|m| m.hidden_until.is_none_or(|at| at <= now));
        visible
            .take(2)
            .map(|message| {
                message.hidden_until = Some(now + VISIBILITY);
                message.clone()
            })
            .collect()
    }

    fn is_empty(&self) -> bool {
        self.messages.lock().unwrap().is_empty()
    }
}

/// Reads what the messages name until none is left.
pub struct SimulatedQueue {
    /// Messages and objects.
    pub durable: Arc<Durable>,
    /// Which steps fail.
    pub faults: Arc<Faults>,
}

#[async_trait]
impl Source for SimulatedQueue {
    async fn run(&self, context: SourceContext) -> Result<(), SourceError> {
        let mut in_hand = JoinSet::new();
        while !context.stop.is_cancelled() && (!self.durable.is_empty() || !in_hand.is_empty()) {
            let step = self.faults.step("receive").await;
            let received = match step {
                Step::Fail => Vec::new(),
                Step::Go => self.durable.receive(),
                // The answer is lost: hidden from everybody for a while.
                Step::FailAfter | Step::Half => {
                    self.durable.receive();
                    Vec::new()
                }
            };
            for message in received {
                let (durable, faults) = (Arc::clone(&self.durable), Arc::clone(&self.faults));
                in_hand.spawn(one(durable, faults, context.clone(), message));
            }
            pause(Duration::from_secs(1), &context.stop).await;
            while in_hand.try_join_next().is_some() {}
        }
        while in_hand.join_next().await.is_some() {}
        Ok(())
    }
}

async fn one(durable: Arc<Durable>, faults: Arc<Faults>, context: SourceContext, message: Message) {
    let key = format!("s3://trail/{}#1", message.key);
    let Ok(known) = context.store.are_done(std::slice::from_ref(&key)).await else { return };
    if known != [true] {
        let bytes = durable.objects[&message.key].clone();
        let bytes = match faults.step("get").await {
            Step::Go => bytes,
            // A body that ends early is not handed on.
            Step::Fail | Step::FailAfter | Step::Half => return,
        };
        let object = Object {
            asked: None,
            key: Some(key),
            source: Arc::clone(&context.name),
            path: message.key.clone(),
            hold: context.budget.acquire(bytes.len() as u64).await,
            body: Body::Bytes(bytes),
        };
        if context.intake.object(object).await == Verdict::GiveBack {
            return;
        }
    }
    match faults.step("delete").await {
        Step::Fail | Step::Half => {}
        Step::Go | Step::FailAfter => {
            durable.messages.lock().unwrap().retain(|m| m.number != message.number);
        }
    }
}
