//! Lists of values by name, for `%placeholders%` of rules and for what is known of sources: YAML, JSON or CSV,
//! with end dates, or text.
//!
//! ```yaml
//! trusted_networks: [203.0.113.0/24]
//! loud_roles:
//!     - deploy
//!     - {value: migration, until: 2026-12-31, owner: platform, reason: moves the archive}
//! ```
//!
//! A CSV file is one list of its own name: it has a column `value`, and may have `until`, `owner` and
//! `reason`. So is a file of text (`.txt`, `.netset`, `.ipset`), as lists of threats are published: a value a
//! line; what stands behind `#` or `;` at the beginning of a line, or behind a space, is a remark.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use askance_stages::sigma::ast::Place;
use askance_stages::sigma::{Ended, Ending, parse_day};
use askance_stages::yaml::{self, Fault, Kind, Node};
use jiff::civil::Date;

/// Endings of files of text.
const TEXT: [&str; 3] = ["txt", "netset", "ipset"];

/// Longest file.
const MAX_BYTES: u64 = 64 << 20;

/// Values by name.
#[derive(Debug, Default)]
pub struct Lists {
    /// Those that hold today.
    pub values: BTreeMap<String, Vec<String>>,
    /// Those that do not any more.
    pub ended: Vec<Ended>,
    /// Some end later.
    pub has_ends: bool,
    /// Names of lists all of whose values have ended.
    pub emptied: BTreeSet<String>,
}

impl Lists {
    /// Adds a file's lists; one of the same name takes the earlier one's place.
    ///
    /// # Errors
    /// In words, with the line.
    pub fn read(&mut self, path: &Path, today: Date) -> Result<(), String> {
        let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
        if length > MAX_BYTES {
            return Err(format!("it is larger than {MAX_BYTES} bytes"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "csv" => self.csv(path, &text, today),
            ending if TEXT.contains(&ending) => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let values: Vec<_> = text.lines().filter_map(value_of_line).collect();
                let count = values.len();
                self.keep(name, values, count);
                Ok(())
            }
            _ => self.yaml(path, &text, today),
        }
    }

    fn yaml(&mut self, path: &Path, text: &str, today: Date) -> Result<(), String> {
        let told = |faults: Vec<Fault>| {
            let line = |fault: &Fault| {
                let place = fault.position;
                format!("{} at line {}:{}", fault.message, place.line, place.column)
            };
            faults.iter().map(line).collect::<Vec<_>>().join("; ")
        };
        let one = |fault: Fault| told(vec![fault]);
        let node = yaml::parse_one(text).map_err(told)?;
        for entry in &node.mapping().map_err(one)?.entries {
            let name = entry.key.trim_matches('%').to_owned();
            let items: Vec<&Node> = match &entry.value.kind {
                Kind::Sequence(items) => items.iter().collect(),
                Kind::Scalar(_) | Kind::Mapping(_) => vec![&entry.value],
            };
            let mut values = Vec::with_capacity(items.len());
            for item in &items {
                let place = Place {
                    file: Arc::from(path.to_string_lossy().as_ref()),
                    line: item.position.line,
                    column: item.position.column,
                };
                let (value, ending) = item_of(item).map_err(one)?;
                self.take(&name, &mut values, (value, ending), place, today);
            }
            self.keep(name, values, items.len());
        }
        Ok(())
    }

    fn csv(&mut self, path: &Path, text: &str, today: Date) -> Result<(), String> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|error| error.to_string())?.clone();
        let column = |wanted: &str| headers.iter().position(|header| header == wanted);
        let value = column("value").ok_or("its first line names no column \"value\"")?;
        let [until, owner, reason] = ["until", "owner", "reason"].map(column);
        let (mut values, mut count) = (Vec::new(), 0);
        for row in reader.records() {
            count += 1;
            let row = row.map_err(|error| error.to_string())?;
            let line = row.position().map_or(0, csv::Position::line);
            let cell = |at: Option<usize>| {
                at.and_then(|at| row.get(at)).filter(|text| !text.is_empty()).map(str::to_owned)
            };
            let text = cell(Some(value)).ok_or_else(|| format!("no value at line {line}"))?;
            let until = match cell(until) {
                Some(text) => Some(parse_day(&text).ok_or_else(|| {
                    format!("until: {text:?} is no day at line {line} (write 2026-12-31)")
                })?),
                None => None,
            };
            let ending = Ending { until, owner: cell(owner), reason: cell(reason) };
            let file = Arc::from(path.to_string_lossy().as_ref());
            let line = usize::try_from(line).unwrap_or_default();
            let place = Place { file, line, column: 1 };
            self.take(&name, &mut values, (text, ending), place, today);
        }
        self.keep(name, values, count);
        Ok(())
    }

    fn keep(&mut self, name: String, values: Vec<String>, written: usize) {
        if values.is_empty() && written > 0 {
            self.emptied.insert(name.clone());
        } else {
            self.emptied.remove(&name);
        }
        self.values.insert(name, values);
    }

    fn take(
        &mut self,
        name: &str,
        values: &mut Vec<String>,
        (value, ending): (String, Ending),
        place: Place,
        today: Date,
    ) {
        if ending.is_over(today) {
            let title = format!("{value:?} in the list {name:?}");
            self.ended.push(Ended { place, title, ending });
            return;
        }
        self.has_ends |= ending.until.is_some();
        values.push(value);
    }
}

/// The value of a line of text, without the remark.
fn value_of_line(line: &str) -> Option<String> {
    let remarks = ["#", ";"].iter().filter(|mark| line.trim_start().starts_with(**mark)).count();
    let value = [" #", " ;", "\t#", "\t;"]
        .iter()
        .fold(line, |line, mark| line.split_once(mark).map_or(line, |(value, _)| value));
    Some(value.trim()).filter(|value| remarks == 0 && !value.is_empty()).map(str::to_owned)
}

/// An item, and until when it holds.
fn item_of(node: &Node) -> Result<(String, Ending), Fault> {
    let Some(mapping) = node.as_mapping() else {
        return Ok((node.text()?.to_owned(), Ending::default()));
    };
    let known = ["value", "until", "owner", "reason"];
    if let Some(fault) = mapping.unknown_keys(&known).into_iter().next() {
        return Err(fault);
    }
    let missing = || Fault::new(node.position, "`value` is missing");
    let value = mapping.get_some("value").ok_or_else(missing)?.text()?.to_owned();
    Ok((value, Ending::read(mapping)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 29);

    #[track_caller]
    fn read(name: &str, text: &str) -> Result<Lists, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut lists = Lists::default();
        lists.read(&path, TODAY).map(|()| lists)
    }

    #[test]
    fn values_hold_to_the_end_of_their_last_day() {
        let lists = read(
            "lists.yml",
            "a: [x, {value: y, until: 2026-11-29}, {value: z, until: 2026-11-28, owner: o, reason: r}]\n\
             '%b%': single\n",
        )
        .unwrap();
        assert_eq!(lists.values["a"], ["x", "y"]);
        assert_eq!(lists.values["b"], ["single"]);
        assert!(lists.has_ends && lists.emptied.is_empty());
        let told = lists.ended[0].to_string();
        assert!(
            told.ends_with("\"z\" in the list \"a\" ended on 2026-11-28 (o: r): it holds no more"),
            "{told}"
        );
        assert!(told.contains("lists.yml:1:"), "{told}");
    }

    #[test]
    fn json_and_csv_are_lists_too() {
        assert_eq!(
            read("l.json", r#"{"a": ["x", {"value": "y"}]}"#).unwrap().values["a"],
            ["x", "y"]
        );
        let text = "owner, value,until\nme,203.0.113.0/24,\nme,198.51.100.7,2026-01-01\n";
        let lists = read("networks.csv", text).unwrap();
        assert_eq!(lists.values["networks"], ["203.0.113.0/24"]);
        assert_eq!(lists.ended.len(), 1);
        let all = read("l.yml", "a: [{value: x, until: 2026-01-01}]").unwrap();
        assert!(all.emptied.contains("a") && all.values["a"].is_empty());
    }

    #[test]
    fn a_file_of_text_has_a_value_a_line() {
        let text = "# a list\n; of networks\r\n\n1.10.16.0/20 ; SBL256894\r\n2001:db8::/32\t# x\n  192.0.2.7  \n\
                    Mozilla/5.0 (X11; Linux)#1\n";
        for name in ["tor.txt", "tor.netset", "tor.IPSET"] {
            let lists = read(name, text).unwrap();
            let expected =
                ["1.10.16.0/20", "2001:db8::/32", "192.0.2.7", "Mozilla/5.0 (X11; Linux)#1"];
            assert_eq!(lists.values["tor"], expected, "{name}");
            assert!(lists.emptied.is_empty());
        }
    }

    #[test]
    fn faults_are_told_with_their_line() {
        assert_eq!(
            read("l.yml", "a:\n  - {value: x, untli: 2026-01-01}\n").unwrap_err(),
            "unknown key \"untli\" at line 2:16"
        );
        let told = read("l.yml", "a: [{value: x, until: tomorrow}]").unwrap_err();
        assert!(told.contains("until: \"tomorrow\" is no day"), "{told}");
        assert_eq!(
            read("l.csv", "a,b\n1,2\n").unwrap_err(),
            "its first line names no column \"value\""
        );
        assert_eq!(read("l.csv", "value\n\"\"\n").unwrap_err(), "no value at line 2");
    }
}
