//! What was published, and how long after their messages the incidents were told.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fresh::numbers;

/// So many published messages are kept for reading; of the others the counts stay.
const KEPT: usize = 10_000;

/// One published message.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) topic: String,
    pub(crate) subject: Option<String>,
    pub(crate) body: String,
    /// Name, type and value of each attribute.
    pub(crate) attributes: Vec<(String, String, String)>,
}

/// Everything that was published, to whatever topic.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    kept: VecDeque<Published>,
    published: u64,
    /// When the message of an incident could first be received, until it is told.
    expected: HashMap<u64, Instant>,
    told: BTreeSet<u64>,
    told_again: u64,
    seconds: Vec<f64>,
}

impl Topic {
    /// Notes that incident `number` can be read about from now on.
    pub(crate) fn expect(&mut self, number: u64, now: Instant) {
        self.expected.insert(number, now);
    }

    /// Takes a message; returns its number.
    pub(crate) fn publish(&mut self, mut message: Published, now: Instant) -> u64 {
        self.published += 1;
        message.number = self.published;
        for incident in numbers(&message.body) {
            if let Some(since) = self.expected.remove(&incident) {
                self.told.insert(incident);
                self.seconds.push(now.duration_since(since).as_secs_f64());
            } else if self.told.contains(&incident) {
                self.told_again += 1;
            }
        }
        self.kept.push_back(message);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.published
    }

    /// Forgets the times so far: they were those of a start.
    pub(crate) fn forget_times(&mut self) {
        self.seconds.clear();
    }

    /// Counts, and the spread of the times in seconds.
    pub(crate) fn stats(&self) -> Value {
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        json!({
            "messages": self.published,
            "incidents_told": self.told.len(),
            "incidents_told_again": self.told_again,
            "incidents_waiting": self.expected.len(),
            "seconds": {
                "count": seconds.len(),
                "p50": quantile(&seconds, 0.5),
                "p90": quantile(&seconds, 0.9),
                "p99": quantile(&seconds, 0.99),
                "max": seconds.last(),
            },
        })
    }

    /// The kept messages from number `from` on.
    pub(crate) fn list(&self, from: u64) -> Value {
        let one = |message: &Published| {
            let attributes = message
                .attributes
                .iter()
                .map(|(name, kind, value)| (name.clone(), json!({"type": kind, "value": value})));
            json!({
                "number": message.number,
                "at": message.at.to_string(),
                "topic": message.topic,
                "subject": message.subject,
                "message": message.body,
                "attributes": attributes.collect::<serde_json::Map<_, _>>(),
            })
        };
        self.kept.iter().filter(|message| message.number >= from).map(one).collect()
    }
}

/// The smallest value that is at least as large as a share of all; `None` without values.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(body: &str) -> Published {
        Published {
            number: 0,
            at: Timestamp::UNIX_EPOCH,
            topic: "arn".to_owned(),
            subject: None,
            body: body.to_owned(),
            attributes: Vec::new(),
        }
    }

    #[test]
    fn the_first_telling_counts_and_others_are_repeats() {
        let (mut topic, now) = (Topic::default(), Instant::now());
        topic.expect(1, now);
        topic.expect(2, now);
        for seconds in [1, 9] {
            let later = now + Duration::from_secs(seconds);
            topic.publish(message("trail/standin-000000000001"), later);
        }
        let stats = topic.stats();
        assert_eq!(stats["messages"], 2);
        assert_eq!(stats["incidents_told"], 1);
        assert_eq!(stats["incidents_told_again"], 1);
        assert_eq!(stats["incidents_waiting"], 1);
        assert_eq!(stats["seconds"]["max"], 1.0);
        assert_eq!(topic.list(2).as_array().unwrap().len(), 1);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.5), Some(50.0));
        assert_eq!(quantile(&hundred, 0.99), Some(99.0));
        assert_eq!(quantile(&[3.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
