//! The way from sources to workers: bounded, so that sources wait when workers are behind.

use tokio::sync::mpsc;

use crate::sources::envelope::Acked;
use crate::sources::{Ack, Envelope, Fence, Item, Object, Refused, Verdict};
use crate::telemetry::Gauge;

/// Envelopes that may wait for a worker; their bytes are bounded by the budget.
const WAITING: usize = 256;

/// Where sources put envelopes; clones lead to the same workers.
#[derive(Debug, Clone)]
pub struct Intake {
    sender: mpsc::Sender<Envelope>,
    waiting: Gauge,
}

/// The workers' end of an [`Intake`].
pub type Taken = mpsc::Receiver<Envelope>;

impl Intake {
    /// An intake and the workers' end of it; `waiting` shows how many envelopes are on their way.
    pub fn new(waiting: Gauge) -> (Self, Taken) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender, waiting }, receiver)
    }

    /// Hands an object on and waits until everything it gave is committed, or it is given back.
    pub async fn object(&self, object: Object) -> Verdict {
        self.item(Item::Object(object), Ack::new()).await
    }

    /// As [`Intake::object`], but it is given back where the fence no longer holds.
    pub async fn fenced(&self, object: Object, fence: Fence) -> Verdict {
        self.item(Item::Object(object), Ack::fenced(fence)).await
    }

    /// Has something kept among the rejects and waits until it is.
    pub async fn refused(&self, refused: Refused) -> Verdict {
        self.item(Item::Refused(refused), Ack::new()).await
    }

    async fn item(&self, item: Item, (ack, acked): (Ack, Acked)) -> Verdict {
        let _counted = Counted::begin(&self.waiting);
        let sent = self.sender.send(Envelope { item, ack }).await;
        if sent.is_err() {
            return Verdict::GiveBack;
        }
        acked.verdict().await
    }
}

/// Counts one envelope for as long as it lives, also where waiting for it is given up.
struct Counted<'g>(&'g Gauge);

impl<'g> Counted<'g> {
    fn begin(gauge: &'g Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
