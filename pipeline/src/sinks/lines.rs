//! Alerts as lines of JSON, byte for byte as `askance scan` writes them.

use askance_stages::raise::MessageKind;

use super::Notice;

/// A line for each alert that has not been told yet: the new ones, and those that were held back.
pub(super) fn lines(notices: &[Notice]) -> String {
    let untold = notices.iter().filter(|notice| match notice.kind {
        MessageKind::New | MessageKind::More => true,
        MessageKind::Update => false,
    });
    untold.flat_map(|notice| [notice.json.as_str(), "\n"]).collect()
}

/// What arrived at a place that takes lines of JSON.
#[cfg(test)]
pub(super) fn arrived(text: &str) -> Vec<super::contract::Arrived> {
    let one = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let id = value["id"].as_str().or(value["metadata"]["uid"].as_str());
        let id = id.expect("it has an id").to_owned();
        super::contract::Arrived { id, text: line.to_owned() }
    };
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    text.lines().map(one).collect()
}
