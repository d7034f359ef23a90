//! The committed example is what the generator makes, and is what its readers expect.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::*;

fn committed(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>, root: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            committed(&path, files, root);
            continue;
        }
        let mut content = Vec::new();
        let file = fs::File::open(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::GzDecoder::new(file).read_to_end(&mut content).unwrap();
        } else {
            { file }.read_to_end(&mut content).unwrap();
        }
        files.insert(path.strip_prefix(root).unwrap().to_owned(), content);
    }
}

fn events() -> Vec<Value> {
    let records = |file: &ExampleFile| {
        let value: Value = serde_json::from_slice(&file.content).unwrap();
        value["Records"].as_array().unwrap().clone()
    };
    example_trail().iter().flat_map(records).collect()
}

#[test]
fn the_committed_trail_is_what_the_generator_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/trail");
    let mut found = BTreeMap::new();
    committed(&root, &mut found, &root);
    let made = example_trail().into_iter().map(|file| (file.path, file.content)).collect();
    let hint = "run `cargo run -p askance-benches -- trail --out examples/trail`";
    assert!(found == made, "examples/trail differs from what the generator makes: {hint}");
}

#[test]
fn there_are_about_six_hundred_events_and_one_comes_twice() {
    let events = events();
    assert!((550..700).contains(&events.len()), "{}", events.len());
    let mut ids: Vec<_> = events.iter().map(|event| event["eventID"].as_str().unwrap()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(all - ids.len(), 1);
}

#[test]
fn the_denied_attempt_is_denied_and_the_others_are_done() {
    let events = events();
    let planted: Vec<_> = example_trail().into_iter().flat_map(|file| file.incidents).collect();
    assert_eq!(planted.len(), 12);
    for (name, id) in planted {
        let event = events.iter().find(|event| event["eventID"] == id.as_str()).unwrap();
        assert_eq!(event.get("errorCode").is_some(), name == "trail-stopped", "{name}");
    }
}

#[test]
fn addresses_and_keys_are_those_of_documentation() {
    for event in events() {
        let address = event["sourceIPAddress"].as_str().unwrap_or("AWS Internal");
        let known = ["192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:", "10.", "AWS Internal"];
        let is_known = known.iter().any(|start| address.starts_with(start));
        assert!(is_known || address.ends_with(".amazonaws.com"), "{address}");
        let key = event["userIdentity"]["accessKeyId"].as_str().unwrap_or_default();
        assert!(key.is_empty() || key.ends_with("EXAMPLE") && key.len() == 20, "{key}");
    }
}
