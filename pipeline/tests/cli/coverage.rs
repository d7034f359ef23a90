//! `askance rules coverage`: what rules cover, in each form, and what is missing.

use serde_json::Value;

use crate::records::rule;
use crate::sandbox::Sandbox;

/// A rule with tags and a control; its title could be mistaken for a cell of a table.
fn tagged() -> String {
    let text = rule("own", "DeleteBucket").replace("Title of own", "Bucket | deleted");
    text + "tags: [attack.impact, attack.t1485, attack.t9999]\naskance: {controls: [own-1]}\n"
}

#[test]
fn built_in_rules_are_told_by_tactic_service_and_control() {
    let run = Sandbox::new().run(&["rules", "coverage"]);
    run.exits(0).shows("ATT&CK Enterprise 18.1, cloud matrix (IaaS)");
    for line in ["\nDefense Evasion\n", "  T1562.008", "\nServices\n", "\nControls\n"] {
        run.shows(line);
    }
    run.shows("\nCloudTrail cannot show it\n");
    run.shows("AWS Shield and VPC flow logs see it");
}

#[test]
fn rules_that_are_given_are_the_ones_told() {
    let sandbox = Sandbox::new();
    sandbox.write("rules/own.yml", tagged());
    let run = sandbox.run(&["rules", "coverage", "--rules", "rules", "--format", "json"]);
    let told: Value = serde_json::from_str(&run.exits(0).out).unwrap();
    assert_eq!(told["rules"], 1);
    assert_eq!(told["controls"]["own-1"][0]["id"], "own");
    assert_eq!(told["techniques"][0]["name"], "Data Destruction");
    let missing = told["missing"].as_array().unwrap();
    assert!(missing.iter().any(|of| of["id"] == "T1562.008" && of["seen"] == "one"));
    assert!(missing.iter().any(|of| of["id"] == "T1499" && of["seen"] == "no"));
    assert!(!missing.iter().any(|of| of["id"] == "T1485"));
    let page = sandbox.run(&["rules", "coverage", "rules", "--format", "markdown"]);
    page.exits(0).shows("Bucket \\| deleted").shows("https://attack.mitre.org/techniques/T1485/");
    page.shows("## Not in the table of techniques");
}

#[test]
fn the_layer_is_written_beside_the_table() {
    let sandbox = Sandbox::new();
    sandbox.write("rules/own.yml", tagged());
    let args = ["rules", "coverage", "rules", "--navigator", "layer.json"];
    sandbox.run(&args).exits(0).shows("1 rule");
    let layer: Value = serde_json::from_str(&sandbox.read("layer.json")).unwrap();
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["techniques"][0]["techniqueID"], "T1485");
    assert_eq!(layer["techniques"][0]["comment"], "Bucket | deleted");
    let nowhere = ["rules", "coverage", "rules", "--navigator", "no/such/layer.json"];
    sandbox.run(&nowhere).exits(2).says("cannot write no/such/layer.json");
}

#[test]
fn rules_with_errors_are_told_of() {
    let sandbox = Sandbox::new();
    sandbox.write("rules/own.yml", tagged());
    sandbox.write("rules/bad.yml", rule("bad", "X").replace("condition: s", "condition: no s"));
    sandbox.run(&["rules", "coverage", "rules"]).exits(2).says("askance rules check");
}
