//! What sources hand on: an object or a refusal, and the way to tell the source how it ended.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use askance_stages::decode::HashRange;
use askance_stages::filter::FilterConfig;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::runtime::budget::Hold;

/// Something to be worked on, with its acknowledgement riding along.
#[derive(Debug)]
pub struct Envelope {
    /// What it is.
    pub item: Item,
    /// How its source is told.
    pub ack: Ack,
}

/// What an envelope holds.
#[derive(Debug)]
pub enum Item {
    /// Bytes to be read.
    Object(Object),
    /// Something that will not be read: it is kept among the rejects.
    Refused(Refused),
}

/// One object: a file, an S3 object.
#[derive(Debug)]
pub struct Object {
    /// What makes it the same object in the ledger: `s3://bucket/key#etag`, or path, size and time
    /// of a file. `None`: it has no name to be known by again, and is in no ledger.
    pub key: Option<String>,
    /// The source's name.
    pub source: Arc<str>,
    /// Path or address, as alerts name it.
    pub path: String,
    /// Its bytes.
    pub body: Body,
    /// Its share of the bytes that may be in memory.
    pub hold: Hold,
    /// The replay that asks for it; `None`: it is read since it is new.
    pub asked: Option<Arc<Asked>>,
}

/// What a replay asks of an object that was read before, or could have been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The job's name.
    pub job: String,
    /// People may be told of what is found: it is marked as historic. In a report of its own all is.
    pub is_historic: bool,
    /// Which of its events count, besides what the configuration says.
    pub filter: FilterConfig,
}

/// Bytes of an object.
#[derive(Debug)]
pub enum Body {
    /// In memory.
    Bytes(Bytes),
    /// In a file, read from where it stands: objects too large to keep in memory.
    File(File),
    /// Records of a stream that belong together: they are acknowledged as one.
    Batch(Batch),
}

/// Records of one shard, in order.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records.
    pub parts: Vec<Part>,
    /// The hash keys of the shard, where they are known.
    pub range: Option<HashRange>,
}

/// One record of a stream.
#[derive(Debug)]
pub struct Part {
    /// Address of the record, as alerts name it.
    pub path: String,
    /// Its bytes, as they stood in the stream.
    pub data: Bytes,
    /// How many records of the aggregate that it is were done with before.
    pub skip: u64,
}

/// Something that its source could or would not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As in [`Object::key`]; `None` if it is to be looked at again when it comes again.
    pub key: Option<String>,
    /// The source's name.
    pub source: Arc<str>,
    /// Path, address or message.
    pub path: String,
    /// Why, from a closed set: a counter's label.
    pub reason: &'static str,
    /// Why, in words.
    pub detail: String,
    /// Its first bytes.
    pub evidence: Vec<u8>,
}

/// How an envelope ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything of it is committed.
    Done,
    /// Nothing of it is: let it come again.
    GiveBack,
}

/// Whether what an object gives may still be committed: what is read under a lease may not once it is
/// lost.
#[derive(Clone)]
pub struct Fence(Arc<dyn Fn() -> bool + Send + Sync>);

/// Tells a source how its envelope ended; dropped without a word it means [`Verdict::GiveBack`].
#[derive(Debug)]
pub struct Ack {
    sender: oneshot::Sender<Verdict>,
    fence: Option<Fence>,
}

/// The source's end of an [`Ack`].
#[derive(Debug)]
pub struct Acked(oneshot::Receiver<Verdict>);

impl Fence {
    /// Holds for as long as `holds` says so. Once it has said no it must not say yes again: an object
    /// may be handed on in parts, and none may be missing before one that is committed.
    pub fn new(holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }

    /// May it be committed?
    pub fn holds(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fence").field(&self.holds()).finish()
    }
}

impl Ack {
    /// An acknowledgement and the end that waits for it.
    pub fn new() -> (Self, Acked) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, fence: None }, Acked(receiver))
    }

    /// As [`Ack::new`], of what may be committed only while the fence holds.
    pub fn fenced(fence: Fence) -> (Self, Acked) {
        let (ack, acked) = Self::new();
        (Self { fence: Some(fence), ..ack }, acked)
    }

    /// What must hold when it is committed.
    pub fn fence(&self) -> Option<&Fence> {
        self.fence.as_ref()
    }

    /// Everything is committed.
    pub fn done(self) {
        // A source that no longer listens will see the object again, and its ledger row.
        let _ = self.sender.send(Verdict::Done);
    }
}

impl Acked {
    /// Waits for the end.
    pub async fn verdict(self) -> Verdict {
        self.0.await.unwrap_or(Verdict::GiveBack)
    }
}
