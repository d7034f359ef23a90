//! Parses one record's text: as CloudTrail writes it, and fast; else strictly; and leniently where that fails.

use simd_json::{Buffers, Tape};

use super::lenient;
use super::quick::Quick;
use crate::model::{Odd, Record};

/// Parses records one after the other and keeps the buffers between them.
#[derive(Default)]
pub struct Parser {
    quick: Quick,
    copy: Vec<u8>,
    buffers: Buffers,
    tape: Option<Tape<'static>>,
    arena: String,
}

impl Parser {
    /// Parses `text` and hands the record to `then`, with what was odd about it.
    ///
    /// # Errors
    /// Words for people, if not even the lenient reader makes an object of it.
    pub fn parse<R>(
        &mut self,
        text: &[u8],
        then: impl FnOnce(Record<'_>, &[Odd]) -> R,
    ) -> Result<R, String> {
        let mut tape = self.tape.take().unwrap_or_else(|| Tape(Vec::new())).reset();
        if self.quick.parse(text, &mut tape.0) {
            let result = then(Record::strict(&tape.0, text), &[]);
            self.tape = Some(tape.reset());
            return Ok(result);
        }
        let mut tape = tape.reset();
        self.copy.clear();
        self.copy.extend_from_slice(text);
        // simd-json overwrites its input and reads a little past it.
        self.copy.resize(text.len() + simd_json::INPUT_PADDING, 0);
        let strict =
            simd_json::fill_tape_padded(&mut self.copy, text.len(), &mut self.buffers, &mut tape);
        let is_object = matches!(tape.0.first(), Some(simd_json::Node::Object { .. }));
        if strict.is_ok() && is_object {
            let result = then(Record::strict(&tape.0, text), &[]);
            self.tape = Some(tape.reset());
            return Ok(result);
        }
        self.tape = Some(tape.reset());
        let (nodes, odd) = lenient::parse(text, &mut self.arena)?;
        Ok(then(Record::new(&nodes, text), &odd))
    }
}
