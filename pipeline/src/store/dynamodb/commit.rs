//! Writes what became of alerts in one transaction, under the condition that nothing which it was
//! decided on has changed.
//!
//! As in every store a commit that comes a second time changes nothing: what hangs on an alert is
//! written with the alert only. What is written before the transaction (words, parts of long bodies,
//! names of sinks) is the same however often it is written, and nobody sees it without the alert.

use std::collections::{BTreeSet, HashMap, HashSet};

use askance_stages::model::{Level, parse_time};
use askance_stages::raise::{Message, MessageKind, Outcome, Raised, Revised};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::DynamoStore;
use super::calls::TRANSACTION;
use super::keys::{
    ALERT, ATTEMPTS, DUE, ERROR, EXPIRES, FATE, KIND, Key, LISTED_AT, LISTED_UNDER, NUMBER, QUEUED,
    SUPPRESSED, State, UPDATES, VERSION, WRITTEN, hash, shard, sortable,
};
use super::known::{Head, KeptRate, version};
use super::row::{Row, pack};
use super::trouble::Fault;
use super::windows;
use super::writes::{If, Writes};
use crate::store::{Basis, Commit, MAX_GROUPS, StoreError, Words};

pub(super) const ATTEMPT: &str = "commit alerts";

/// An alert as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptAlert {
    pub(super) id: String,
    pub(super) json: String,
    pub(super) fate: String,
    pub(super) leader: String,
    pub(super) suppressed_by: Option<String>,
    pub(super) title: String,
    pub(super) rule: String,
    pub(super) account: Option<String>,
    pub(super) level: u8,
    /// Microseconds since 1970.
    pub(super) raised: i64,
}

/// A level's place in the order of levels.
pub(super) fn level_number(level: Level) -> u8 {
    match level {
        Level::Informational => 0,
        Level::Low => 1,
        Level::Medium => 2,
        Level::High => 3,
        Level::Critical => 4,
    }
}

/// What was not in the store before.
#[derive(Default)]
struct Fresh<'c> {
    alerts: Vec<&'c Raised>,
    leaders: HashSet<&'c str>,
    rules: BTreeSet<&'c str>,
    /// What has changed, and what is there of it.
    revised: Vec<(&'c Revised, KeptAlert)>,
}

/// What is there of the rows that are changed.
struct There {
    rows: HashMap<Key, Row>,
    /// Updates that wait, by their keys.
    updates: HashMap<Key, Row>,
}

impl DynamoStore {
    /// Writes the alerts of a commit and everything that hangs on them.
    pub(super) async fn put_alerts(
        &self,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let outcome = &commit.outcome;
        let mut fresh = self.fresh(outcome).await?;
        self.compare(outcome, &mut fresh).await?;
        if fresh.alerts.is_empty() && fresh.revised.is_empty() && commit.windows.is_empty() {
            return Ok(());
        }
        for (rule, words) in &commit.words {
            self.put_words(rule, words).await?;
        }
        let messages: Vec<&Message> = outcome
            .messages
            .iter()
            .filter(|message| fresh.leaders.contains(message.alert.as_str()))
            .collect();
        self.name_sinks(messages.iter().map(|message| message.sink.as_str())).await?;
        let there = self.there(&fresh, outcome, &commit.basis, &messages).await?;
        let count = fresh.alerts.len() + messages.len();
        let first = if count == 0 { 0 } else { self.table.numbers(count).await? };
        let writes = self.writes(commit, now, &fresh, &messages, &there, first)?;
        if writes.items.len() > TRANSACTION {
            return Err(StoreError::TooLarge {
                attempt: ATTEMPT,
                cause: format!(
                    "{} alerts and {} messages are {} rows, of which DynamoDB writes {TRANSACTION} \
                     at once: fewer sinks for one alert are needed",
                    fresh.alerts.len(),
                    messages.len(),
                    writes.items.len()
                ),
            });
        }
        self.table.put_all(writes.parts).await.map_err(|fault| fault.told(ATTEMPT))?;
        match self.table.transact(writes.items).await {
            Ok(()) => Ok(()),
            Err(Fault::Condition(places)) => {
                let about = places.first().and_then(|place| writes.about.get(*place));
                Err(conflict(about.copied().unwrap_or("a row")))
            }
            Err(fault) => Err(fault.told(ATTEMPT)),
        }
    }

    async fn fresh<'c>(&self, outcome: &'c Outcome) -> Result<Fresh<'c>, StoreError> {
        let key = |raised: &Raised| Key::alert(&hash(&[&raised.alert.id]));
        let there = self.table.get(outcome.raised.iter().map(key)).await;
        let there = there.map_err(|fault| fault.told(ATTEMPT))?;
        let mut fresh = Fresh::default();
        for raised in outcome.raised.iter().filter(|raised| !there.contains_key(&key(raised))) {
            fresh.alerts.push(raised);
            fresh.leaders.insert(&raised.leader);
            fresh.rules.insert(&raised.alert.rule.id);
        }
        Ok(fresh)
    }

    /// Which alerts have changed; what is the same as it was is no news.
    async fn compare<'c>(
        &self,
        outcome: &'c Outcome,
        fresh: &mut Fresh<'c>,
    ) -> Result<(), StoreError> {
        if outcome.revised.is_empty() {
            return Ok(());
        }
        let hashes: Vec<String> =
            outcome.revised.iter().map(|one| hash(&[&one.alert.id])).collect();
        let facts = self.facts(&hashes, None).await?;
        for (one, hash) in outcome.revised.iter().zip(&hashes) {
            let Some(kept) = facts.alert(hash).filter(|kept| kept.json != one.json) else {
                continue;
            };
            fresh.leaders.insert(&one.alert.id);
            fresh.revised.push((one, kept));
        }
        Ok(())
    }

    /// Reads groups, heads and updates that are changed; a conflict if one is not as it was.
    async fn there(
        &self,
        fresh: &Fresh<'_>,
        outcome: &Outcome,
        basis: &Basis,
        messages: &[&Message],
    ) -> Result<There, StoreError> {
        let groups = fresh.leaders.iter().filter(|leader| outcome.groups.contains_key(**leader));
        let groups = groups.map(|leader| Key::group(&hash(&[leader])));
        let heads = fresh.alerts.iter().flat_map(|one| &one.keys).map(|key| Key::head(key));
        let told = |fault: Fault| fault.told(ATTEMPT);
        let rows = self.table.get(groups.chain(heads)).await.map_err(told)?;
        for (key, row) in &rows {
            if version(Some(row)) != basis.version(key) {
                return Err(conflict("a group"));
            }
        }
        let waiting = messages.iter().filter(|message| message.kind == MessageKind::Update);
        let waiting = waiting.filter_map(|message| {
            let group = rows.get(&Key::group(&hash(&[&message.alert])))?;
            let number = *group.get_numbers(UPDATES).get(&hash(&[&message.sink]))?;
            Some(Key::message(&message.sink, State::Waiting, number))
        });
        let updates = self.table.get(waiting).await.map_err(told)?;
        Ok(There { rows, updates })
    }

    fn writes(
        &self,
        commit: &Commit,
        now: Timestamp,
        fresh: &Fresh<'_>,
        messages: &[&Message],
        there: &There,
        first: i64,
    ) -> Result<Writes, StoreError> {
        let mut writes = Writes::default();
        let table = self.table.name.as_str();
        let told = |fault: Fault| fault.told(ATTEMPT);
        let expires = self.expires(now, self.retention.alerts);
        let mut numbers: HashMap<&str, i64> = HashMap::new();
        for (place, raised) in fresh.alerts.iter().enumerate() {
            let number = first + place as i64;
            let (row, parts) = alert_row(raised, number, now, expires)?;
            writes.put("an alert", row, If::Absent, table).map_err(told)?;
            writes.parts.extend(parts);
            // A group gets the number of the first of its alerts here: the latest is asked for first.
            numbers.entry(&raised.leader).or_insert(number);
        }
        let mut pointers: HashMap<String, HashMap<String, i64>> = HashMap::new();
        for (revised, kept) in &fresh.revised {
            writes.revise(revised, kept, expires, table)?;
            // Its group is there, with a number of its own.
            numbers.entry(&revised.alert.id).or_insert(0);
        }
        for window in &commit.windows {
            let key = Key::window(&window.key);
            let (about, seen) = ("a group of a correlation", commit.basis.version(&key));
            match &window.state {
                Some(state) => {
                    let row = windows::row(window, state, &commit.basis);
                    writes.put(about, row, If::Version(seen), table).map_err(told)?;
                }
                None if seen > 0 => {
                    writes.delete(about, &key, Some(seen), table).map_err(told)?;
                }
                None => {}
            }
        }
        for (place, message) in messages.iter().enumerate() {
            let number = first + (fresh.alerts.len() + place) as i64;
            let alert = hash(&[&message.alert]);
            let group = there.rows.get(&Key::group(&alert));
            let updates = pointers
                .entry(alert.clone())
                .or_insert_with(|| group.map(|row| row.get_numbers(UPDATES)).unwrap_or_default());
            let mut row = message_row(message, &alert, number, now);
            if message.kind == MessageKind::Update {
                let before = updates.insert(hash(&[&message.sink]), number);
                let before = before.map(|old| Key::message(&message.sink, State::Waiting, old));
                if let Some(waited) = before.and_then(|key| there.updates.get(&key)) {
                    take_over(&mut row, waited, now);
                    writes.delete("an update", &waited.key(), None, table).map_err(told)?;
                }
            }
            writes.put("a message", row, If::Absent, table).map_err(told)?;
        }
        let mut leaders: Vec<(&&str, &i64)> = numbers.iter().collect();
        leaders.sort_unstable_by_key(|(_, number)| **number);
        for (leader, number) in leaders {
            let Some(group) = commit.outcome.groups.get(*leader) else { continue };
            let leader = hash(&[leader]);
            let key = Key::group(&leader);
            let before = there.rows.get(&key);
            let mut row = Row::at(&key);
            row.number(EXPIRES, expires);
            row.number(NUMBER, before.and_then(|row| row.get_number(NUMBER)).unwrap_or(*number));
            row.number(VERSION, version(before) + 1);
            row.numbers(UPDATES, pointers.get(&leader).unwrap_or(&HashMap::new()));
            writes.parts.extend(row.body(pack(group)?));
            let seen = If::Version(commit.basis.version(&key));
            writes.put("a group", row, seen, table).map_err(told)?;
        }
        self.put_heads(&mut writes, commit, fresh, there, &numbers, expires)?;
        for rule in &fresh.rules {
            let Some(rate) = commit.outcome.rates.get(*rule) else { continue };
            let key = Key::rate(rule);
            let seen = commit.basis.version(&key);
            let mut row = Row::at(&key);
            row.number(EXPIRES, expires);
            row.number(VERSION, seen + 1);
            let kept = KeptRate {
                since: rate.since.as_microsecond(),
                told: rate.told,
                held_under: rate.held_under.clone(),
            };
            writes.parts.extend(row.body(pack(&kept)?));
            writes.put("a rate", row, If::Version(seen), table).map_err(told)?;
        }
        Ok(writes)
    }

    /// Names groups under the keys of their new members.
    fn put_heads(
        &self,
        writes: &mut Writes,
        commit: &Commit,
        fresh: &Fresh<'_>,
        there: &There,
        numbers: &HashMap<&str, i64>,
        expires: i64,
    ) -> Result<(), StoreError> {
        let mut heads: HashMap<Key, (Head, bool)> = HashMap::new();
        for raised in &fresh.alerts {
            if !commit.outcome.groups.contains_key(&raised.leader) {
                continue;
            }
            let leader = hash(&[&raised.leader]);
            let of_group =
                there.rows.get(&Key::group(&leader)).and_then(|row| row.get_number(NUMBER));
            let number = of_group.or_else(|| numbers.get(raised.leader.as_str()).copied());
            for text in &raised.keys {
                let key = Key::head(text);
                let head = match heads.entry(key) {
                    std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::hash_map::Entry::Vacant(entry) => {
                        let before = match there.rows.get(entry.key()) {
                            Some(row) => row.read(&HashMap::new())?,
                            None => Head::default(),
                        };
                        entry.insert((before, false))
                    }
                };
                if head.0.0.iter().all(|(_, known)| *known != leader) {
                    head.0.0.push((number.unwrap_or(0), leader.clone()));
                    head.1 = true;
                }
            }
        }
        for (key, (mut head, is_changed)) in heads {
            if !is_changed {
                continue;
            }
            head.0.sort_by(|a, b| b.cmp(a));
            head.0.truncate(MAX_GROUPS);
            let seen = commit.basis.version(&key);
            let mut row = Row::at(&key);
            row.number(EXPIRES, expires);
            row.number(VERSION, seen + 1);
            writes.parts.extend(row.body(pack(&head)?));
            let put = writes.put("the groups of a key", row, If::Version(seen), &self.table.name);
            put.map_err(|fault| fault.told(ATTEMPT))?;
        }
        Ok(())
    }

    /// Keeps what a rule says, if it is not what was kept last.
    async fn put_words(&self, rule: &str, words: &Words) -> Result<(), StoreError> {
        let key = Key::words(rule);
        let packed = pack(words)?;
        let mark = super::keys::hash_bytes(&packed);
        if self.remembered().words.get(&key.pk) == Some(&mark) {
            return Ok(());
        }
        let mut row = Row::at(&key);
        let mut rows = row.body(packed);
        rows.push(row);
        self.table.put_all(rows).await.map_err(|fault| fault.told("keep what a rule says"))?;
        self.remembered().words.insert(key.pk, mark);
        Ok(())
    }

    /// Notes which sinks have messages, so that a command finds all of them.
    async fn name_sinks<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<(), StoreError> {
        let names: BTreeSet<&str> = names.collect();
        let mut rows = Vec::new();
        for name in &names {
            if !self.remembered().sinks.contains(*name) {
                let mut row = Row::at(&Key::sink(name));
                rows.extend(row.body(pack(name)?));
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            let put = self.table.put_all(rows).await;
            put.map_err(|fault| fault.told("note which sinks have messages"))?;
            self.remembered().sinks.extend(names.into_iter().map(str::to_owned));
        }
        Ok(())
    }
}

fn conflict(what: &str) -> StoreError {
    StoreError::Conflict { attempt: ATTEMPT, cause: format!("{what} changed meanwhile") }
}

fn alert_row(
    raised: &Raised,
    number: i64,
    now: Timestamp,
    expires: i64,
) -> Result<(Row, Vec<Row>), StoreError> {
    let alert = &raised.alert;
    let time = alert.time.as_deref().and_then(parse_time).unwrap_or(now);
    let mut row = Row::at(&Key::alert(&hash(&[&alert.id])));
    row.number(NUMBER, number);
    row.number(WRITTEN, now.as_microsecond());
    row.number(EXPIRES, expires);
    row.text(LISTED_UNDER, shard(&alert.id));
    row.text(LISTED_AT, format!("{}#{number:019}", sortable(time)));
    row.text(FATE, raised.fate.name());
    if let Some(name) = &raised.suppressed_by {
        row.text(SUPPRESSED, name);
    }
    let kept = KeptAlert {
        id: alert.id.clone(),
        json: raised.json.clone(),
        fate: raised.fate.name().to_owned(),
        leader: raised.leader.clone(),
        suppressed_by: raised.suppressed_by.clone(),
        title: alert.rule.title.clone(),
        rule: alert.rule.id.clone(),
        account: alert.account.clone(),
        level: level_number(alert.level),
        raised: now.as_microsecond(),
    };
    let parts = row.body(pack(&kept)?);
    Ok((row, parts))
}

fn message_row(message: &Message, alert: &str, number: i64, now: Timestamp) -> Row {
    let mut row = Row::at(&Key::message(&message.sink, State::Waiting, number));
    row.number(NUMBER, number);
    row.text(ALERT, alert);
    row.text(KIND, message.kind.name());
    row.number(DUE, message.due.as_microsecond());
    row.number(QUEUED, now.as_microsecond());
    row.number(ATTEMPTS, 0);
    row
}

/// An update takes the place of one that waits, with a number of its own: the other may be under way.
fn take_over(row: &mut Row, waited: &Row, now: Timestamp) {
    let (now, due) = (now.as_microsecond(), row.get_number(DUE).unwrap_or(0));
    // The earlier time holds, or a thing that comes again and again would never be told. One that is
    // due may be under way: the next one comes when it would after that.
    if let Some(before) = waited.get_number(DUE).filter(|before| *before > now) {
        row.number(DUE, due.min(before));
    }
    row.number(QUEUED, waited.get_number(QUEUED).map_or(now, |before| before.min(now)));
    row.number(ATTEMPTS, waited.get_number(ATTEMPTS).unwrap_or(0));
    if let Some(error) = waited.get_text(ERROR) {
        row.text(ERROR, error);
    }
}
