//! `askance kinesis`, as far as it goes without AWS: which source is meant, and what is wrong.

use crate::sandbox::Sandbox;

const CONFIG: &str = "\
sources:
  live: {type: kinesis, stream: [trail, other], application: askance-trail, initial_position: 2026-03-02T12:00:00Z}
  in: {type: directory, path: in}
sinks: {out: {type: stdout}}
";

#[test]
fn a_kinesis_source_must_be_there() {
    let sandbox = Sandbox::with("askance.yaml", CONFIG.replace("type: kinesis", "type: kinesi"));
    sandbox.run(&["kinesis", "leases"]).exits(2).says("did you mean \"kinesis\"?");
    sandbox.write("askance.yaml", CONFIG);
    let run = sandbox.run(&["kinesis", "shards", "--source", "in"]);
    run.exits(2).says("askance.yaml has no source of type kinesis named in");
    let empty = Sandbox::new().run(&["kinesis", "leases"]);
    empty.exits(2).says("there is no askance.yaml here: name the configuration with --config FILE");
}

#[test]
fn what_a_kinesis_source_must_not_be_is_told_with_its_place() {
    let check = |from: &str, to: &str, says: &str| {
        let sandbox = Sandbox::with("askance.yaml", CONFIG.replace(from, to));
        sandbox.run(&["config", "check"]).exits(2).says(says);
    };
    Sandbox::with("askance.yaml", CONFIG).run(&["config", "check"]).exits(0).shows("good");
    check("2026-03-02T12:00:00Z", "yesterday", "initial_position");
    check("application: askance-trail, ", "", "\"application\" is missing");
    check("[trail, other]", "[]", "the list must not be empty");
    check("type: kinesis,", "type: kinesis, mode: pushed,", "fan_out");
}
