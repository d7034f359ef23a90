//! How alerts are written: as a table for people, and as JSON lines, JSON or CSV for programs.

pub mod clean;
mod csv;
mod json;
mod table;

use std::io::{self, Write};

use askance_stages::model::Alert;

pub use self::csv::CsvWriter;
pub use self::json::{JsonArrayWriter, JsonLinesWriter};
pub use self::table::{TableStyle, TableWriter, who};

/// Writes alerts one after the other.
pub trait AlertWriter {
    /// Writes one alert.
    ///
    /// # Errors
    /// When it cannot be written; a closed pipe is one such case.
    fn alert(&mut self, alert: &Alert) -> io::Result<()>;

    /// Writes what belongs at the end, and everything that is still held.
    ///
    /// # Errors
    /// As for an alert.
    fn finish(&mut self) -> io::Result<()>;
}

/// Where alerts are written to.
pub type Out = Box<dyn Write>;
