//! askance's own form: the alert's JSON behind a few words on what is told of it.

use askance_stages::model::Alert;
use askance_stages::raise::{Group, MessageKind};
use serde::Serialize;

use super::clip::clip;

/// Version of the form: it grows when a key changes its meaning or goes, not when one comes.
const SCHEMA_VERSION: u32 = 1;

/// Longest account that is repeated; real ones have 12 digits.
const MAX_ACCOUNT_CHARS: usize = 64;

/// What stands before the alert's own keys.
#[derive(Debug, Serialize)]
struct Head<'a> {
    schema_version: u32,
    kind: &'static str,
    count: u64,
    first: Option<&'a str>,
    last: Option<&'a str>,
    accounts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut<'a>>,
}

#[derive(Debug, Serialize)]
struct LeftOut<'a> {
    parts: &'a [&'static str],
    whole: String,
}

/// The alert as one JSON object in one line: `schema_version`, `kind` (`new`, `update`, `more`),
/// `count`, `first`, `last` and `accounts` of all that it stands for, and then everything that
/// `docs/alert.schema.json` describes.
///
/// `left_out` names parts that are not there for want of room; the object says so, and where the whole
/// is.
pub fn native(
    alert: &Alert,
    kind: MessageKind,
    group: &Group,
    left_out: &[&'static str],
) -> String {
    let head = Head {
        schema_version: SCHEMA_VERSION,
        kind: kind.name(),
        count: group.count,
        first: group.first.as_deref(),
        last: group.last.as_deref(),
        accounts: group.accounts.iter().map(|account| clip(account, MAX_ACCOUNT_CHARS)).collect(),
        left_out: (!left_out.is_empty()).then(|| LeftOut {
            parts: left_out,
            whole: format!("askance alerts show {}", alert.id),
        }),
    };
    let head = serde_json::to_string(&head).expect("names and numbers are JSON");
    let alert = serde_json::to_string(alert).expect("an alert is JSON");
    // Both are objects with keys: their insides are joined, so that the alert keeps its bytes.
    format!("{},{}", &head[..head.len() - 1], &alert[1..])
}
