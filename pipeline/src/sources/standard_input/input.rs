//! Standard input as a source: tells what kind of stream it is, hands it on, ends with it.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askance_stages::decode::WHOLE_INPUT;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use super::cutter::{Cut, Cutter, Kind, kind};
use super::pipe::chunks;
use crate::runtime::retry::Backoff;
use crate::sources::{Body, Object, Refused, Source, SourceContext, SourceError, Verdict};

/// How long lines wait for more of them.
const SOON: Duration = Duration::from_secs(1);

/// Most objects in hand; their bytes are bounded by the budget.
const IN_HAND: usize = 8;

/// Bytes of a line that are kept as evidence.
const EVIDENCE: usize = 256;

/// What standard input is called where it came from is told.
const NAME: &str = "-";

type Chunks = mpsc::Receiver<io::Result<Vec<u8>>>;

/// Reads standard input.
///
/// What was read of it cannot come again: an object that is given back is handed on anew, and one
/// that is given back at the end of the program is lost, which is told.
pub struct StandardInput {
    input: Mutex<Option<Box<dyn Read + Send>>>,
}

impl StandardInput {
    /// The process's own.
    pub fn new() -> Self {
        Self::of(io::stdin())
    }

    /// Of something else.
    pub fn of(input: impl Read + Send + 'static) -> Self {
        Self { input: Mutex::new(Some(Box::new(input))) }
    }
}

#[async_trait]
impl Source for StandardInput {
    async fn run(&self, context: SourceContext) -> Result<(), SourceError> {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It is read once; who begins again finds it at its end.
        let Some(input) = input else { return Ok(()) };
        context.metrics.up();
        let mut reader = Input { chunks: chunks(input), context, in_hand: JoinSet::new() };
        let ended = reader.all().await;
        while let Some(ended) = reader.in_hand.join_next().await {
            noted(ended);
        }
        ended.map_err(|error| SourceError {
            attempt: "read standard input".to_owned(),
            cause: format!("{error}: what came before is worked on"),
        })
    }
}

struct Input {
    chunks: Chunks,
    context: SourceContext,
    in_hand: JoinSet<()>,
}

/// What came next.
enum Next {
    Chunk(Vec<u8>),
    End,
    /// Nothing in time.
    Nothing,
    Stopped,
}

impl Input {
    async fn all(&mut self) -> io::Result<()> {
        let mut begin = Vec::new();
        let (kind, is_end) = loop {
            let is_end = match self.next(None).await? {
                Next::Chunk(chunk) => {
                    begin.extend_from_slice(&chunk);
                    false
                }
                Next::End => true,
                Next::Nothing => continue,
                Next::Stopped => {
                    self.left(begin.len());
                    return Ok(());
                }
            };
            match kind(&begin, is_end) {
                Kind::Unknown => {}
                told => break (told, is_end),
            }
        };
        match kind {
            Kind::Lines => self.lines(begin, is_end).await,
            Kind::Whole | Kind::Unknown => self.whole(begin, is_end).await,
        }
    }

    /// Hands lines on as they come.
    async fn lines(&mut self, begin: Vec<u8>, mut is_end: bool) -> io::Result<()> {
        let mut cutter = Cutter::default();
        let mut cuts = Vec::new();
        cutter.push(&begin, &mut cuts);
        let mut due = Instant::now() + SOON;
        let ended = loop {
            for cut in cuts.drain(..) {
                self.cut(cut).await;
            }
            if is_end {
                break Ok(());
            }
            let was_waiting = cutter.is_waiting();
            match self.next(was_waiting.then_some(due)).await {
                Ok(Next::Chunk(chunk)) => {
                    cutter.push(&chunk, &mut cuts);
                    if !was_waiting || !cuts.is_empty() {
                        due = Instant::now() + SOON;
                    }
                }
                Ok(Next::Nothing) => {
                    cuts.extend(cutter.flush());
                    due = Instant::now() + SOON;
                }
                Ok(Next::End) => is_end = true,
                // What is whole is still handed on; the rest of a line is no event.
                Ok(Next::Stopped) => {
                    if let Some(cut) = cutter.flush() {
                        self.cut(cut).await;
                    }
                    return Ok(());
                }
                Err(error) => break Err(error),
            }
        };
        if let Some(cut) = cutter.finish() {
            self.cut(cut).await;
        }
        ended
    }

    /// Gathers everything to its end and hands it on as one object.
    async fn whole(&mut self, begin: Vec<u8>, mut is_end: bool) -> io::Result<()> {
        let mut memory = begin;
        let mut file: Option<File> = None;
        let mut length = memory.len() as u64;
        let ended = loop {
            if memory.len() > WHOLE_INPUT {
                file = Some(spool(file.take(), std::mem::take(&mut memory)).await?);
            }
            if is_end {
                break Ok(());
            }
            match self.next(None).await {
                Ok(Next::Chunk(chunk)) => {
                    length += chunk.len() as u64;
                    memory.extend_from_slice(&chunk);
                }
                Ok(Next::End) => is_end = true,
                Ok(Next::Nothing) => {}
                Ok(Next::Stopped) => {
                    self.left(usize::try_from(length).unwrap_or(usize::MAX));
                    return Ok(());
                }
                Err(error) => break Err(error),
            }
        };
        if length == 0 {
            return ended;
        }
        match file {
            None => self.object(Bytes::from(memory)).await,
            Some(file) => {
                let file = spool(Some(file), memory).await?;
                self.file(file, length).await?;
            }
        }
        ended
    }

    async fn next(&mut self, due: Option<Instant>) -> io::Result<Next> {
        let stop = self.context.stop.clone();
        let chunk = async {
            match due {
                None => Ok(self.chunks.recv().await),
                Some(due) => timeout_at(due, self.chunks.recv()).await,
            }
        };
        let chunk = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Next::Stopped),
            chunk = chunk => chunk,
        };
        match chunk {
            Err(_) => Ok(Next::Nothing),
            Ok(None) => Ok(Next::End),
            Ok(Some(Err(error))) => Err(error),
            Ok(Some(Ok(chunk))) if chunk.is_empty() => Ok(Next::End),
            Ok(Some(Ok(chunk))) => {
                self.context.metrics.bytes(chunk.len() as u64);
                Ok(Next::Chunk(chunk))
            }
        }
    }

    async fn cut(&mut self, cut: Cut) {
        match cut {
            Cut::Lines(lines) => self.object(Bytes::from(lines)).await,
            Cut::TooLong(line) => {
                let detail = format!(
                    "cannot read a line of standard input: it has {} bytes or more",
                    line.len()
                );
                warn!(source = %self.context.name, reason = "too_large", %detail, "refused");
                let refused = Refused {
                    key: None,
                    source: Arc::clone(&self.context.name),
                    path: NAME.to_owned(),
                    reason: "too_large",
                    detail,
                    evidence: line[..line.len().min(EVIDENCE)].to_vec(),
                };
                let context = self.context.clone();
                self.room().await;
                self.in_hand.spawn(async move {
                    let mut backoff = Backoff::usual();
                    while context.intake.refused(refused.clone()).await == Verdict::GiveBack {
                        if !backoff.wait(&context.stop).await {
                            return;
                        }
                    }
                    context.metrics.refused("too_large");
                    context.metrics.objects("refused", 1);
                });
            }
        }
    }

    async fn object(&mut self, bytes: Bytes) {
        self.room().await;
        let (context, length) = (self.context.clone(), bytes.len() as u64);
        self.in_hand
            .spawn(hand_on(context, length, length, move || Ok(Body::Bytes(bytes.clone()))));
    }

    async fn file(&mut self, file: File, length: u64) -> io::Result<()> {
        self.room().await;
        let context = self.context.clone();
        let again = move || {
            let mut again = file.try_clone()?;
            again.seek(SeekFrom::Start(0))?;
            Ok(Body::File(again))
        };
        self.in_hand.spawn(hand_on(context, length, WHOLE_INPUT as u64, again));
        Ok(())
    }

    async fn room(&mut self) {
        while self.in_hand.len() >= IN_HAND {
            if let Some(ended) = self.in_hand.join_next().await {
                noted(ended);
            }
        }
    }

    fn left(&self, bytes: usize) {
        if bytes > 0 {
            warn!(source = %self.context.name, bytes,
                "stopped before the end of standard input: what has come of it is not worked on");
        }
    }
}

/// Hands an object on until it is done; it can't come again by itself.
async fn hand_on(
    context: SourceContext,
    length: u64,
    share: u64,
    body: impl Fn() -> io::Result<Body> + Send + 'static,
) {
    context.metrics.messages(1);
    let mut backoff = Backoff::usual();
    loop {
        let hold = context.budget.acquire(share).await;
        let body = match body() {
            Ok(body) => body,
            Err(error) => {
                error!(source = %context.name, bytes = length, %error, "cannot read what was kept of standard input");
                return;
            }
        };
        context.metrics.in_flight(1);
        let object = Object {
            asked: None,
            key: None,
            source: Arc::clone(&context.name),
            path: NAME.to_owned(),
            body,
            hold,
        };
        let verdict = context.intake.object(object).await;
        context.metrics.in_flight(-1);
        if verdict == Verdict::Done {
            context.metrics.objects("done", 1);
            return;
        }
        context.metrics.objects("given_back", 1);
        if !backoff.wait(&context.stop).await {
            error!(source = %context.name, bytes = length,
                "stopped before this part of standard input was worked on: give it again");
            return;
        }
    }
}

/// Adds to a file without a name.
async fn spool(file: Option<File>, bytes: Vec<u8>) -> io::Result<File> {
    let spooled = tokio::task::spawn_blocking(move || {
        let mut file = match file {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        file.write_all(&bytes)?;
        Ok(file)
    });
    spooled.await.map_err(io::Error::other)?
}

fn noted(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a task of the source ended by a defect: its part of standard input is lost");
    }
}
