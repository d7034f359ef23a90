//! A standard queue of SQS as a value: what is sent, hidden, given again, deleted.
//!
//! Time comes as an argument; the protocol and the waiting are elsewhere.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How a queue behaves.
#[derive(Debug, Clone)]
pub(crate) struct QueueConfig {
    /// How long a message is hidden once it was received.
    pub(crate) visibility: Duration,
    /// After so many receives it goes to another queue, by name.
    pub(crate) redrive: Option<(u64, String)>,
}

/// A message in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) body: String,
    pub(crate) md5: String,
    /// Milliseconds since 1970.
    pub(crate) sent_millis: i64,
    pub(crate) first_received_millis: i64,
    pub(crate) receives: u64,
    hidden_until: Option<Instant>,
}

/// What was counted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) deleted: u64,
    pub(crate) moved: u64,
    /// Messages that were given again after they had been hidden.
    pub(crate) again: u64,
}

/// Why a receipt handle is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handle {
    /// It never was one.
    Invalid,
    /// Its message is not hidden.
    NotInFlight,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) config: QueueConfig,
    pub(crate) counts: Counts,
    messages: HashMap<u64, Message>,
    visible: VecDeque<u64>,
    hidden: BTreeSet<(Instant, u64)>,
    next: u64,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Self {
        Self {
            config,
            counts: Counts::default(),
            messages: HashMap::new(),
            visible: VecDeque::new(),
            hidden: BTreeSet::new(),
            next: 1,
        }
    }

    /// Adds a message, hidden for `delay`; returns its number.
    pub(crate) fn send(&mut self, body: String, md5: String, delay: Duration, now: Instant) -> u64 {
        let id = self.next;
        self.next += 1;
        self.counts.sent += 1;
        let sent_millis = jiff::Timestamp::now().as_millisecond();
        let (receives, first_received_millis) = (0, 0);
        let hidden_until = None;
        self.messages.insert(
            id,
            Message { id, body, md5, sent_millis, first_received_millis, receives, hidden_until },
        );
        if delay.is_zero() {
            self.visible.push_back(id);
        } else {
            self.hide(id, now + delay);
        }
        id
    }

    /// Gives up to `most` messages and hides them; also those that were received too often and
    /// belong to the other queue now.
    pub(crate) fn receive(
        &mut self,
        most: usize,
        visibility: Duration,
        now: Instant,
    ) -> (Vec<Message>, Vec<Message>) {
        self.show(now);
        let (mut given, mut moved) = (Vec::new(), Vec::new());
        while given.len() < most {
            let Some(id) = self.visible.pop_front() else { break };
            let Some(message) = self.messages.get_mut(&id) else { continue };
            let limit = self.config.redrive.as_ref().map(|(limit, _)| *limit);
            if limit.is_some_and(|limit| message.receives >= limit) {
                moved.extend(self.messages.remove(&id));
                self.counts.moved += 1;
                continue;
            }
            if message.receives == 0 {
                message.first_received_millis = jiff::Timestamp::now().as_millisecond();
            } else {
                self.counts.again += 1;
            }
            message.receives += 1;
            self.counts.received += 1;
            given.push(message.clone());
            if visibility.is_zero() {
                self.visible.push_back(id);
                // Else one call could give the same message twice.
                break;
            }
            self.hide(id, now + visibility);
        }
        (given, moved)
    }

    /// Deletes by receipt handle. As at SQS, the handle of an earlier receive, or of a message that
    /// is gone, is no error and deletes nothing.
    pub(crate) fn delete(&mut self, handle: &str) -> Result<(), Handle> {
        let (id, receive) = read_handle(handle)?;
        if self.messages.get(&id).is_some_and(|message| message.receives == receive)
            && let Some(message) = self.messages.remove(&id)
        {
            self.counts.deleted += 1;
            match message.hidden_until {
                Some(until) => drop(self.hidden.remove(&(until, id))),
                None => self.visible.retain(|other| *other != id),
            }
        }
        Ok(())
    }

    /// Hides a message for another time from now on; zero shows it at once.
    pub(crate) fn change(
        &mut self,
        handle: &str,
        to: Duration,
        now: Instant,
    ) -> Result<(), Handle> {
        let (id, receive) = read_handle(handle)?;
        self.show(now);
        let until = match self.messages.get(&id) {
            Some(message) if message.receives == receive => message.hidden_until,
            _ => None,
        };
        let until = until.ok_or(Handle::NotInFlight)?;
        self.hidden.remove(&(until, id));
        self.hide(id, now + to);
        self.show(now);
        Ok(())
    }

    /// Drops every message; handles that were given for them stay without effect.
    pub(crate) fn purge(&mut self) {
        self.messages.clear();
        self.visible.clear();
        self.hidden.clear();
    }

    /// When the next hidden message shows.
    pub(crate) fn next_shown(&self) -> Option<Instant> {
        self.hidden.first().map(|(until, _)| *until)
    }

    /// How many can be received now, and how many are hidden.
    pub(crate) fn lengths(&mut self, now: Instant) -> (usize, usize) {
        self.show(now);
        (self.visible.len(), self.hidden.len())
    }

    fn hide(&mut self, id: u64, until: Instant) {
        if let Some(message) = self.messages.get_mut(&id) {
            message.hidden_until = Some(until);
            self.hidden.insert((until, id));
        }
    }

    fn show(&mut self, now: Instant) {
        while let Some((until, id)) =
            self.hidden.first().copied().filter(|(until, _)| *until <= now)
        {
            self.hidden.remove(&(until, id));
            if let Some(message) = self.messages.get_mut(&id) {
                message.hidden_until = None;
                self.visible.push_back(id);
            }
        }
    }
}

impl Message {
    /// The receipt handle of the receive that gave this.
    pub(crate) fn handle(&self) -> String {
        format!("standin-{:012x}-{:06}", self.id, self.receives)
    }
}

fn read_handle(handle: &str) -> Result<(u64, u64), Handle> {
    let parts = handle.strip_prefix("standin-").and_then(|rest| rest.split_once('-'));
    let (id, receive) = parts.ok_or(Handle::Invalid)?;
    let id = u64::from_str_radix(id, 16).map_err(|_| Handle::Invalid)?;
    let receive = receive.parse().map_err(|_| Handle::Invalid)?;
    Ok((id, receive))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBILITY: Duration = Duration::from_secs(30);

    fn queue(redrive: Option<(u64, String)>) -> Queue {
        Queue::new(QueueConfig { visibility: VISIBILITY, redrive })
    }

    fn send(queue: &mut Queue, body: &str, now: Instant) {
        queue.send(body.to_owned(), String::new(), Duration::ZERO, now);
    }

    fn take(queue: &mut Queue, now: Instant) -> Vec<Message> {
        queue.receive(10, VISIBILITY, now).0
    }

    #[test]
    fn a_received_message_is_hidden_and_comes_again() {
        let (mut queue, now) = (queue(None), Instant::now());
        send(&mut queue, "a", now);
        assert_eq!(take(&mut queue, now)[0].receives, 1);
        assert!(take(&mut queue, now + Duration::from_secs(29)).is_empty());
        assert_eq!(take(&mut queue, now + VISIBILITY)[0].receives, 2);
        assert_eq!(queue.counts.again, 1);
    }

    #[test]
    fn a_deleted_message_does_not_come_again() {
        let (mut queue, now) = (queue(None), Instant::now());
        send(&mut queue, "a", now);
        let message = take(&mut queue, now).remove(0);
        queue.delete(&message.handle()).unwrap();
        queue.delete(&message.handle()).unwrap();
        assert!(take(&mut queue, now + VISIBILITY * 2).is_empty());
        assert_eq!(queue.counts.deleted, 1);
    }

    #[test]
    fn the_handle_of_an_earlier_receive_deletes_nothing() {
        let (mut queue, now) = (queue(None), Instant::now());
        send(&mut queue, "a", now);
        let early = take(&mut queue, now).remove(0).handle();
        let late = take(&mut queue, now + VISIBILITY).remove(0).handle();
        queue.delete(&early).unwrap();
        assert_eq!(queue.lengths(now + VISIBILITY), (0, 1));
        assert_eq!(queue.change(&early, VISIBILITY, now + VISIBILITY), Err(Handle::NotInFlight));
        queue.delete(&late).unwrap();
        assert_eq!(queue.lengths(now + VISIBILITY), (0, 0));
    }

    #[test]
    fn hiding_is_prolonged_and_ended() {
        let (mut queue, now) = (queue(None), Instant::now());
        send(&mut queue, "a", now);
        let handle = take(&mut queue, now).remove(0).handle();
        queue.change(&handle, VISIBILITY * 2, now).unwrap();
        assert!(take(&mut queue, now + VISIBILITY).is_empty());
        queue.change(&handle, Duration::ZERO, now + VISIBILITY).unwrap();
        assert_eq!(take(&mut queue, now + VISIBILITY).len(), 1);
    }

    #[test]
    fn what_was_received_too_often_is_moved() {
        let (mut queue, mut now) = (queue(Some((2, "dead".to_owned()))), Instant::now());
        send(&mut queue, "a", now);
        for _ in 0..2 {
            assert_eq!(take(&mut queue, now).len(), 1);
            now += VISIBILITY;
        }
        let (given, moved) = queue.receive(10, VISIBILITY, now);
        assert!(given.is_empty());
        assert_eq!(moved[0].body, "a");
        assert_eq!(queue.lengths(now), (0, 0));
    }

    #[test]
    fn a_delayed_message_shows_later() {
        let (mut queue, now) = (queue(None), Instant::now());
        queue.send("a".to_owned(), String::new(), Duration::from_secs(5), now);
        assert!(take(&mut queue, now).is_empty());
        assert_eq!(queue.next_shown(), Some(now + Duration::from_secs(5)));
        assert_eq!(take(&mut queue, now + Duration::from_secs(5)).len(), 1);
    }

    #[test]
    fn an_invented_handle_is_refused() {
        let mut queue = queue(None);
        for handle in ["", "a", "standin-", "standin-1", "standin-x-1"] {
            assert_eq!(queue.delete(handle), Err(Handle::Invalid), "{handle}");
        }
    }
}
