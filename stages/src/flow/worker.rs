//! The way of one object: unpacked, cut into records, judged by their bytes, and parsed where a rule
//! could match.

use memchr::memmem;

use super::looking::Looking;
use super::{Detect, NEWEST_EVERY, Output};
use crate::alert::Summaries;
use crate::decode::{Body, Decoder, HashRange, Input, Stream, for_each_inner};
use crate::matcher::{Candidates, Scratch, Verdict};
use crate::model::{Damage, Drop, Pack, Reason, Record, Reject, Times, parse_time};
use crate::parse::{
    Found, Member, Parser, Piece, Splitter, Step, Steps, Structure, Walk, is_envelope, unescape,
};
use crate::tally::Tally;

/// What most records hold that give a key to a service of AWS, behind which nobody is.
const OF_SERVICE: &[u8] = b"\"type\":\"AWSService\"";

/// How much is read from a stream at a time.
const READ: usize = 1 << 20;

/// How deep envelopes may stand in the strings of envelopes.
const MAX_NESTED: u32 = 4;

/// One worker's buffers; runs objects one after the other.
pub struct Worker<'d> {
    decoder: Decoder,
    window: Vec<u8>,
    engine: Engine<'d>,
}

/// What a worker needs besides the unpacked text.
struct Engine<'d> {
    detect: &'d Detect,
    structure: Structure,
    parser: Parser,
    candidates: Candidates,
    scratch: Scratch,
    drop_scratch: Scratch,
    unescaped: String,
    summaries: Summaries,
    pack: Pack,
    /// `eventTime`, `recipientAccountId` and `awsRegion`.
    members: [Member; 3],
    times: Times,
    of_service: memmem::Finder<'static>,
    /// The paths of what excludes rules, by their places.
    excluding: Vec<Steps>,
    /// Records of all objects that were parsed and asked for.
    looked_into: u64,
    /// Takes every record instead of the rules.
    look: Option<Look<'d>>,
}

/// Takes a record and its place.
pub(super) type Look<'l> = &'l mut dyn FnMut(u64, &Record<'_>);

/// One object on its way.
pub(super) struct Run<'r> {
    pub path: &'r str,
    pub tally: Tally,
    /// Place of the next record.
    index: u64,
    /// Offset of the window in the unpacked text.
    base: u64,
    /// Envelopes around, in whose strings this stands.
    nested: u32,
    pub sink: &'r mut dyn FnMut(Output),
    should_stop: &'r dyn Fn() -> bool,
}

impl<'d> Worker<'d> {
    /// Makes a worker.
    #[must_use]
    pub fn new(detect: &'d Detect) -> Self {
        Self::with(detect, None)
    }

    /// Makes one that hands every record to `look` instead of the rules.
    pub(super) fn looking(detect: &'d Detect, look: Look<'d>) -> Self {
        Self::with(detect, Some(look))
    }

    fn with(detect: &'d Detect, look: Option<Look<'d>>) -> Self {
        Self {
            decoder: Decoder::new(detect.config.limits),
            window: Vec::new(),
            engine: Engine {
                detect,
                structure: Structure::new(),
                parser: Parser::default(),
                candidates: Candidates::default(),
                scratch: Scratch::default(),
                drop_scratch: Scratch::default(),
                unescaped: String::new(),
                summaries: Summaries::default(),
                pack: Pack::default(),
                members: ["eventTime", "recipientAccountId", "awsRegion"].map(Member::new),
                times: Times::default(),
                of_service: memmem::Finder::new(OF_SERVICE),
                excluding: detect.rules.excluding_paths().map(Steps::new).collect(),
                looked_into: 0,
                look,
            },
        }
    }

    /// Takes one object from its bytes to alerts; `path` is where it came from.
    ///
    /// `should_stop` is asked now and then; once it says yes, the rest of the object is left. The
    /// tally is of what was done until then.
    pub fn run(
        &mut self,
        input: Input<'_>,
        path: &str,
        sink: &mut dyn FnMut(Output),
        should_stop: &dyn Fn() -> bool,
    ) -> Tally {
        let tally = Tally::default();
        let mut run = Run { path, tally, index: 0, base: 0, nested: 0, sink, should_stop };
        let engine = &mut self.engine;
        // Taken apart and put together, the reader may live shorter than the caller said.
        let input = match input {
            Input::Whole(bytes) => Input::Whole(bytes),
            Input::Parts(head, rest) => Input::Parts(head, &mut *rest),
        };
        match self.decoder.open(input) {
            Err(damage) => run.damage(damage),
            Ok(Body::Whole(text)) => {
                run.tally.bytes_text = text.len() as u64;
                if is_blank(text) && !should_stop() {
                    run.reject(Reason::Empty, text, 0, String::new());
                } else {
                    engine.whole(text, &mut run);
                }
            }
            Ok(Body::Stream(mut stream)) => engine.stream(&mut stream, &mut self.window, &mut run),
        }
        run.tally
    }
}

impl Worker<'_> {
    /// Takes one record of a stream, as [`Self::run`] takes an object; what it may hold, `skip` and
    /// `range` are as [`for_each_inner`] has them.
    pub fn run_record(
        &mut self,
        record: &[u8],
        (skip, range): (u64, Option<HashRange>),
        path: &str,
        sink: &mut dyn FnMut(Output),
        should_stop: &dyn Fn() -> bool,
    ) -> Tally {
        let mut tally = Tally::default();
        for_each_inner(record, (skip, range), &mut tally, |inner, tally| match inner {
            Ok((data, place)) => {
                let path = place.map_or(path.to_owned(), |place| format!("{path}#{place}"));
                tally.add(&self.run(Input::Whole(data), &path, sink, should_stop));
            }
            Err(reject) => sink(Output::Reject(reject)),
        });
        tally
    }
}

impl Engine<'_> {
    fn whole(&mut self, text: &[u8], run: &mut Run<'_>) {
        let mut splitter = Splitter::new(self.structure);
        while !(run.should_stop)() {
            match splitter.next(text, true) {
                Step::Piece(piece) => self.piece(piece, text, run),
                Step::More | Step::End => break,
            }
        }
    }

    fn stream(&mut self, stream: &mut Stream<'_>, window: &mut Vec<u8>, run: &mut Run<'_>) {
        let mut splitter = Splitter::new(self.structure);
        let mut damage: Option<Damage> = None;
        let (mut filled, mut is_last, mut is_blank) = (0, false, true);
        while !(run.should_stop)() {
            match splitter.next(&window[..filled], is_last) {
                // What ends early because the bytes are damaged is told as that damage alone.
                Step::Piece(Piece::Rejected(Reason::CutJson, _)) if damage.is_some() => {}
                Step::Piece(piece) => self.piece(piece, &window[..filled], run),
                Step::End => break,
                Step::More if is_last => break,
                Step::More => {
                    let done = splitter.keep_from();
                    window.copy_within(done..filled, 0);
                    filled -= done;
                    run.base += done as u64;
                    splitter.rebase();
                    if window.len() < filled + READ {
                        window.resize(filled + READ, 0);
                    }
                    let read = stream.read(&mut window[filled..filled + READ]);
                    let count = read.unwrap_or_else(|found| {
                        damage = Some(found);
                        0
                    });
                    is_blank &= window[filled..filled + count].trim_ascii().is_empty();
                    filled += count;
                    run.tally.bytes_text += count as u64;
                    is_last = count == 0;
                }
            }
        }
        match damage {
            Some(damage) => run.damage(damage),
            None if is_last && is_blank && !(run.should_stop)() => {
                run.reject(Reason::Empty, &[], 0, String::new());
            }
            None => {}
        }
    }

    fn piece(&mut self, piece: Piece, window: &[u8], run: &mut Run<'_>) {
        match piece {
            Piece::Record { is_event: false, .. } => run.not_cloudtrail(),
            Piece::Record { range, has_unicode_escape, is_event: true } => {
                let offset = range.start;
                self.record(&window[range], has_unicode_escape, offset, run);
            }
            Piece::Quoted(range) => {
                let offset = range.start;
                let mut text = std::mem::take(&mut self.unescaped);
                unescape(&window[range], &mut text);
                self.quoted(text.trim().as_bytes(), offset, run);
                self.unescaped = text;
            }
            Piece::Dropped(Drop::NotCloudTrail) => run.not_cloudtrail(),
            Piece::Dropped(reason) => run.tally.drop(reason),
            Piece::Odd(odd) => run.tally.odd(odd),
            Piece::Rejected(reason, range) => {
                if matches!(reason, Reason::NotObject | Reason::TooLarge | Reason::TooDeep) {
                    run.next_record();
                }
                let offset = range.start;
                run.reject(reason, &window[range], offset, String::new());
            }
        }
    }

    /// What stood in a string: a record, within the same bounds as others, or some other line.
    fn quoted(&mut self, text: &[u8], offset: usize, run: &mut Run<'_>) {
        if !text.starts_with(b"{") {
            return run.not_cloudtrail();
        }
        if is_envelope(self.structure, text) {
            return self.nested(text, offset, run);
        }
        let mut walk = Walk::default();
        if self.structure.find_end(&mut walk, text, true) == Found::TooDeep {
            run.next_record();
            return run.reject(Reason::TooDeep, text, offset, String::new());
        }
        self.record(text, walk.has_unicode_escape, offset, run);
    }

    /// An envelope in a string of another.
    fn nested(&mut self, text: &[u8], offset: usize, run: &mut Run<'_>) {
        if run.nested >= MAX_NESTED {
            run.next_record();
            return run.reject(Reason::TooDeep, text, offset, "envelopes in envelopes".to_owned());
        }
        let base = run.base;
        run.base += offset as u64;
        run.nested += 1;
        self.whole(text, run);
        run.nested -= 1;
        run.base = base;
    }

    /// One record, from its text on.
    #[inline]
    fn record(&mut self, text: &[u8], has_unicode_escape: bool, offset: usize, run: &mut Run<'_>) {
        let index = run.next_record();
        if let Some(look) = &mut self.look {
            if let Err(why) = self.parser.parse(text, |record, _| look(index, &record)) {
                run.reject(Reason::BadRecord, text, offset, why);
            }
            return;
        }
        let config = &self.detect.config;
        let verdict = if config.without_prefilter {
            Verdict::All
        } else {
            let Detect { rules, enrich, .. } = self.detect;
            let candidates = &mut self.candidates;
            let verdict = rules.judge(text, has_unicode_escape, enrich, candidates);
            let locate = |path: usize| self.excluding[path].find(self.structure, text);
            rules.strike(text, verdict, enrich, candidates, locate)
        };
        if config.with_newest && index.is_multiple_of(NEWEST_EVERY) && !has_unicode_escape {
            self.note_newest(text, run);
        }
        let config = &self.detect.config;
        let is_unneeded = verdict == Verdict::Pass
            && !config.with_days
            && !(config.with_given && self.may_give(text));
        if is_unneeded {
            let is_open = config.filter.is_open();
            match if is_open { Some(None) } else { self.glance(text) } {
                Some(None) => {
                    run.tally.passed += 1;
                    run.tally.unparsed += 1;
                    return;
                }
                Some(Some(reason)) => {
                    run.tally.drop(reason);
                    run.tally.unparsed += 1;
                    return;
                }
                None => {}
            }
        }
        let (detect, candidates, scratch) = (self.detect, &self.candidates, &mut self.scratch);
        let drop_scratch = &mut self.drop_scratch;
        let (summaries, pack) = (&mut self.summaries, &mut self.pack);
        let looked_into = &mut self.looked_into;
        let parsed = self.parser.parse(text, |record, odd| {
            let mut looking = Looking {
                detect,
                candidates,
                scratch,
                drop_scratch,
                summaries,
                pack,
                looked_into,
                index,
            };
            looking.record(&record, odd, verdict, run);
        });
        if let Err(why) = parsed {
            run.reject(Reason::BadRecord, text, offset, why);
        }
    }
}

impl Engine<'_> {
    /// Could the record that was just judged give a key to somebody who is no service?
    fn may_give(&self, text: &[u8]) -> bool {
        self.candidates.may_give_key() && self.of_service.find(text).is_none()
    }

    /// Notes the time of a record's event for its account, where its bytes tell both.
    fn note_newest(&self, text: &[u8], run: &mut Run<'_>) {
        let [time, account, _] = &self.members;
        let read = |member: &Member| member.text(self.structure, text);
        if let (Some(time), Some(account)) = (read(time).and_then(parse_time), read(account)) {
            run.tally.newest(account, time);
        }
    }

    /// Filters a record that no rule could match, and of which no escape hides a key, by its bytes alone;
    /// `None` if that can't be told.
    fn glance(&mut self, text: &[u8]) -> Option<Option<Drop>> {
        let filter = &self.detect.config.filter;
        let [time, account, region] = &self.members;
        let read = |member: &Member| member.text(self.structure, text);
        let time = match filter.has_time() {
            true => Some(self.times.parse(time.bytes(self.structure, text)?)?),
            false => None,
        };
        let account = if filter.accounts.is_empty() { None } else { Some(read(account)?) };
        let region = if filter.regions.is_empty() { None } else { Some(read(region)?) };
        Some(filter.reason_to_drop(time, account, region))
    }
}

impl Run<'_> {
    /// Counts a record and tells its place.
    fn next_record(&mut self) -> u64 {
        self.tally.records += 1;
        self.index += 1;
        self.index - 1
    }

    fn not_cloudtrail(&mut self) {
        self.next_record();
        self.tally.drop(Drop::NotCloudTrail);
    }

    fn reject(&mut self, reason: Reason, bytes: &[u8], offset: usize, detail: String) {
        self.tally.reject(reason);
        let offset = self.base + offset as u64;
        (self.sink)(Output::Reject(Reject::new(reason, offset, bytes, detail)));
    }

    fn damage(&mut self, damage: Damage) {
        self.tally.reject(damage.reason);
        (self.sink)(Output::Reject(Reject::new(damage.reason, damage.offset, &[], damage.detail)));
    }
}

/// True if there is nothing but white space, behind a byte order mark or without one.
fn is_blank(text: &[u8]) -> bool {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii().is_empty()
}
