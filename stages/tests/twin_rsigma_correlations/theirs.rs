//! What rsigma tells of rules and events.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_eval::{CorrelationConfig, CorrelationEngine, JsonEvent, TimestampFallback};
use serde_json::Value;

/// All that it tells.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// By id of a correlation and group (fields without a value left out): at which times, in seconds,
    /// and what it measured last at each.
    pub(crate) windows: BTreeMap<(String, BTreeMap<String, String>), BTreeMap<i64, f64>>,
    /// Ids of events, and of the rules that it tells of them.
    pub(crate) single: BTreeSet<(String, String)>,
}

/// Hands it one event after the other; `None` if it refuses the rules.
pub(crate) fn told(yaml: &str, records: &[Value]) -> Option<Told> {
    let collection = rsigma_parser::parse_sigma_yaml(yaml).ok()?;
    if !collection.errors.is_empty() {
        return None;
    }
    let mut engine = CorrelationEngine::new(CorrelationConfig {
        timestamp_fields: vec!["eventTime".to_owned()],
        timestamp_fallback: TimestampFallback::Skip,
        emit_detections: false,
        ..CorrelationConfig::default()
    });
    engine.add_collection(&collection).ok()?;
    let mut told = Told::default();
    for record in records {
        let time: jiff::Timestamp = record["eventTime"].as_str().unwrap().parse().unwrap();
        for result in engine.process_event(&JsonEvent::borrow(record)) {
            let id = result.header.rule_id.clone().unwrap_or_default();
            match result.as_correlation() {
                Some(it) => {
                    let group = it.group_key.iter().cloned().collect();
                    let windows = told.windows.entry((id, group)).or_default();
                    windows.insert(time.as_second(), it.aggregated_value);
                }
                None => {
                    told.single.insert((record["eventID"].as_str().unwrap().to_owned(), id));
                }
            }
        }
    }
    Some(told)
}
