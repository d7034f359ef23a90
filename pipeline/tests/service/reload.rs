//! Changed rules and routes are taken over while objects flow, and a bad file changes nothing.

use std::fs;
use std::process::Command;

use askance_benches::mmdb::mmdb;
use serde_json::{Value, json};

use crate::corpus::{ids, objects};
use crate::program::{Home, Program, get, scan, wait};

/// A folder to read and a file to write to; `more` are further sections.
fn config(more: &str) -> String {
    format!(
        "sources: {{inbox: {{type: directory, path: in}}}}\n\
         sinks: {{log: {{type: file, path: alerts.jsonl}}, other: {{type: file, path: other.jsonl}}}}\n\
         store: {{type: sqlite, path: askance.db}}\n\
         alerts: {{merge_window: 0s}}\n\
         metrics: {{listen: \"127.0.0.1:0\"}}\n{more}"
    )
}

const OWN_RULES: &str = "rules: {paths: [rules], builtin: false}\nroutes: [{to: [log]}]\n";

fn rule(title: &str) -> String {
    format!(
        "title: {title}\nid: 5d9c3b52-6d3a-4c8e-9d52-0a4f3f8f1c11\nlevel: high\n\
         logsource: {{product: aws, service: cloudtrail}}\n\
         detection: {{chosen: {{eventName: StopLogging}}, condition: chosen}}\n"
    )
}

fn home(more: &str) -> Home {
    let home = Home::new(&config(more), []);
    fs::create_dir(home.path("in")).unwrap();
    fs::create_dir(home.path("rules")).unwrap();
    home
}

/// Puts a file into the folder that is read, whole at once.
fn put(home: &Home, name: &str, bytes: &[u8]) {
    let part = home.path("in").join(format!(".{name}.part"));
    fs::write(&part, bytes).unwrap();
    fs::rename(part, home.path("in").join(name)).unwrap();
}

fn stop_logging(id: u32) -> Vec<u8> {
    let record = json!({
        "eventVersion": "1.08", "eventTime": "2026-03-02T10:00:00Z", "eventName": "StopLogging",
        "eventSource": "cloudtrail.amazonaws.com", "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333", "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "userIdentity": {"type": "Root", "accountId": "111122223333"},
    });
    serde_json::to_vec(&json!({ "Records": [record] })).unwrap()
}

fn titles(home: &Home, file: &str) -> Vec<String> {
    let title = |alert: &Value| alert["rule"]["title"].as_str().unwrap().to_owned();
    home.alerts(file).iter().map(title).collect()
}

fn metric(program: &Program, line: &str) -> bool {
    let (status, page) = get(&format!("{}/metrics", program.pages()));
    assert_eq!(status, 200);
    page.lines().any(|found| found == line)
}

fn taken(line: &Value) -> bool {
    line["message"] == "took over the changed configuration"
}

#[test]
fn changed_rules_and_routes_are_taken_over_by_signal_and_by_themselves() {
    let home = home(OWN_RULES);
    fs::write(home.path("rules/one.yml"), rule("Before")).unwrap();
    let mut program = home.start();
    put(&home, "1.json", &stop_logging(1));
    wait("the first alert", || titles(&home, "alerts.jsonl") == ["Before"]);

    fs::write(home.path("rules/one.yml"), rule("After a signal")).unwrap();
    program.signal("HUP");
    program.until("that the signal is heard", taken);
    put(&home, "2.json", &stop_logging(2));
    wait("the second alert", || titles(&home, "alerts.jsonl") == ["Before", "After a signal"]);

    home.configure(&config(&OWN_RULES.replace("to: [log]", "to: [other]")));
    program.until("that the file is seen", taken);
    put(&home, "3.json", &stop_logging(3));
    wait("the third alert", || titles(&home, "other.jsonl") == ["After a signal"]);
    assert_eq!(titles(&home, "alerts.jsonl").len(), 2);
    assert!(metric(&program, "askance_config_reloads_total{outcome=\"ok\"} 2"));
    program.stop();
}

#[test]
fn a_bad_file_keeps_the_old_one_and_says_so() {
    let home = home(OWN_RULES);
    fs::write(home.path("rules/one.yml"), rule("Good")).unwrap();
    let mut program = home.start();

    for (name, bad, said) in [
        ("askance.yaml", config("routes: [{to: [nobody]}]\n"), "no sink is named \"nobody\""),
        ("rules/one.yml", rule("Bad").replace("eventName", "eventName|contians"), "contians"),
    ] {
        let good = fs::read_to_string(home.path(name)).unwrap();
        fs::write(home.path(name), bad).unwrap();
        program.signal("HUP");
        program.until("that the bad file is refused", |line| {
            line["error"].as_str().is_some_and(|error| error.contains(said))
        });
        assert!(metric(&program, "askance_config_is_current 0"));
        assert_eq!(check(&home).code(), Some(2), "config check tells it too");
        put(&home, &format!("{}.json", name.len()), &stop_logging(name.len() as u32));
        fs::write(home.path(name), good).unwrap();
        program.signal("HUP");
        program.until("that the good file is taken over", taken);
        assert!(metric(&program, "askance_config_is_current 1"));
        assert_eq!(check(&home).code(), Some(0));
    }
    wait("both alerts", || titles(&home, "alerts.jsonl") == ["Good", "Good"]);
    assert!(metric(&program, "askance_config_reloads_total{outcome=\"failed\"} 2"));
    program.stop();
}

#[test]
fn a_database_of_addresses_that_is_replaced_is_taken_over_by_itself() {
    let home = home(&format!("{OWN_RULES}enrich: {{geo: {{city: city.mmdb}}}}\n"));
    fs::write(home.path("rules/one.yml"), rule("One")).unwrap();
    let place = |country: &str| {
        let networks = [("81.2.69.0/24", json!({ "country": { "iso_code": country } }))];
        fs::write(home.path("new"), mmdb("Made-Up-Country", true, &networks)).unwrap();
        fs::rename(home.path("new"), home.path("city.mmdb")).unwrap();
    };
    let event = |id: u32| {
        let text = String::from_utf8(stop_logging(id)).unwrap();
        let from = "\"eventVersion\":\"1.08\",\"sourceIPAddress\":\"81.2.69.142\"";
        text.replace("\"eventVersion\":\"1.08\"", from).into_bytes()
    };
    let countries = || -> Vec<String> {
        let country = |alert: &Value| alert["source"]["country"].to_string();
        home.alerts("alerts.jsonl").iter().map(country).collect()
    };
    place("GB");
    let mut program = home.start();
    put(&home, "1.json", &event(1));
    wait("the first alert", || countries() == ["\"GB\""]);
    place("ZZ");
    program.until("that the new one is seen", taken);
    put(&home, "2.json", &event(2));
    wait("the second alert", || countries() == ["\"GB\"", "\"ZZ\""]);
    // One that is damaged leaves the good one in place.
    fs::write(home.path("city.mmdb"), b"none").unwrap();
    program.until("that the bad one is refused", |line| {
        line["error"].as_str().is_some_and(|error| error.contains("city.mmdb for enrich.geo.city"))
    });
    put(&home, "3.json", &event(3));
    wait("the third alert", || countries() == ["\"GB\"", "\"ZZ\"", "\"ZZ\""]);
    program.stop();
}

fn check(home: &Home) -> std::process::ExitStatus {
    let mut command = Command::new(env!("CARGO_BIN_EXE_askance"));
    command.args(["config", "check", "--config"]).arg(home.path("askance.yaml"));
    command.output().unwrap().status
}

#[test]
fn no_object_is_lost_while_rules_are_taken_over_again_and_again() {
    let home = home("routes: [{to: [log]}]\n");
    let mut program = home.start();
    let (objects, expected) = objects(60);
    for (number, object) in objects.iter().enumerate() {
        put(&home, &format!("{number}.json.gz"), &object.bytes);
        if number % 5 == 0 {
            program.signal("HUP");
            program.until("that the signal is heard", taken);
        }
    }
    wait("all alerts", || home.alerts("alerts.jsonl").len() >= expected.len());
    program.stop();
    assert_eq!(ids(&home.alerts("alerts.jsonl")), expected);
    assert_eq!(ids(&scan(&home.path("in"))), expected);
}
