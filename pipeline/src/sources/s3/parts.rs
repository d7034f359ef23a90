//! A large object in ranges, several at once: one connection to S3 gives some 80 MB/s at best.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};

use super::body::{Gathered, share};
use super::fetch::{Fetch, Fetched, room};
use super::outcome::{Fault, Outcome};
use crate::runtime::retry::Backoff;
use crate::sources::SourceContext;
use crate::sources::shown::shown;

/// Bytes of a range.
const PART: u64 = 4 << 20;

/// Ranges at once.
const AT_ONCE: usize = 4;

/// How often a range is asked for before the object is given up.
const ATTEMPTS: u32 = 8;

impl Fetch<'_> {
    /// Fetches an object of that size and ETag (without quotes), which may change no more.
    pub(super) async fn in_parts(
        &self,
        context: &SourceContext,
        size: u64,
        etag: &str,
    ) -> Result<Option<Fetched>, Fault> {
        let hold = room(context, share(size) + AT_ONCE as u64 * PART).await?;
        let mut gathered = Gathered::with_room(size).await.map_err(|error| self.no_room(&error))?;
        let starts = (0..size.div_ceil(PART)).map(|number| number * PART);
        let part = |at: u64| self.part(context, at, (at + PART).min(size), (size, etag));
        let mut parts = stream::iter(starts).map(part).buffered(AT_ONCE);
        while let Some(part) = parts.next().await {
            gathered.push(&part?).await.map_err(|error| self.no_room(&error))?;
        }
        drop(parts);
        let body = gathered.finish().await.map_err(|error| self.no_room(&error))?;
        context.metrics.bytes(size);
        let key = self.ledger_key(etag);
        Ok(Some(Fetched { key, body, length: size, hold, written: None }))
    }

    async fn part(
        &self,
        context: &SourceContext,
        at: u64,
        end: u64,
        of: (u64, &str),
    ) -> Result<Bytes, Fault> {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(10));
        loop {
            let fault = match self.attempt_part(at, end, of).await {
                Ok(bytes) => return Ok(bytes),
                Err(fault) => fault,
            };
            let is_last = backoff.attempts() + 1 >= ATTEMPTS;
            let can_help = matches!(fault.outcome, Outcome::Throttled | Outcome::Unreachable);
            if !can_help || is_last {
                return Err(fault);
            }
            self.again(context, &fault);
            if !backoff.wait(&context.stop).await {
                return Err(fault);
            }
        }
    }

    async fn attempt_part(&self, at: u64, end: u64, of: (u64, &str)) -> Result<Bytes, Fault> {
        let (size, etag) = of;
        let answer = self.get(Some((at, Some(end - 1), &format!("\"{etag}\"")))).await?;
        let expected = format!("bytes {at}-{}/{size}", end - 1);
        if answer.content_range() != Some(expected.as_str()) {
            let range = answer.content_range().unwrap_or("everything");
            let why = format!("asked for {expected}, was sent {}", shown(range));
            return Err(Fault::new(
                Outcome::Changed,
                format!("cannot read {}: {why}", self.address()),
            ));
        }
        let body = answer.body.collect().await;
        let bytes = body.map_err(|error| self.odd(&shown(&error.to_string())))?.into_bytes();
        if bytes.len() as u64 != end - at {
            return Err(self.odd(&format!("a range of {} bytes has {}", end - at, bytes.len())));
        }
        Ok(bytes)
    }
}
