//! Alerts as JSON: one a line, or one array.

use std::io::{self, Write};

use askance_stages::model::Alert;

use super::{AlertWriter, Out};

/// One alert a line.
pub struct JsonLinesWriter {
    out: Out,
}

impl JsonLinesWriter {
    /// Writes to `out`.
    pub fn new(out: Out) -> Self {
        Self { out }
    }
}

impl AlertWriter for JsonLinesWriter {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, alert)?;
        self.out.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// All alerts in one array, an alert a line.
pub struct JsonArrayWriter {
    out: Out,
    has_any: bool,
}

impl JsonArrayWriter {
    /// Writes to `out`.
    pub fn new(out: Out) -> Self {
        Self { out, has_any: false }
    }
}

impl AlertWriter for JsonArrayWriter {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.out.write_all(if self.has_any { b",\n" } else { b"[\n" })?;
        self.has_any = true;
        Ok(serde_json::to_writer(&mut self.out, alert)?)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(if self.has_any { b"\n]\n" } else { b"[]\n" })?;
        self.out.flush()
    }
}
