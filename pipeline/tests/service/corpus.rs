//! Small objects in great number, sliced from the records of the example trail.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::program::scan;

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
    /// How often it is told of.
    pub(crate) copies: usize,
}

/// The example trail's folder.
pub(crate) fn trail() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/trail")
}

/// Every file of the example trail, with its path below it.
pub(crate) fn trail_files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(trail()).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let key = entry.path().strip_prefix(trail()).unwrap();
            files.push((key.to_str().unwrap().to_owned(), fs::read(entry.path()).unwrap()));
        }
    }
    files
}

/// So many objects of a few records each, and the ids of the alerts that they give.
///
/// Every second one holds an incident, every tenth the same event as an object before it; every
/// third is told of two to five times.
pub(crate) fn objects(count: usize) -> (Vec<Object>, BTreeSet<String>) {
    let records: Vec<Value> = trail_files().iter().flat_map(|(_, bytes)| unpack(bytes)).collect();
    let told = event_ids(&scan(&trail()));
    let (incidents, others): (Vec<Value>, Vec<Value>) =
        records.into_iter().partition(|record| told.contains(record["eventID"].as_str().unwrap()));
    assert!(!incidents.is_empty() && others.len() > incidents.len());
    let mut event = 0;
    let mut fresh = |record: &Value| {
        event += 1;
        let mut record = record.clone();
        record["eventID"] = json!(format!("00000000-0000-4000-8000-{event:012x}"));
        record
    };
    let mut objects = Vec::new();
    let mut last_incident = None;
    for index in 0..count {
        let plain = (0..3).map(|part| &others[(index * 3 + part) % others.len()]);
        let mut records: Vec<Value> = plain.map(&mut fresh).collect();
        if index % 2 == 0 {
            let incident = fresh(&incidents[index / 2 % incidents.len()]);
            last_incident = Some(incident.clone());
            records.insert(index % 3, incident);
        } else if index % 10 == 5 {
            records.extend(last_incident.clone());
        }
        objects.push(Object {
            key: format!(
                "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02/123456789012_CloudTrail_us-east-1_20260302T0000Z_{index:016}.json.gz"
            ),
            bytes: pack(&records),
            copies: if index % 3 == 0 { 2 + index / 3 % 4 } else { 1 },
        });
    }
    let expected = scanned(&objects);
    assert!(expected.len() * 4 >= count, "only {} alerts", expected.len());
    (objects, expected)
}

/// The ids that `askance scan` gives for objects.
pub(crate) fn scanned(objects: &[Object]) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    for object in objects {
        let path = folder.path().join(&object.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &object.bytes).unwrap();
    }
    ids(&scan(folder.path()))
}

/// The ids of alerts, each of which stands there once.
#[track_caller]
pub(crate) fn ids(alerts: &[Value]) -> BTreeSet<String> {
    let ids: BTreeSet<String> =
        alerts.iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), alerts.len(), "an alert stands there twice");
    ids
}

fn event_ids(alerts: &[Value]) -> BTreeSet<String> {
    alerts.iter().map(|alert| alert["event"]["eventID"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn unpack(bytes: &[u8]) -> Vec<Value> {
    let mut text = bytes.to_vec();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        text.clear();
        MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    }
    let file: Value = serde_json::from_slice(&text).unwrap();
    file["Records"].as_array().unwrap().clone()
}

fn pack(records: &[Value]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(json!({"Records": records}).to_string().as_bytes()).unwrap();
    encoder.finish().unwrap()
}
