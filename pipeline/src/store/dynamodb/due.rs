//! Messages that are due, and who sends them: one replica each, by a claim.
//!
//! A claim is an owner and a mark in the message's row. The owner writes a new mark before the claim's
//! time is half over. Another replica takes a message over when it has **seen the same mark for the
//! claim's whole time by its own monotonic clock**: how the clocks of two replicas differ plays no part.
//! A replica that died writes no marks, so what it had goes to another after that time; it may have
//! been sent, and is then sent again with the same number.
//!
//! Of each alert only the first message that waits is given out, whoever has claimed it: so the order
//! is kept across replicas.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use askance_stages::raise::{Group, MessageKind};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::time::Instant;

use super::DynamoStore;
use super::calls::Range;
use super::commit::KeptAlert;
use super::keys::{
    ALERT, ATTEMPTS, DUE, KIND, Key, MARK, NUMBER, OWNER, QUEUED, State, hash, messages,
};
use super::row::Row;
use super::trouble::Fault;
use crate::store::{Queued, StoreError, Words};

const ATTEMPT: &str = "look into the outbox";

/// Claims that are written at the same time.
const TOGETHER: usize = 8;

/// Most waiting messages of a sink that one look walks over; those behind wait for the ones before.
const MOST_WALKED: usize = 50_000;

/// Rows of a page.
const PAGE: i32 = 500;

/// What this replica has seen of claims, and has claimed itself; by sink and row.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Marks of others, and since when they are so.
    seen: HashMap<String, HashMap<String, (String, Instant)>>,
    /// When a mark of our own was written.
    own: HashMap<Key, (String, Instant)>,
}

/// Whose a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    /// Nobody's, or its owner has not been heard of for a claim's time.
    Free,
    /// Ours.
    Own,
    /// Another replica's.
    Others,
}

impl Claims {
    /// Forgets a claim of our own.
    pub(super) fn let_go(&mut self, key: &Key) {
        self.own.remove(key);
    }

    /// Everything that we have claimed.
    pub(super) fn take_own(&mut self) -> Vec<Key> {
        self.own.drain().map(|(key, _)| key).collect()
    }
}

/// The first message of each alert, in order, with whose it is.
struct Walk {
    met: HashSet<String>,
    seen: HashMap<String, (String, Instant)>,
}

impl DynamoStore {
    /// Claims messages to be sent now.
    pub(super) async fn take_due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Queued>, StoreError> {
        let now = now.as_microsecond();
        let mut candidates = Vec::new();
        self.walk(sink, |row, claim| {
            let is_due = row.get_number(DUE).is_some_and(|due| due <= now)
                || row.get_number(QUEUED).is_some_and(|queued| queued > now);
            if is_due && claim != Claim::Others && candidates.len() < limit {
                candidates.push(row);
            }
            candidates.len() < limit
        })
        .await?;
        let claimed: Vec<Option<Row>> = stream::iter(candidates)
            .map(|row| self.claim(row))
            .buffered(TOGETHER)
            .collect::<Vec<Result<Option<Row>, Fault>>>()
            .await
            .into_iter()
            .collect::<Result<_, Fault>>()
            .map_err(|fault| fault.told("claim a message"))?;
        self.queued(sink, claimed.into_iter().flatten().collect()).await
    }

    /// When the next message comes due that waits for no other and is not another replica's.
    pub(super) async fn look_ahead(&self, sink: &str) -> Result<Option<Timestamp>, StoreError> {
        let mut next: Option<i64> = None;
        self.walk(sink, |row, claim| {
            if claim != Claim::Others {
                let due = row.get_number(DUE);
                next = next.into_iter().chain(due).min();
            }
            true
        })
        .await?;
        Ok(next.map(|due| Timestamp::from_microsecond(due).unwrap_or(Timestamp::MAX)))
    }

    /// Hands on the first message of each alert, in order, until `each` wants no more.
    async fn walk(
        &self,
        sink: &str,
        mut each: impl FnMut(Row, Claim) -> bool,
    ) -> Result<(), StoreError> {
        let mut range = Range::begins(messages(sink), State::Waiting.prefix());
        range.page = Some(PAGE);
        let mut walk = Walk { met: HashSet::new(), seen: HashMap::new() };
        let (mut start, mut walked, mut is_wanted) = (None, 0, true);
        let is_whole = loop {
            let page = self.table.page(&range, start).await;
            let (rows, next) = page.map_err(|fault| fault.told(ATTEMPT))?;
            walked += rows.len();
            for row in rows {
                let alert = row.get_text(ALERT).unwrap_or_default();
                if walk.met.insert(alert.to_owned()) {
                    let claim = self.whose(sink, &row, &mut walk);
                    is_wanted = each(row, claim);
                }
                if !is_wanted {
                    break;
                }
            }
            start = next;
            if !is_wanted || start.is_none() || walked >= MOST_WALKED {
                break is_wanted && start.is_none();
            }
        };
        // Rows that are gone are forgotten. A walk that ended early keeps what it did not come to.
        let mut claims = self.claims();
        let seen = claims.seen.entry(sink.to_owned()).or_default();
        if is_whole || seen.len() >= MOST_WALKED {
            seen.clear();
        }
        seen.extend(walk.seen);
        Ok(())
    }

    fn whose(&self, sink: &str, row: &Row, walk: &mut Walk) -> Claim {
        let (Some(owner), Some(mark)) = (row.get_text(OWNER), row.get_text(MARK)) else {
            return Claim::Free;
        };
        if owner == self.owner {
            return Claim::Own;
        }
        let now = Instant::now();
        let place = row.key().sk;
        let since = self.claims().seen.get(sink).and_then(|seen| {
            seen.get(&place).filter(|(before, _)| before == mark).map(|(_, since)| *since)
        });
        let since = since.unwrap_or(now);
        walk.seen.insert(place, (mark.to_owned(), since));
        if now.duration_since(since) >= self.claim_for { Claim::Free } else { Claim::Others }
    }

    /// Claims a message, or renews our claim; `None` if another replica was faster.
    async fn claim(&self, row: Row) -> Result<Option<Row>, Fault> {
        let key = row.key();
        let mark = row.get_text(MARK).map(str::to_owned);
        let is_fresh = self.claims().own.get(&key).is_some_and(|(own, at)| {
            Some(own) == mark.as_ref() && at.elapsed() < self.claim_for / 2
        });
        if is_fresh {
            return Ok(Some(row));
        }
        let began = Instant::now();
        let new = format!("{:016x}", fastrand::u64(..));
        let answer = self
            .table
            .call("UpdateItem", || {
                let call = self.table.client.update_item().table_name(&self.table.name);
                let call = call.set_key(Some(Row::at(&key).0));
                let call = call.update_expression("SET claim_owner = :owner, claim_mark = :new");
                let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
                let call = call
                    .expression_attribute_values(":owner", text(&self.owner))
                    .expression_attribute_values(":new", text(&new));
                let call = match &mark {
                    Some(mark) => call
                        .condition_expression("claim_mark = :seen")
                        .expression_attribute_values(":seen", text(mark)),
                    None => call.condition_expression(
                        "attribute_exists(pk) AND attribute_not_exists(claim_mark)",
                    ),
                };
                call.return_consumed_capacity(
                    aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total,
                )
                .send()
            })
            .await;
        match answer {
            Ok(answer) => {
                self.table.cost("write", answer.consumed_capacity());
                if mark.is_some() && row.get_text(OWNER) != Some(self.owner.as_str()) {
                    tracing::info!(
                        number = row.get_number(NUMBER),
                        "took over a message of a replica that was not heard of"
                    );
                }
                let mut row = row;
                row.text(OWNER, &self.owner);
                row.text(MARK, &new);
                self.claims().own.insert(key, (new, began));
                Ok(Some(row))
            }
            Err(Fault::Condition(_)) => {
                self.claims().let_go(&key);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Everything that is told of messages.
    async fn queued(&self, sink: &str, rows: Vec<Row>) -> Result<Vec<Queued>, StoreError> {
        let alerts: Vec<String> =
            rows.iter().map(|row| row.get_text(ALERT).unwrap_or_default().to_owned()).collect();
        let facts = self.facts(&alerts, Some(sink)).await?;
        let mut queued = Vec::new();
        for (row, alert) in rows.iter().zip(&alerts) {
            let kept = facts.alert(alert);
            let kind = row.get_text(KIND).and_then(MessageKind::from_name);
            // An alert that cannot be found is told of by whoever cannot read it.
            let (id, json, rule) = kept
                .map_or_else(Default::default, |kept: KeptAlert| (kept.id, kept.json, kept.rule));
            let micros = row.get_number(QUEUED).unwrap_or(0);
            queued.push(Queued {
                number: row.get_number(NUMBER).unwrap_or(0),
                kind: kind.unwrap_or(MessageKind::New),
                group: facts.group(alert).unwrap_or_else(|| Group::alone(&id)),
                words: facts.words(&rule),
                alert: json,
                attempts: row.get_number(ATTEMPTS).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                queued: Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MIN),
                reference: facts.told(alert, sink),
                alert_id: id,
            });
        }
        Ok(queued)
    }

    /// Gives back what was claimed and not settled.
    pub(super) async fn give_back_claims(&self) {
        let own = self.claims().take_own();
        for key in own {
            let release = self.table.call("UpdateItem", || {
                let call = self.table.client.update_item().table_name(&self.table.name);
                let owner = aws_sdk_dynamodb::types::AttributeValue::S(self.owner.clone());
                call.set_key(Some(Row::at(&key).0))
                    .update_expression("REMOVE claim_owner, claim_mark")
                    .condition_expression("claim_owner = :owner")
                    .expression_attribute_values(":owner", owner)
                    .send()
            });
            // Within a moment or not at all: others take it over when its time is over.
            match tokio::time::timeout(Duration::from_secs(2), release).await {
                Ok(Ok(_) | Err(Fault::Condition(_))) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    /// The claims, for a moment.
    pub(super) fn claims(&self) -> std::sync::MutexGuard<'_, Claims> {
        // What is held is whole after every step.
        self.claims.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What hangs on alerts, read together.
    pub(super) async fn facts(
        &self,
        alerts: &[String],
        sink: Option<&str>,
    ) -> Result<Facts, StoreError> {
        let told = |fault: Fault| fault.told("read alerts");
        let keys = alerts.iter().flat_map(|alert| {
            let told = sink.map(|sink| Key::told(alert, sink));
            [Some(Key::alert(alert)), Some(Key::group(alert)), told].into_iter().flatten()
        });
        let mut rows = self.table.get(keys).await.map_err(told)?;
        let parts = self.table.parts(rows.values()).await.map_err(told)?;
        rows.extend(parts);
        let mut facts = Facts { rows };
        let rules: HashSet<String> =
            alerts.iter().filter_map(|alert| facts.alert(alert)).map(|kept| kept.rule).collect();
        let words =
            self.table.get(rules.iter().map(|rule| Key::words(rule))).await.map_err(told)?;
        let parts = self.table.parts(words.values()).await.map_err(told)?;
        facts.rows.extend(words.into_iter().chain(parts));
        Ok(facts)
    }
}

/// What hangs on some alerts, by the hashes of their ids.
pub(super) struct Facts {
    rows: HashMap<Key, Row>,
}

impl Facts {
    /// An alert's row.
    pub(super) fn row(&self, alert: &str) -> Option<&Row> {
        self.rows.get(&Key::alert(alert))
    }

    /// An alert.
    pub(super) fn alert(&self, alert: &str) -> Option<KeptAlert> {
        self.read(&Key::alert(alert))
    }

    /// The group that it leads.
    pub(super) fn group(&self, alert: &str) -> Option<Group> {
        self.read(&Key::group(alert))
    }

    /// What a rule says; nothing if that was never kept.
    pub(super) fn words(&self, rule: &str) -> Words {
        self.read(&Key::words(rule)).unwrap_or_default()
    }

    /// What a sink answered.
    fn told(&self, alert: &str, sink: &str) -> Option<String> {
        self.read(&Key::told(alert, sink))
    }

    /// A row that cannot be read is told of, and keeps nobody from those that can.
    fn read<T: serde::de::DeserializeOwned>(&self, key: &Key) -> Option<T> {
        match self.rows.get(key)?.read(&self.rows) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::error!(row = key.name(), %error, "a row of the store is passed by");
                None
            }
        }
    }
}

/// The place of a message's alert, for who reads one.
pub(super) fn alert_of(row: &Row) -> String {
    row.get_text(ALERT).map_or_else(|| hash(&[""]), str::to_owned)
}
