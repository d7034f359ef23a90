//! What was seen before: a frozen, versioned table of who did what from where.
//!
//! It holds hashes of 64 bits, so that one of 10 million takes 80 MB. A thing that was not seen is taken
//! for one that was if their hashes are the same: of a million questions on 10 million entries, with a
//! chance of one in two million.

use std::collections::HashSet;
use std::net::IpAddr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::model::{Record, rfc3339};

/// Begins every table.
const MAGIC: &[u8; 8] = b"ASKBASE1";

/// Bytes of the head: magic, first and last event in seconds since 1970, records, entries.
const HEAD: usize = 8 + 8 + 8 + 8 + 8;

/// What is looked at of a record; closed, and part of what tables mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The actor.
    Actor = 1,
    /// The actor and the call.
    ActorCall = 2,
    /// The actor and the network of the address.
    ActorNetwork = 3,
    /// The account and the region.
    AccountRegion = 4,
    /// The account and the service.
    AccountService = 5,
}

impl Seen {
    /// Everything that is looked at.
    pub const ALL: [Self; 5] = [
        Self::Actor,
        Self::ActorCall,
        Self::ActorNetwork,
        Self::AccountRegion,
        Self::AccountService,
    ];
}

/// A table; immutable.
#[derive(Debug, Default, Clone)]
pub struct Baseline {
    /// In order, each once.
    entries: Vec<u64>,
    first: i64,
    last: i64,
    records: u64,
    version: String,
}

/// Why bytes are no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It begins otherwise, or is cut.
    #[error("it is no baseline, or only part of one: make it anew with `askance baseline build`")]
    NotABaseline,
    /// Entries are not in order.
    #[error("the baseline is damaged: make it anew with `askance baseline build`")]
    Damaged,
}

impl Baseline {
    /// Reads a table.
    ///
    /// # Errors
    /// When the bytes are none, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, BaselineError> {
        let numbers = |at: usize| {
            let bytes = bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u64::from_le_bytes).ok_or(BaselineError::NotABaseline)
        };
        if !bytes.starts_with(MAGIC) {
            return Err(BaselineError::NotABaseline);
        }
        let (first, last, records, count) = (numbers(8)?, numbers(16)?, numbers(24)?, numbers(32)?);
        let wanted = usize::try_from(count).ok().and_then(|count| count.checked_mul(8));
        let body = bytes.get(HEAD..).unwrap_or_default();
        // Behind the entries stands a hash of everything before it.
        if wanted.and_then(|wanted| wanted.checked_add(16)) != Some(body.len()) {
            return Err(BaselineError::NotABaseline);
        }
        let (content, hash) = bytes.split_at(bytes.len() - 16);
        let entries: Vec<u64> = body[..body.len() - 16]
            .chunks_exact(8)
            .filter_map(|chunk| chunk.try_into().ok().map(u64::from_le_bytes))
            .collect();
        let digest = Sha256::digest(content);
        if digest[..16] != *hash || !entries.is_sorted_by(|left, right| left < right) {
            return Err(BaselineError::Damaged);
        }
        Ok(Self {
            entries,
            first: first.cast_signed(),
            last: last.cast_signed(),
            records,
            version: version(hash),
        })
    }

    /// The bytes of a table, which [`Self::read`] reads.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.entries.len() * 8 + 16);
        bytes.extend(MAGIC);
        for number in [
            self.first.cast_unsigned(),
            self.last.cast_unsigned(),
            self.records,
            self.entries.len() as u64,
        ] {
            bytes.extend(number.to_le_bytes());
        }
        self.entries.iter().for_each(|entry| bytes.extend(entry.to_le_bytes()));
        let hash = Sha256::digest(&bytes);
        bytes.extend(&hash[..16]);
        bytes
    }

    /// Names what is in it: the same for the same content.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How many different things were seen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many records it is made of, and the times of the first and the last; `None` without any.
    #[must_use]
    pub fn made_of(&self) -> (u64, Option<(String, String)>) {
        let time = |seconds| Timestamp::from_second(seconds).ok().map(rfc3339);
        let span = time(self.first).zip(time(self.last)).filter(|_| self.records > 0);
        (self.records, span)
    }

    /// Was this seen? `None` where the record does not tell what it is about.
    pub(super) fn has(&self, seen: Seen, record: &Record<'_>) -> Option<bool> {
        let key = key(seen, record)?;
        Some(self.entries.binary_search(&key).is_ok())
    }

    /// The same of the texts that it is about: those of [`Field::texts`](crate::model::Field::texts).
    pub(super) fn has_of(&self, seen: Seen, texts: &[&str]) -> Option<bool> {
        Some(self.entries.binary_search(&key_of(seen, texts)?).is_ok())
    }
}

/// A table in the making.
#[derive(Debug, Default)]
pub struct BaselineBuilder {
    entries: HashSet<u64>,
    span: Option<(i64, i64)>,
    records: u64,
}

impl BaselineBuilder {
    /// Takes a record; refused calls are no habit, and are left out.
    pub fn take(&mut self, record: &Record<'_>, time: Option<Timestamp>) {
        if record.text(&["errorCode"]).is_some() {
            return;
        }
        self.records += 1;
        if let Some(second) = time.map(Timestamp::as_second) {
            let (first, last) = self.span.unwrap_or((second, second));
            self.span = Some((first.min(second), last.max(second)));
        }
        self.entries.extend(Seen::ALL.iter().filter_map(|seen| key(*seen, record)));
    }

    /// Adds what another has taken.
    pub fn add(&mut self, other: Self) {
        self.records += other.records;
        self.span = match (self.span, other.span) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (one, other) => one.or(other),
        };
        self.entries.extend(other.entries);
    }

    /// The table.
    #[must_use]
    pub fn finish(self) -> Baseline {
        let mut entries: Vec<u64> = self.entries.into_iter().collect();
        entries.sort_unstable();
        let (first, last) = self.span.unwrap_or_default();
        let mut made =
            Baseline { entries, first, last, records: self.records, version: String::new() };
        let bytes = made.bytes();
        made.version = version(&bytes[bytes.len() - 16..]);
        made
    }
}

fn version(hash: &[u8]) -> String {
    crate::model::hex(hash.get(..8).unwrap_or_default())
}

/// What stands for a thing in the table; `None` where the record does not tell it.
fn key(seen: Seen, record: &Record<'_>) -> Option<u64> {
    let text = |path: &[&str]| record.text(path).filter(|text| !text.is_empty());
    let account = || text(&["recipientAccountId"]).or_else(|| text(&["userIdentity", "accountId"]));
    let service = || text(&["eventSource"]);
    match seen {
        Seen::Actor => key_of(seen, &[actor(record)?]),
        Seen::ActorCall => key_of(seen, &[actor(record)?, service()?, text(&["eventName"])?]),
        Seen::ActorNetwork => key_of(seen, &[actor(record)?, text(&["sourceIPAddress"])?]),
        Seen::AccountRegion => key_of(seen, &[account()?, text(&["awsRegion"])?]),
        Seen::AccountService => key_of(seen, &[account()?, service()?]),
    }
}

/// The same of the texts that it is about.
fn key_of(seen: Seen, texts: &[&str]) -> Option<u64> {
    let network;
    let parts: [&str; 3] = match (seen, texts) {
        (Seen::Actor, [actor]) => [actor, "", ""],
        (Seen::ActorNetwork, [actor, source]) => {
            network = network_of(source)?;
            [actor, &network, ""]
        }
        (Seen::AccountRegion | Seen::AccountService, [account, what]) => [account, what, ""],
        (Seen::ActorCall, [actor, service, name]) => [actor, service, name],
        _ => return None,
    };
    let mut hash = Sha256::new();
    hash.update([seen as u8]);
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..8].try_into().ok().map(u64::from_le_bytes)
}

/// Who acted, the same from session to session: the role, or else the identity itself.
fn actor<'r>(record: &'r Record<'r>) -> Option<&'r str> {
    let issuer = ["userIdentity", "sessionContext", "sessionIssuer", "arn"];
    let text = |path: &[&str]| record.text(path).filter(|text| !text.is_empty());
    text(&issuer)
        .or_else(|| text(&["userIdentity", "arn"]))
        .or_else(|| text(&["userIdentity", "invokedBy"]))
        .or_else(|| text(&["userIdentity", "principalId"]))
}

/// The network of an address: /24, or /48 of IPv6; `None` for what is no address.
fn network_of(source: &str) -> Option<String> {
    match source.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}"))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::enrich::tests::{derive_with, show};
    use crate::enrich::{Enrich, Tables, TablesConfig};
    use crate::model::Field;
    use crate::parse::Parser;

    fn record(name: &str, source: &str) -> Value {
        json!({
            "eventSource": "iam.amazonaws.com", "eventName": name, "awsRegion": "us-east-1",
            "recipientAccountId": "111122223333", "sourceIPAddress": source,
            "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/deploy/one", "sessionContext":
                {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/deploy"}}},
        })
    }

    fn built(records: &[Value]) -> Baseline {
        let mut builder = BaselineBuilder::default();
        for record in records {
            let json = record.to_string();
            let time = "2026-03-02T12:00:00Z".parse().ok();
            Parser::default()
                .parse(json.as_bytes(), |record, _| builder.take(&record, time))
                .unwrap();
        }
        builder.finish()
    }

    #[track_caller]
    fn check(baseline: &Baseline, record: &Value, expected: [&str; 5]) {
        let tables = Tables::from_config(TablesConfig::default()).unwrap();
        let enrich = Enrich { tables: tables.with_baseline(baseline.clone()) };
        let fields = [
            Field::FirstSeenActor,
            Field::FirstSeenActorCall,
            Field::FirstSeenActorNetwork,
            Field::FirstSeenAccountRegion,
            Field::FirstSeenAccountService,
        ];
        let found = fields.map(|field| show(&derive_with(&enrich, field, "", record)));
        assert_eq!(found, expected.map(str::to_owned));
    }

    #[test]
    fn what_was_not_seen_is_new() {
        let baseline = built(&[record("ListUsers", "203.0.113.9")]);
        let (old, new) = ("false", "true");
        check(&baseline, &record("ListUsers", "203.0.113.77"), [old; 5]);
        check(&baseline, &record("CreateUser", "203.0.113.9"), [old, new, old, old, old]);
        check(&baseline, &record("ListUsers", "203.0.114.9"), [old, old, new, old, old]);
        // What is no address has no network.
        check(&baseline, &record("ListUsers", "AWS Internal"), [old, old, "", old, old]);
        let mut elsewhere = record("ListUsers", "203.0.113.9");
        elsewhere["awsRegion"] = json!("sa-east-1");
        elsewhere["eventSource"] = json!("bedrock.amazonaws.com");
        check(&baseline, &elsewhere, [old, new, old, new, new]);
        // Another session of the same role is the same actor.
        let mut session = record("ListUsers", "203.0.113.9");
        session["userIdentity"]["arn"] = json!("arn:aws:sts::111122223333:assumed-role/deploy/two");
        check(&baseline, &session, [old; 5]);
        check(&baseline, &json!({}), [""; 5]);
    }

    #[test]
    fn a_refused_call_is_no_habit() {
        let mut refused = record("ListUsers", "203.0.113.9");
        refused["errorCode"] = json!("AccessDenied");
        assert!(built(&[refused]).is_empty());
    }

    #[test]
    fn a_table_is_read_as_it_was_written_and_damage_is_told() {
        let baseline =
            built(&[record("ListUsers", "203.0.113.9"), record("GetUser", "2001:db8::1")]);
        let bytes = baseline.bytes();
        let read = Baseline::read(&bytes).unwrap();
        assert_eq!((read.version(), read.len()), (baseline.version(), baseline.len()));
        assert_eq!(read.made_of().0, 2);
        assert_eq!(read.version().len(), 16);
        for cut in [0, 7, HEAD, bytes.len() - 1] {
            let error = Baseline::read(&bytes[..cut]).unwrap_err();
            assert_eq!(error, BaselineError::NotABaseline, "{cut}");
        }
        let mut damaged = bytes.clone();
        damaged[HEAD + 3] ^= 1;
        assert_eq!(Baseline::read(&damaged).unwrap_err(), BaselineError::Damaged);
        let order = built(&[record("GetUser", "2001:db8::1"), record("ListUsers", "203.0.113.9")]);
        assert_eq!(order.version(), baseline.version(), "the order of records changes nothing");
    }
}
