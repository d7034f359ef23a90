//! Makes objects and messages of a corpus, at a rate or as fast as they are taken.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::corpus::File;
use super::state::{Shared, State};

/// How often messages are made.
const TICK: Duration = Duration::from_millis(5);

/// How messages are made.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedConfig {
    /// How many a second.
    pub rate: Rate,
    /// How often the corpus is gone through, under new keys each time; 0: without end.
    pub repeat: u64,
    /// With [`Rate::Max`]: so many messages wait in the queue.
    pub backlog: usize,
    /// Every so many objects have two messages; 0: none.
    pub duplicate_every: u64,
    /// Every so many objects have a new incident at their end, whose alert is waited for; 0: none.
    pub incident_every: u64,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self { rate: Rate::Max, repeat: 1, backlog: 200, duplicate_every: 0, incident_every: 0 }
    }
}

/// How many objects a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// As fast as they are taken.
    Max,
    /// So many; 0 is none until told otherwise.
    PerSecond(f64),
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix("/s").unwrap_or(text).parse::<f64>();
        match number {
            _ if text == "max" => Ok(Self::Max),
            Ok(rate) if rate.is_finite() && rate >= 0.0 => Ok(Self::PerSecond(rate)),
            _ => Err(format!("cannot read rate {text:?}: a number a second, or max")),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
        }
    }
}

/// Where the feed is.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) rate: Rate,
    files: Vec<File>,
    made: u64,
    incidents: u64,
    /// Objects that are owed, and since when more are.
    owed: f64,
    since: Instant,
}

impl Feed {
    pub(crate) fn new(rate: Rate, files: Vec<File>) -> Self {
        Self { rate, files, made: 0, incidents: 0, owed: 0.0, since: Instant::now() }
    }

    /// Counts from now on; nothing is owed for the time before.
    pub(crate) fn start(&mut self, now: Instant) {
        (self.owed, self.since) = (0.0, now);
    }

    /// Changes the rate from now on; nothing is owed from before.
    pub(crate) fn set_rate(&mut self, rate: Rate, now: Instant) {
        self.rate = rate;
        self.start(now);
    }

    pub(crate) fn stats(&self) -> Value {
        json!({
            "rate": self.rate.to_string(),
            "objects": self.made,
            "incidents": self.incidents,
            "corpus_files": self.files.len(),
            "corpus_packed_bytes": self.files.iter().map(|file| file.content.len()).sum::<usize>(),
        })
    }

    /// How many objects are due now, of `waiting` that nobody has taken yet.
    fn due(&mut self, backlog: usize, waiting: usize, now: Instant) -> u64 {
        match self.rate {
            Rate::Max => backlog.saturating_sub(waiting) as u64,
            Rate::PerSecond(rate) => {
                let seconds = now.saturating_duration_since(self.since).as_secs_f64();
                // A stall is not made good at once beyond a second's worth.
                self.owed = (self.owed + rate * seconds).min(rate.max(1.0));
                self.since = now;
                let due = self.owed.floor();
                self.owed -= due;
                due as u64
            }
        }
    }
}

impl State {
    /// Makes what is due; tells whether anything was.
    pub(crate) fn feed(&mut self, now: Instant) -> bool {
        let waiting = match self.queues.get_mut(&self.config.queue) {
            Some(queue) => queue.lengths(now).0,
            None => 0,
        };
        let due = self.feed.due(self.config.feed.backlog, waiting, now);
        let made = (0..due).take_while(|_| self.feed_one(now)).count();
        made > 0
    }

    /// Makes the next object and its message; false at the end.
    fn feed_one(&mut self, now: Instant) -> bool {
        let config = &self.config.feed;
        let feed = &mut self.feed;
        let count = feed.files.len() as u64;
        if count == 0 || (config.repeat > 0 && feed.made / count >= config.repeat) {
            return false;
        }
        let (round, index) = (feed.made / count, (feed.made % count) as usize);
        let is_due = |every: u64| every > 0 && feed.made.is_multiple_of(every);
        let copies = if is_due(config.duplicate_every) { 2 } else { 1 };
        let is_incident = is_due(config.incident_every);
        feed.made += 1;
        let file = &feed.files[index];
        let key = key_of(&file.key, round);
        let content = match &file.fresh {
            Some(fresh) if is_incident => {
                feed.incidents += 1;
                self.topic.expect(feed.incidents, now);
                fresh.with(feed.incidents, Timestamp::now())
            }
            _ => file.content.clone(),
        };
        self.objects.create(&self.config.bucket).insert(key.clone(), content);
        self.notify(&key, copies, now);
        true
    }
}

/// The key of a file in a round: another in each, but CloudTrail's in form.
fn key_of(key: &str, round: u64) -> String {
    if round == 0 {
        return key.to_owned();
    }
    let name = key.rfind('/').map_or(0, |slash| slash + 1);
    let end = key[name..].find('.').map_or(key.len(), |dot| name + dot);
    format!("{}r{round}{}", &key[..end], &key[end..])
}

/// Feeds until the stand-in ends.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let is_fed = shared.state().feed(Instant::now());
        if is_fed {
            shared.arrived.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read() {
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("100/s".parse(), Ok(Rate::PerSecond(100.0)));
        assert_eq!("0".parse(), Ok(Rate::PerSecond(0.0)));
        for text in ["", "-1", "fast", "inf", "NaN"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_is_kept_over_time() {
        let mut feed = Feed::new(Rate::PerSecond(100.0), Vec::new());
        let start = feed.since;
        let ticks = (1..=200).map(|tick| start + TICK * tick);
        let made: u64 = ticks.map(|now| feed.due(0, 0, now)).sum();
        assert!((99..=100).contains(&made), "{made}");
        assert!(feed.due(0, 0, start + Duration::from_secs(1000)) <= 100);
    }

    #[test]
    fn as_fast_as_taken_keeps_the_backlog_full() {
        let mut feed = Feed::new(Rate::Max, Vec::new());
        let now = feed.since;
        assert_eq!(feed.due(10, 3, now), 7);
        assert_eq!(feed.due(10, 11, now), 0);
    }

    #[test]
    fn each_round_has_its_own_keys() {
        assert_eq!(key_of("a/b.json.gz", 0), "a/b.json.gz");
        assert_eq!(key_of("a.b/c.json.gz", 2), "a.b/cr2.json.gz");
        assert_eq!(key_of("plain", 1), "plainr1");
    }
}
