//! Fetches one object: known or not, into memory or a file, resumed where it was cut.
//!
//! What the outcome means is told by whoever asked for it.

use std::time::Duration;

use aws_sdk_s3::config::{Builder, ResponseChecksumValidation};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::RequestPayer;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use tracing::debug;

use super::announced::Announced;
use super::body::{Gathered, IN_MEMORY, share};
use super::buckets::Bucket;
use super::outcome::{Fault, Outcome};
use super::pace::Pace;
use crate::runtime::budget::Hold;
use crate::runtime::retry::Backoff;
use crate::sources::shown::shown;
use crate::sources::{Body, SourceContext, is_known};

/// Longest wait for the head of an answer; bytes that stall are noticed by the client itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often an object is begun anew before its message is given back.
const ATTEMPTS: u32 = 4;

/// How often in all a body that was cut is resumed.
const RESUMES: u32 = 20;

/// An object's bytes, and what it is known by.
#[derive(Debug)]
pub struct Fetched {
    /// What makes it the same object in the ledger.
    pub key: String,
    /// Its bytes.
    pub body: Body,
    /// How many.
    pub length: u64,
    /// Their share of the memory.
    pub hold: Hold,
    /// When it was written.
    pub written: Option<Timestamp>,
}

/// One object to be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'f> {
    /// Its bucket.
    pub bucket: &'f Bucket,
    /// What was announced.
    pub object: &'f Announced,
    /// Largest object that is fetched.
    pub max_object: u64,
    /// Told how it goes, where many objects are fetched at once: large ones come in ranges then, and
    /// each attempt is made here and not repeated by the SDK, so that "slow down" is heard each time. The
    /// ledger was asked of all of them before.
    pub pace: Option<&'f Pace>,
}

/// Which part: from this byte on, up to and with that one (`None`: to the end), of this ETag.
type Part<'f> = (u64, Option<u64>, &'f str);

impl Fetch<'_> {
    /// Fetches it; `None` if everything of it is in the ledger.
    ///
    /// # Errors
    /// When it cannot be read, by the outcome's name.
    pub async fn run(&self, context: &SourceContext) -> Result<Option<Fetched>, Fault> {
        if let Some(size) = self.object.size {
            self.within_bounds(size)?;
        }
        // A replay has asked of many at once.
        if let (Some(etag), None) = (&self.object.etag, self.pace)
            && known(context, self.ledger_key(etag)).await?
        {
            return Ok(None);
        }
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        loop {
            let fault = match self.attempt(context).await {
                Ok(fetched) => return Ok(fetched),
                Err(fault) => fault,
            };
            if !fault.outcome.is_transient() || backoff.attempts() + 1 >= ATTEMPTS {
                return Err(fault);
            }
            self.again(context, &fault);
            if !backoff.wait(&context.stop).await {
                return Err(fault);
            }
        }
    }

    /// The object's address, for people.
    pub fn address(&self) -> String {
        let Announced { bucket, key, version, .. } = self.object;
        let version = version.as_ref().map(|version| format!("?versionId={version}"));
        shown_address(&format!("s3://{bucket}/{key}{}", version.unwrap_or_default()))
    }

    pub(super) fn ledger_key(&self, etag: &str) -> String {
        self.object.ledger_key(etag)
    }

    fn within_bounds(&self, size: u64) -> Result<(), Fault> {
        if size <= self.max_object {
            return Ok(());
        }
        let detail = format!(
            "will not read {}: it has {size} bytes, more than `max_object` ({})",
            self.address(),
            self.max_object
        );
        Err(Fault::new(Outcome::TooLarge, detail))
    }

    /// Fetches it from its beginning.
    async fn attempt(&self, context: &SourceContext) -> Result<Option<Fetched>, Fault> {
        let announced = self.object.size;
        if let (Some(size), Some(etag), true) = (announced, &self.object.etag, self.pace.is_some())
            && size > IN_MEMORY
        {
            return self.in_parts(context, size, etag).await;
        }
        // Before anything is read there is room for it, where its size was announced.
        let mut hold = match announced {
            Some(size) => Some(room(context, share(size)).await?),
            None => None,
        };
        let answer = self.get(None).await?;
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| self.odd("the answer does not tell its length"))?;
        self.within_bounds(length)?;
        let etag = answer.e_tag().map(str::to_owned);
        let etag = etag.ok_or_else(|| self.odd("the answer has no ETag"))?;
        let written = answer.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
        let key = self.ledger_key(etag.trim_matches('"'));
        if self.object.etag.as_deref() != Some(etag.trim_matches('"'))
            && known(context, key.clone()).await?
        {
            return Ok(None);
        }
        if announced.is_none_or(|size| share(size) < share(length)) {
            // Given back before more is asked for: who holds and waits could wait for ever.
            drop(hold.take());
            hold = Some(room(context, share(length)).await?);
        }
        let hold = match hold {
            Some(hold) => hold,
            None => room(context, share(length)).await?,
        };
        let gathered = self.gather(context, answer.body, length, &etag).await?;
        let body = gathered.finish().await.map_err(|error| self.no_room(&error))?;
        context.metrics.bytes(length);
        Ok(Some(Fetched { key, body, length, hold, written }))
    }

    /// Reads a body to its end, asking for the rest of it where it is cut.
    async fn gather(
        &self,
        context: &SourceContext,
        mut body: ByteStream,
        length: u64,
        etag: &str,
    ) -> Result<Gathered, Fault> {
        let mut gathered =
            Gathered::with_room(length).await.map_err(|error| self.no_room(&error))?;
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        for resumes in 0.. {
            let before = gathered.length();
            let cut = self.copy(&mut body, &mut gathered, length).await?;
            if gathered.length() == length {
                return Ok(gathered);
            }
            if gathered.length() > before {
                backoff.reset();
            }
            let at = gathered.length();
            let fault = self.odd(&format!("cut after {at} of {length} bytes: {cut}"));
            if resumes >= RESUMES {
                return Err(fault);
            }
            self.again(context, &fault);
            if !backoff.wait(&context.stop).await {
                return Err(fault);
            }
            match self.rest(at, length, etag).await {
                Ok(rest) => body = rest,
                Err(fault)
                    if matches!(fault.outcome, Outcome::Unreachable | Outcome::Throttled) =>
                {
                    body = cut_at_once();
                }
                Err(fault) => return Err(fault),
            }
        }
        Err(self.odd("was cut again and again"))
    }

    /// Copies what comes; tells why it ended. More than `length` is not taken.
    async fn copy(
        &self,
        body: &mut ByteStream,
        into: &mut Gathered,
        length: u64,
    ) -> Result<String, Fault> {
        while let Some(chunk) = body.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return Ok(shown(&deepest(&error))),
            };
            if into.length() + chunk.len() as u64 > length {
                return Err(self.odd("the answer is longer than it said"));
            }
            into.push(&chunk).await.map_err(|error| self.no_room(&error))?;
        }
        Ok("the answer ended".to_owned())
    }

    /// The rest of an object, from byte `at` on.
    async fn rest(&self, at: u64, length: u64, etag: &str) -> Result<ByteStream, Fault> {
        let answer = self.get(Some((at, None, etag))).await?;
        let expected = format!("bytes {at}-{}/{length}", length - 1);
        // A server that does not know ranges sends everything from the beginning.
        if answer.content_range() != Some(expected.as_str()) {
            let range = answer.content_range().unwrap_or("everything");
            let why = format!("asked for {expected}, was sent {}", shown(range));
            return Err(Fault::new(
                Outcome::Changed,
                format!("cannot read {}: {why}", self.address()),
            ));
        }
        Ok(answer.body)
    }

    pub(super) async fn get(&self, part: Option<Part<'_>>) -> Result<GetObjectOutput, Fault> {
        let Announced { bucket, key, version, .. } = self.object;
        let payer = self.bucket.config.requester_pays.then_some(RequestPayer::Requester);
        // What paces itself must hear of every answer, so nothing is tried again below it.
        let client = if self.pace.is_some() { &self.bucket.once } else { &self.bucket.client };
        let request = client
            .get_object()
            .bucket(bucket)
            .key(key)
            .set_version_id(version.clone())
            .set_request_payer(payer);
        let answer = match part {
            None => tokio::time::timeout(PATIENCE, request.send()).await,
            Some((at, end, etag)) => {
                // The checksum of a whole object does not fit a part of it.
                let checks = ResponseChecksumValidation::WhenRequired;
                let config = Builder::new().response_checksum_validation(checks);
                let end = end.map_or_else(String::new, |end| end.to_string());
                let request = request.range(format!("bytes={at}-{end}")).if_match(etag);
                let request = request.customize().config_override(config);
                tokio::time::timeout(PATIENCE, request.send()).await
            }
        };
        let address = self.address();
        match answer {
            Ok(Ok(answer)) => {
                if let Some(pace) = self.pace {
                    pace.went_well();
                }
                Ok(answer)
            }
            Ok(Err(error)) => Err(Fault::of_get(&error, &address)),
            Err(_) => Err(self.odd(&format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    /// The other side behaves in a way that may pass.
    pub(super) fn odd(&self, why: &str) -> Fault {
        Fault::new(Outcome::Unreachable, format!("cannot read {}: {why}", self.address()))
    }

    pub(super) fn again(&self, context: &SourceContext, fault: &Fault) {
        context.metrics.fetch_again();
        if let (Some(pace), Outcome::Throttled) = (self.pace, fault.outcome) {
            pace.slow_down();
        }
        debug!(source = %context.name, %fault, "will try again");
    }

    pub(super) fn no_room(&self, error: &std::io::Error) -> Fault {
        let folder = std::env::temp_dir();
        let detail = format!(
            "cannot keep {} in {}: {error}: large objects need room there, or set TMPDIR",
            self.address(),
            folder.display()
        );
        Fault::new(Outcome::NoRoom, detail)
    }
}

/// Waits for room in memory, or for the end.
pub(super) async fn room(context: &SourceContext, bytes: u64) -> Result<Hold, Fault> {
    tokio::select! {
        hold = context.budget.acquire(bytes) => Ok(hold),
        () = context.stop.cancelled() => Err(stopped()),
    }
}

async fn known(context: &SourceContext, key: String) -> Result<bool, Fault> {
    is_known(context, key).await.ok_or_else(stopped)
}

fn stopped() -> Fault {
    Fault::new(Outcome::Stopped, "was stopped before it was read")
}

fn cut_at_once() -> ByteStream {
    ByteStream::from_static(&[])
}

fn deepest(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(inner) = at.source() {
        at = inner;
    }
    at.to_string()
}

/// Keys may have up to 1,024 bytes, and all of them tell.
fn shown_address(address: &str) -> String {
    crate::output::clean::clean(address)
}
