//! Messages for people to look at, to have sent, to take out; and how many wait.

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::Timestamp;

use super::DynamoStore;
use super::calls::Range;
use super::due::alert_of;
use super::keys::{ATTEMPTS, DUE, ERROR, KIND, MARK, NUMBER, OWNER, QUEUED, State, messages};
use super::row::Row;
use super::trouble::Fault;
use crate::store::{Depth, OutboxChoice, OutboxRow, StoreError};

/// So many messages of a sink and state are counted; more are shown as so many.
const MOST_COUNTED: usize = 10_000;

/// Alerts that are read together.
const TOGETHER: usize = 50;

/// A message and where it waits.
struct Found {
    sink: String,
    state: State,
    row: Row,
}

impl DynamoStore {
    /// Names of sinks that ever had messages.
    pub(super) async fn sinks(&self) -> Result<Vec<String>, StoreError> {
        let range = Range::begins("sinks".to_owned(), "");
        let told = |fault: Fault| fault.told("list sinks");
        let rows = self.table.all(&range).await.map_err(told)?;
        let parts = self.table.parts(&rows).await.map_err(told)?;
        let names: Result<Vec<String>, StoreError> =
            rows.iter().map(|row| row.read(&parts)).collect();
        let mut names = names?;
        names.sort();
        Ok(names)
    }

    /// How many messages wait, by sink.
    pub(super) async fn count_messages(&self) -> Result<Vec<Depth>, StoreError> {
        let mut depths = Vec::new();
        for sink in self.sinks().await? {
            let (waiting, oldest) = self.count(&sink, State::Waiting).await?;
            let (dead, _) = self.count(&sink, State::Dead).await?;
            if waiting + dead > 0 {
                let oldest = oldest.map(|micros| time(micros).to_string());
                depths.push(Depth { sink, waiting, dead, oldest });
            }
        }
        Ok(depths)
    }

    async fn count(&self, sink: &str, state: State) -> Result<(u64, Option<i64>), StoreError> {
        let range = Range::begins(messages(sink), state.prefix());
        let (mut count, mut oldest, mut start) = (0, None, None);
        loop {
            let page = self.table.page(&range, start).await;
            let (rows, next) = page.map_err(|fault| fault.told("count the outbox"))?;
            count += rows.len();
            let queued = rows.iter().filter_map(|row| row.get_number(QUEUED));
            oldest = oldest.into_iter().chain(queued).min();
            start = next;
            if start.is_none() || count >= MOST_COUNTED {
                return Ok((count.min(MOST_COUNTED) as u64, oldest));
            }
        }
    }

    async fn find(&self, choice: &OutboxChoice) -> Result<Vec<Found>, StoreError> {
        let told = |fault: Fault| fault.told("list the outbox");
        let mut found = Vec::new();
        for sink in self.sinks().await? {
            if choice.sink.as_ref().is_some_and(|wanted| *wanted != sink) {
                continue;
            }
            for state in [State::Waiting, State::Dead] {
                if choice.is_dead && state == State::Waiting {
                    continue;
                }
                let range = Range::begins(messages(&sink), state.prefix());
                let rows = self.table.all(&range).await.map_err(told)?;
                let is_chosen = |row: &Row| {
                    let number = row.get_number(NUMBER).unwrap_or(0);
                    choice.numbers.is_empty() || choice.numbers.contains(&number)
                };
                let rows = rows.into_iter().filter(is_chosen);
                found.extend(rows.map(|row| Found { sink: sink.clone(), state, row }));
            }
        }
        found.sort_by_key(|one| one.row.get_number(NUMBER));
        Ok(found)
    }

    /// Messages of a choice, in order.
    pub(super) async fn list_messages(
        &self,
        choice: &OutboxChoice,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let found = self.find(choice).await?;
        let mut titles: HashMap<String, (String, String)> = HashMap::new();
        let alerts: Vec<String> = found.iter().map(|one| alert_of(&one.row)).collect();
        for alerts in alerts.chunks(TOGETHER) {
            let facts = self.facts(alerts, None).await?;
            for alert in alerts {
                if let Some(kept) = facts.alert(alert) {
                    titles.insert(alert.clone(), (kept.id, kept.title));
                }
            }
        }
        let row = |one: &Found| {
            let alert = alert_of(&one.row);
            let gone = || (alert.clone(), "(the alert is not kept any more)".to_owned());
            let (id, title) = titles.get(&alert).cloned().unwrap_or_else(gone);
            let at = |name| time(one.row.get_number(name).unwrap_or(0)).to_string();
            let state = match one.state {
                State::Waiting => "waiting",
                State::Dead => "dead",
            };
            OutboxRow {
                number: one.row.get_number(NUMBER).unwrap_or(0),
                sink: one.sink.clone(),
                alert: id,
                title,
                kind: one.row.get_text(KIND).unwrap_or_default().to_owned(),
                state: state.to_owned(),
                attempts: one.row.get_number(ATTEMPTS).and_then(|n| n.try_into().ok()).unwrap_or(0),
                due: at(DUE),
                queued: at(QUEUED),
                error: one.row.get_text(ERROR).map(str::to_owned),
            }
        };
        Ok(found.iter().map(row).collect())
    }

    /// Makes messages due: those that wait since they were queued, dead ones as if they were new, or
    /// their age would put them with the dead letters again at the first failure.
    pub(super) async fn make_due(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        let mut changed = 0;
        let mut found = self.find(choice).await?;
        // From the last to the first, so that of an alert the first one is never the only one left.
        found.sort_by_key(|one| Reverse(one.row.get_number(NUMBER)));
        for one in found {
            let mut new = one.row.clone();
            let get = |name| one.row.get_number(name).unwrap_or(0);
            new.number(DUE, get(DUE).min(get(QUEUED)));
            if one.state == State::Dead {
                new.number(QUEUED, Timestamp::now().as_microsecond());
                new.0.remove(OWNER);
                new.0.remove(MARK);
            }
            let items = self.moved(&one.row.key(), &one.row, new, State::Waiting)?;
            match self.table.transact(items).await {
                Ok(()) => changed += 1,
                // It was sent, dropped or claimed at this moment.
                Err(Fault::Condition(_)) => continue,
                Err(fault) => return Err(fault.told("make messages due")),
            }
            if one.state == State::Dead {
                self.release([alert_of(&one.row)].into()).await?;
            }
        }
        Ok(changed)
    }

    /// Takes messages out.
    pub(super) async fn drop_messages(&self, choice: &OutboxChoice) -> Result<u64, StoreError> {
        let found = self.find(choice).await?;
        let keys = found.iter().map(|one| one.row.key()).collect();
        self.table.delete_all(keys).await.map_err(|fault| fault.told("drop messages"))?;
        let dead = found.iter().filter(|one| one.state == State::Dead);
        self.release(dead.map(|one| alert_of(&one.row)).collect()).await?;
        Ok(found.len() as u64)
    }
}

fn time(micros: i64) -> Timestamp {
    let nearest = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(nearest)
}
