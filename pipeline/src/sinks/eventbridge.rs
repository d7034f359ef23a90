//! An EventBridge bus: the alert as JSON in an event's detail.

use askance_stages::model::parse_time;
use async_trait::async_trait;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;

use super::trouble::{failure, failure_of_one};
use super::{Notice, SendError, Sent, Sink, SinkContext};
use crate::alert_formats::{fit, native};
use crate::aws::Place;
use crate::config::EventBridgeConfig;

/// Most events of one call.
const MAX_BATCH: usize = 10;

/// Largest event: targets such as queues and topics take no more than 256 KiB.
const MAX_EVENT_BYTES: usize = 240_000;

/// Largest call; the service takes less than 1 MB.
const MAX_CALL_BYTES: usize = 980_000;

/// What an event is called; rules match it.
const DETAIL_TYPE: &str = "askance alert";

/// Most resources that an event names, and the longest of them.
const MAX_RESOURCES: usize = 20;
const MAX_RESOURCE_BYTES: usize = 1024;

/// A bus.
pub struct EventBridge {
    client: aws_sdk_eventbridge::Client,
    bus: String,
    source: String,
}

impl EventBridge {
    /// Of the bus that is configured; nothing is called yet.
    pub async fn open(config: &EventBridgeConfig, context: &SinkContext) -> Self {
        let place = Place { region: config.region.clone(), ..Place::default() };
        Self {
            client: context.aws.eventbridge(&place).await,
            bus: config.bus.clone(),
            source: config.source.clone(),
        }
    }

    fn attempt(&self) -> String {
        format!("put events on the bus {}", self.bus)
    }

    /// The event of a message, and its size as the service counts it.
    fn event(&self, notice: &Notice) -> (PutEventsRequestEntry, usize) {
        let alert = &notice.alert;
        let resources: Vec<String> = alert
            .distinct_resources()
            .filter_map(|resource| resource.arn.clone())
            .filter(|arn| arn.len() <= MAX_RESOURCE_BYTES)
            .take(MAX_RESOURCES)
            .collect();
        let named: usize = resources.iter().map(String::len).sum();
        // 14 bytes are counted for the time.
        let used = self.source.len() + DETAIL_TYPE.len() + named + 14;
        let detail = fit(alert, MAX_EVENT_BYTES.saturating_sub(used), |alert, left_out| {
            native(alert, notice.kind, &notice.group, left_out)
        });
        let bytes = used + detail.len();
        let time = alert.time.as_deref().and_then(parse_time);
        let event = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(&self.source)
            .detail_type(DETAIL_TYPE)
            .set_time(time.map(|time| DateTime::from_secs(time.as_second())))
            .set_resources(Some(resources))
            .detail(detail)
            .build();
        (event, bytes)
    }

    async fn put(&self, events: Vec<PutEventsRequestEntry>) -> Vec<Result<Sent, SendError>> {
        let count = events.len();
        let answer = match self.client.put_events().set_entries(Some(events)).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let is_refusal: fn(&str, &str) -> bool =
                    if count == 1 { is_refusal } else { |_, _| false };
                return vec![Err(failure(&self.attempt(), &error, is_refusal)); count];
            }
        };
        let results = answer.entries().iter().map(|entry| match entry.error_code() {
            None => Ok(Sent { reference: entry.event_id().map(str::to_owned) }),
            Some(code) => {
                let words = entry.error_message().unwrap_or_default();
                Err(failure_of_one(&self.attempt(), code, words, is_refusal))
            }
        });
        results.collect()
    }
}

/// Events that are not of the right form stay so.
fn is_refusal(code: &str, _: &str) -> bool {
    matches!(code, "InvalidArgument" | "MalformedDetail" | "ValidationException")
}

#[async_trait]
impl Sink for EventBridge {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    async fn send(&mut self, notices: &[Notice]) -> Vec<Result<Sent, SendError>> {
        let mut results = Vec::new();
        let (mut events, mut bytes) = (Vec::new(), 0);
        for notice in notices {
            let (event, more) = self.event(notice);
            if !events.is_empty() && bytes + more > MAX_CALL_BYTES {
                results.extend(self.put(std::mem::take(&mut events)).await);
                bytes = 0;
            }
            events.push(event);
            bytes += more;
        }
        results.extend(self.put(events).await);
        results
    }
}

#[cfg(test)]
#[path = "eventbridge_tests.rs"]
mod tests;
