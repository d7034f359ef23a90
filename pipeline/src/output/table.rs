//! Alerts as a table that a person reads: when, how bad, what, who, where, on what.

use std::io::{self, IsTerminal as _, Write as _};

use askance_stages::model::{Actor, Alert, Level};

use super::clean::{clean, fit, pad, width};
use super::{AlertWriter, Out};

/// How the table looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct TableStyle {
    /// Columns of the terminal; `None` for a file or pipe, where nothing is cut.
    pub columns: Option<usize>,
    /// Colours by level.
    pub has_colours: bool,
}

impl TableStyle {
    /// For standard output as it is: a terminal of some width, or a file or pipe.
    pub fn of_stdout() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let columns = is_terminal
            .then(|| terminal_size::terminal_size().map(|(columns, _)| columns.0.into()))
            .flatten();
        let wants_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { columns, has_colours: is_terminal && !wants_plain }
    }
}

/// Writes a heading and a line for each alert.
pub struct TableWriter {
    out: Out,
    style: TableStyle,
    widths: [usize; 6],
    has_heading: bool,
    /// Headings and widths of columns before the usual ones.
    marks: Vec<(&'static str, usize)>,
}

/// Terminals with fewer columns get several lines for each alert.
const NARROW: usize = 72;

const HEADING: [&str; 6] = ["TIME (UTC)", "LEVEL", "WHAT", "WHO", "WHERE", "ON WHAT"];

impl TableWriter {
    /// Writes to `out`.
    pub fn new(out: Out, style: TableStyle) -> Self {
        Self::with_marks(out, style, &[])
    }

    /// Writes to `out` with columns of these headings and widths before the usual ones.
    pub fn with_marks(out: Out, style: TableStyle, marks: &[(&'static str, usize)]) -> Self {
        let taken: usize = marks.iter().map(|(_, columns)| columns + 2).sum();
        let columns = style.columns.map(|columns| columns.saturating_sub(taken));
        let style = TableStyle { columns, ..style };
        let widths = widths(columns);
        Self { out, style, widths, has_heading: false, marks: marks.to_vec() }
    }

    /// Writes one alert with what stands in the columns before the usual ones.
    ///
    /// # Errors
    /// When it cannot be written; a closed pipe is one such case.
    pub fn marked(&mut self, marks: &[&str], alert: &Alert) -> io::Result<()> {
        self.heading()?;
        let cells = cells(alert);
        let marks = self.marks_line(marks.iter().copied());
        if let Some(columns) = self.narrow() {
            return self.block(&marks, &cells, columns);
        }
        self.line(&marks, &cells, Some(colour(alert.level)))
    }

    fn marks_line<'m>(&self, marks: impl Iterator<Item = &'m str>) -> String {
        let cell = |(mark, (_, columns)): (&str, &(_, usize))| pad(&clean(mark), *columns) + "  ";
        marks.zip(&self.marks).map(cell).collect()
    }

    /// The columns of a terminal that is too narrow for a line for each alert.
    fn narrow(&self) -> Option<usize> {
        self.style.columns.filter(|columns| *columns < NARROW)
    }

    fn line(&mut self, marks: &str, cells: &[String; 6], colour: Option<&str>) -> io::Result<()> {
        let mut line = marks.to_owned();
        for (index, (cell, columns)) in cells.iter().zip(self.widths).enumerate() {
            if index > 0 {
                line.push_str("  ");
            }
            let is_wide = self.style.columns.is_none() && width(cell) > columns;
            let text = if is_wide { cell.clone() } else { pad(cell, columns) };
            match colour.filter(|_| index == 1 && self.style.has_colours) {
                Some(colour) => line.push_str(&format!("{colour}{text}\x1b[0m")),
                None => line.push_str(&text),
            }
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    /// On a narrow terminal each alert takes four lines.
    fn block(&mut self, marks: &str, cells: &[String; 6], columns: usize) -> io::Result<()> {
        let [time, level, what, who, place, on_what] = cells;
        // The marks took their room from the columns.
        let columns = columns + width(marks);
        let lines = [
            format!("{marks}{time}  {level}"),
            format!("  {what}"),
            format!("  {who}, {place}"),
            format!("  {on_what}"),
        ];
        lines.iter().try_for_each(|line| writeln!(self.out, "{}", fit(line, columns)))
    }

    fn heading(&mut self) -> io::Result<()> {
        if self.has_heading || self.narrow().is_some() {
            return Ok(());
        }
        self.has_heading = true;
        let marks: Vec<&str> = self.marks.iter().map(|(heading, _)| *heading).collect();
        let marks = self.marks_line(marks.into_iter());
        self.line(&marks, &HEADING.map(str::to_owned), None)
    }
}

impl AlertWriter for TableWriter {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.marked(&[], alert)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What stands in a line, harmless whatever is in the alert.
fn cells(alert: &Alert) -> [String; 6] {
    let unknown = || "unknown".to_owned();
    let time = alert.time.as_ref().map_or_else(unknown, |time| {
        // RFC 3339 to the second, with a space: 2023-07-10 11:42:36.
        time.chars().take(19).collect::<String>().replace('T', " ")
    });
    // What the events of a correlation do not share is not told of them all.
    let several = || if alert.correlation.is_some() { "several".to_owned() } else { unknown() };
    let place =
        [&alert.account, &alert.region].map(|part| part.clone().unwrap_or_else(several)).join(" ");
    let mut ids = alert.distinct_resources().map(|resource| short(&resource.id));
    let on_what = match (ids.next(), ids.count()) {
        _ if alert.correlation.is_some() => {
            let count = alert.correlation.as_ref().map_or(0, |it| it.count);
            format!("{count} event{}", if count == 1 { "" } else { "s" })
        }
        (None, _) => "-".to_owned(),
        (Some(first), 0) => first,
        (Some(first), more) => format!("{first} +{more}"),
    };
    let level = if alert.level == Level::Informational { "info" } else { alert.level.name() };
    let who = match &alert.actor {
        actor if *actor == Actor::default() => several(),
        actor => who(actor),
    };
    [time, level.to_uppercase(), alert.rule.title.clone(), who, place, on_what]
        .map(|cell| clean(&cell))
}

/// Widths of the columns: the last four share what the first two leave.
fn widths(columns: Option<usize>) -> [usize; 6] {
    let Some(columns) = columns else { return [19, 8, 52, 32, 27, 24] };
    let rest = columns.max(NARROW) - 19 - 8 - 5 * 2;
    // An account and a region take 27 columns; where there is no room the account goes first.
    let place = if rest >= 100 { 27 } else { rest * 22 / 100 };
    let what = (rest - place) * 46 / 100;
    let who = (rest - place) * 28 / 100;
    [19, 8, what, who, place, rest - place - what - who]
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Critical => "\x1b[1;37;41m",
        Level::High => "\x1b[1;31m",
        Level::Medium => "\x1b[33m",
        Level::Low => "\x1b[36m",
        Level::Informational => "\x1b[2m",
    }
}

/// The actor in a few words: role and session, user, or service.
pub fn who(actor: &Actor) -> String {
    let name = actor.name.as_deref().unwrap_or("unknown");
    match (actor.kind.as_deref(), actor.session.as_deref()) {
        // Behind a permission set the session is the person, who matters more than the set.
        (Some("AssumedRole"), Some(person)) if permission_set(name).is_some() => {
            format!("{person} ({})", permission_set(name).unwrap_or(name))
        }
        (Some("AssumedRole"), Some(session)) if session != name => format!("{name}/{session}"),
        (Some("IAMUser"), _) => format!("user {name}"),
        (Some("AWSService"), _) => format!("service {name}"),
        (Some("AWSAccount"), _) => format!("account {name}"),
        (Some("FederatedUser"), _) => format!("federated {name}"),
        (Some("SAMLUser" | "WebIdentityUser" | "IdentityCenterUser"), _) => {
            format!("person {name}")
        }
        _ => name.to_owned(),
    }
}

/// The readable part of a role that Identity Center made: `AWSReservedSSO_NAME_16 hex digits`.
fn permission_set(name: &str) -> Option<&str> {
    let inner = name.strip_prefix("AWSReservedSSO_").and_then(|rest| rest.rsplit_once('_'));
    inner.map(|(set, _)| set)
}

/// An ARN without its beginning, which says what the row says already.
fn short(id: &str) -> String {
    match id.strip_prefix("arn:") {
        Some(rest) => {
            rest.splitn(5, ':').nth(4).filter(|id| !id.is_empty()).unwrap_or(id).to_owned()
        }
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fill_the_terminal_and_no_more() {
        for columns in [72, 80, 100, 132, 200, 400] {
            let sum: usize = widths(Some(columns)).iter().sum::<usize>() + 5 * 2;
            assert_eq!(sum, columns);
        }
    }

    #[test]
    fn actors_are_readable() {
        let actor = |kind: &str, name: &str, session: Option<&str>| Actor {
            kind: Some(kind.into()),
            name: Some(name.into()),
            session: session.map(str::to_owned),
            ..Actor::default()
        };
        assert_eq!(who(&actor("AssumedRole", "Admin", Some("mika"))), "Admin/mika");
        let sso = "AWSReservedSSO_PowerUser_ca656aeedf7f634d";
        assert_eq!(who(&actor("AssumedRole", sso, Some("mika@a.b"))), "mika@a.b (PowerUser)");
        assert_eq!(who(&actor("IAMUser", "mika", None)), "user mika");
        assert_eq!(who(&actor("Root", "root", None)), "root");
        assert_eq!(who(&Actor::default()), "unknown");
        assert_eq!(short("arn:aws:s3:::films"), "films");
        assert_eq!(short("arn:aws:iam::111122223333:role/x:y"), "role/x:y");
    }
}
