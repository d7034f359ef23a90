//! Alerts as CSV, safe to open in a spreadsheet.

use std::io;

use askance_stages::model::Alert;

use super::clean::clean;
use super::{AlertWriter, Out};

const COLUMNS: [&str; 17] = [
    "id",
    "time",
    "level",
    "rule_id",
    "rule_title",
    "rule_tags",
    "account",
    "region",
    "actor_type",
    "actor_name",
    "actor_arn",
    "actor_account",
    "actor_session",
    "resource",
    "path",
    "index",
    "matched",
];

/// Writes a header and a row for each alert; lists are joined by a space and a semicolon.
pub struct CsvWriter {
    writer: csv::Writer<Out>,
    has_header: bool,
}

impl CsvWriter {
    /// Writes to `out`.
    pub fn new(out: Out) -> Self {
        Self { writer: csv::Writer::from_writer(out), has_header: false }
    }

    fn header(&mut self) -> io::Result<()> {
        if !self.has_header {
            self.has_header = true;
            self.writer.write_record(COLUMNS).map_err(plain)?;
        }
        Ok(())
    }
}

impl AlertWriter for CsvWriter {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.header()?;
        let option = |value: &Option<String>| value.clone().unwrap_or_default();
        let resources: Vec<&str> = alert.resource.iter().map(|r| r.id.as_str()).collect();
        let matched: Vec<String> = alert
            .matched
            .iter()
            .map(|m| {
                let field = m.field.as_deref().unwrap_or("(anywhere)");
                format!("{field}={}", m.value.as_deref().unwrap_or(""))
            })
            .collect();
        let row = [
            alert.id.clone(),
            option(&alert.time),
            alert.level.name().to_owned(),
            alert.rule.id.clone(),
            alert.rule.title.clone(),
            alert.rule.tags.join("; "),
            option(&alert.account),
            option(&alert.region),
            option(&alert.actor.kind),
            option(&alert.actor.name),
            option(&alert.actor.arn),
            option(&alert.actor.account),
            option(&alert.actor.session),
            resources.join("; "),
            alert.origin.path.clone(),
            alert.origin.index.to_string(),
            matched.join("; "),
        ];
        self.writer.write_record(row.map(|cell| guarded(&cell))).map_err(plain)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.writer.flush()
    }
}

/// The error of the file or pipe itself, so that a closed pipe is known as one.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Spreadsheets take a cell that begins like this for a formula; an apostrophe makes it text.
fn guarded(cell: &str) -> String {
    let cell = clean(cell);
    let first = cell.trim_start().chars().next();
    let is_formula =
        matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '|' | '%'));
    if is_formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1"] {
            assert!(guarded(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(guarded("\t=1"), "\\t=1");
        assert_eq!(guarded("a=1"), "a=1");
        assert_eq!(guarded(""), "");
    }
}
