//! Cases of rules: examples that a rule must hit, and examples that it must miss.
//!
//! A case file stands beside its rule, `NAME.cases.yml` beside `NAME.yml`:
//!
//! ```yaml
//! rule: <id of the rule>
//! cases:
//!     - name: a bucket opened to everyone
//!       expect: hit
//!       event: {eventName: PutBucketAcl, ...}
//!     - name: the same but denied
//!       expect: miss
//!       like: a bucket opened to everyone
//!       set: {errorCode: AccessDenied}     # dotted paths; a number indexes a list
//!     - name: the same without the grant
//!       expect: miss
//!       like: a bucket opened to everyone
//!       remove: [requestParameters.acl]
//! ```
//!
//! What is known besides the event stands in the case too: see [`known`].
//! A case of a correlation has `events` instead of `event`: see [`series`].

mod change;
mod known;
mod series;
mod trial;

use askance_stages::sigma::SourceFile;
use askance_stages::yaml::{self, Fault, Mapping, Node};
use serde_json::Value;

use self::change::json;
use self::known::Known;
use self::series::Series;
use crate::rulebook;

pub use trial::{Trial, Why};

/// All cases of one file.
#[derive(Debug)]
pub struct CaseFile {
    /// Its path.
    pub path: String,
    /// Id of the rule or correlation.
    pub rule: String,
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// One example.
#[derive(Debug)]
pub struct Case {
    /// A short fact in words.
    pub name: String,
    /// The rule must match it; else it must not.
    pub is_hit: bool,
    /// The records: of a rule one, of a correlation as many as it takes.
    pub events: Vec<Value>,
    /// It is written as `events`.
    pub is_series: bool,
    /// What the events are made of, where there are several.
    series: Vec<Series>,
    /// What is known besides the event.
    known: Known,
    /// Line in its file.
    pub line: usize,
    /// The name of the case that it is like.
    pub like: Option<String>,
    /// What was changed from that case.
    pub changes: Vec<String>,
}

#[cfg(test)]
impl Case {
    /// What is known besides the events.
    pub fn enrich(&self) -> askance_stages::enrich::Enrich {
        self.known.enrich().expect("it was tried when it was read").unwrap_or_default()
    }
}

/// Reads a case file; `None` if the file is none.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn read(file: &SourceFile<'_>) -> Option<Result<CaseFile, Vec<String>>> {
    let is_named_so = rulebook::is_case_file(&file.path);
    let node = match yaml::parse_one(&file.text) {
        Ok(node) => node,
        // Other files are the rule reader's to complain about.
        Err(faults) => return is_named_so.then(|| Err(told(file, &faults))),
    };
    let top = match node.mapping() {
        Ok(top) => top,
        Err(fault) => return is_named_so.then(|| Err(told(file, &[fault]))),
    };
    let mut faults = top.unknown_keys(&["rule", "cases"]);
    let Some(list) = top.get("cases") else {
        faults.push(Fault::new(node.position, "`cases` is missing: a list of examples"));
        return is_named_so.then(|| Err(told(file, &faults)));
    };
    let rule = match top.get("rule").map(Node::text) {
        Some(Ok(rule)) => rule.to_owned(),
        Some(Err(fault)) => {
            faults.push(fault);
            String::new()
        }
        None => {
            faults.push(Fault::new(node.position, "`rule` is missing: the id of the rule"));
            String::new()
        }
    };
    let mut cases: Vec<Case> = Vec::new();
    match list.sequence() {
        Ok(list) => {
            for node in list {
                match case(node, &cases) {
                    Ok(case) => cases.push(case),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        Err(fault) => faults.push(fault),
    }
    if faults.is_empty() {
        return Some(Ok(CaseFile { path: file.path.to_string(), rule, cases }));
    }
    Some(Err(told(file, &faults)))
}

/// Faults, a line each, with their places.
fn told(file: &SourceFile<'_>, faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| {
            let hint = fault.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
            let place = fault.position;
            format!("{}:{}:{}: {}{hint}", file.path, place.line, place.column, fault.message)
        })
        .collect()
}

fn case(node: &Node, earlier: &[Case]) -> Result<Case, Fault> {
    let mapping = node.mapping()?;
    let mut keys = vec!["name", "expect", "event", "events", "like", "set", "remove"];
    keys.extend(series::KEYS);
    keys.extend(known::KEYS);
    if let Some(fault) = mapping.unknown_keys(&keys).into_iter().next() {
        return Err(fault);
    }
    let missing = |key: &str| Fault::new(node.position, format!("`{key}` is missing"));
    let name = mapping.get("name").ok_or_else(|| missing("name"))?.text()?.to_owned();
    if earlier.iter().any(|case| case.name == name) {
        return Err(Fault::new(node.position, format!("a second case named \"{name}\"")));
    }
    let expect = mapping.get("expect").ok_or_else(|| missing("expect"))?;
    let is_hit = match expect.text()? {
        "hit" => true,
        "miss" => false,
        _ => return Err(Fault::new(expect.position, "`expect` must be `hit` or `miss`")),
    };
    let (is_series, mut series, base) =
        match (mapping.get("event"), mapping.get("events"), mapping.get("like")) {
            (Some(event), None, None) => (false, vec![Series::of(json(event)?)], Known::default()),
            (None, Some(events), None) => (true, series::read(events, earlier)?, Known::default()),
            (None, None, Some(like)) => {
                let base = find(earlier, like)?;
                (base.is_series, base.series.clone(), base.known.clone())
            }
            _ => {
                return Err(Fault::new(
                    node.position,
                    "a case has one of `event`, `events`, `like`",
                ));
            }
        };
    let like = mapping.get("like").and_then(Node::as_str).map(str::to_owned);
    if let Some(fault) = misplaced(mapping, is_series) {
        return Err(fault);
    }
    let (known, mut changes) = Known::read(mapping, base, earlier)?;
    known.enrich().map_err(|why| Fault::new(node.position, why))?;
    if is_series {
        let how = series::How::read(mapping)?;
        changes.extend(how.words());
        series.iter_mut().for_each(|it| it.how.override_by(&how));
    }
    for change in change::written(mapping)? {
        changes.push(change.words());
        series::change_some(is_series, &mut series, &change)?;
    }
    let events = if is_series {
        series::events(&series).map_err(|why| Fault::new(node.position, why))?
    } else {
        series.iter().map(|it| it.event.clone()).collect()
    };
    let line = node.position.line;
    Ok(Case { name, is_hit, events, is_series, series, known, line, like, changes })
}

/// What is wrong with a key that does not go with one event, or with several.
fn misplaced(mapping: &Mapping, is_series: bool) -> Option<Fault> {
    let (others, wanted): (&[&str], _) =
        if is_series { (&known::KEYS, "event") } else { (&series::KEYS, "events") };
    let entry = mapping.entries.iter().find(|entry| others.contains(&entry.key.as_str()))?;
    let message = format!("`{}` is for cases with `{wanted}`", entry.key);
    Some(Fault::new(entry.key_position, message))
}

/// The earlier case that `like` names.
fn find<'c>(earlier: &'c [Case], like: &Node) -> Result<&'c Case, Fault> {
    let name = like.text()?;
    earlier.iter().find(|case| case.name == name).ok_or_else(|| {
        Fault::new(like.position, format!("there is no earlier case named \"{name}\""))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_case_file_is_read_and_faults_have_their_place() {
        let file =
            |text: &'static str| SourceFile { path: "x.cases.yml".into(), text: text.into() };
        let read_one = |text| read(&file(text)).unwrap();
        let cases = read_one(
            "rule: r\ncases:\n- {name: one, expect: hit, event: {a: '1', b: 2}}\n\
             - {name: two, expect: miss, like: one, set: {a: 3}, remove: [b]}\n",
        )
        .unwrap();
        assert_eq!(cases.cases[1].events, [json!({"a": 3})]);
        assert_eq!(cases.cases[1].changes, ["a = 3", "without b"]);
        let faults =
            read_one("rule: r\ncases:\n- {name: one, expect: perhaps, event: {}}\n").unwrap_err();
        assert_eq!(faults, ["x.cases.yml:3:23: `expect` must be `hit` or `miss`"]);
        let broken = read_one("rule: r\ncases: [\n").unwrap_err();
        assert!(broken[0].starts_with("x.cases.yml:"), "{broken:?}");
        let rule = SourceFile { path: "x.yml".into(), text: "title: a rule".into() };
        assert!(read(&rule).is_none());
    }
}
