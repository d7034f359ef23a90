//! The example trail, read with the built-in rules and as its own README says.

use std::path::Path;

use crate::sandbox::{Run, Sandbox};

/// Runs at the project's root, as the README of the examples has it.
#[track_caller]
fn at_root(args: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(args);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    crate::sandbox::finish(&mut command, b"")
}

#[test]
fn the_example_trail_tells_its_story() {
    let run = at_root(&["scan", "examples/trail"]);
    expect_test::expect![[r#"
        TIME (UTC)           LEVEL     WHAT                                                  WHO                               WHERE                        ON WHAT
        2026-03-02 12:08:17  CRITICAL  EBS snapshot shared with everyone                     tom.becker@media.example.com (DeveloperAccess)  111122223333 us-east-1       snap-0921b8ed2a8889f1e
        2026-03-02 18:14:17  HIGH      Lambda function can be invoked by any AWS account     emma.dubois@media.example.com (PowerUserAccess)  111122223333 us-east-1       rights-sync-prod
        2026-03-02 23:02:17  MEDIUM    VPC flow logs deleted                                 user wire-feed-2                  123456789012 us-east-1       fl-0056b35050d658e88
        2026-03-02 16:46:17  MEDIUM    Instance started or changed to allow the old metadata service  lars.nilsson@media.example.com (NewsroomOperator)  111122223333 ap-northeast-1  i-09a16a1ededb78044
        2026-03-02 09:12:17  HIGH      Security group lets the whole internet reach an admin port  ingrid.dahl@media.example.com (PowerUserAccess)  111122223333 us-east-1       sg-0c5c1257612a35c06
        2026-03-02 21:37:17  HIGH      KMS key scheduled for deletion                        carlos.ruiz@media.example.com (PowerUserAccess)  123456789012 eu-west-1       5c68b18a-3c96-4f3a-9365-a20b515931e4
        2026-03-02 02:13:17  MEDIUM    Attempt to switch off security records refused        yui.mori@media.example.com (DeveloperAccess)  123456789012 us-east-1       trail/management-events
        2026-03-02 02:13:57  LOW       Tunnel through a machine opened by Session Manager    yui.mori@media.example.com (PowerUserAccess)  123456789012 us-east-1       i-0d5b309f66009e1bf
        2026-03-02 15:02:17  HIGH      Console sign-in without a second factor               root                              123456789012 us-east-1       root
        2026-03-02 15:02:17  HIGH      Root user signed in to the console                    root                              123456789012 us-east-1       123456789012
        2026-03-02 10:01:17  MEDIUM    Block public access of a bucket removed or weakened   ingrid.dahl@media.example.com (PowerUserAccess)  444455556666 eu-west-1       media-proxies-dev-47b731
        2026-03-02 10:02:17  HIGH      Bucket policy opens the bucket to everyone            ingrid.dahl@media.example.com (PowerUserAccess)  444455556666 eu-west-1       media-proxies-dev-47b731
        2026-03-02 09:41:17  HIGH      Administrator policy of AWS attached                  ci-deploy/GitHubActions-web-deploy  444455556666 us-east-1       subtitle-scheduler-execution-role
        2026-03-02 13:22:17  MEDIUM    Access key made for another user                      aiko.tanaka@media.example.com (NewsroomOperator)  444455556666 us-east-1       smtp-relay
        2026-03-02 13:22:23  INFO      Role handed to a machine or program by hand           user monitoring                   444455556666 us-east-1       role/epg-worker-execution-role
        2026-03-02 13:22:24  LOW       Container image pushed by hand                        user monitoring                   444455556666 us-east-1       live/cms +1
        2026-03-02 13:22:33  INFO      Role handed to a machine or program by hand           user monitoring                   444455556666 us-east-1       role/epg-worker-execution-role
        2026-03-02 13:23:35  INFO      Role handed to a machine or program by hand           user monitoring                   444455556666 us-east-1       role/subtitle-lambda-execution-role
    "#]].assert_eq(&run.exits(0).out);
    run.says("13 files, ").says(" 629 records ");
    assert!(!run.err.contains("could not be read"), "{}", run.err);
}

#[test]
fn the_example_configuration_changes_the_story() {
    let run = at_root(&["scan", "examples/trail", "--config", "examples/askance.yaml"]);
    run.exits(0).is_calm().shows("Port forwarding into the network through Session Manager");
    let flow = run.out.lines().find(|line| line.contains("VPC flow logs deleted")).unwrap();
    assert!(flow.contains("HIGH"), "{flow}");
    assert!(!run.out.contains("Block public access of a bucket"), "{}", run.out);
}

#[test]
fn the_example_of_a_threat_list_asks_about_what_came_from_there() {
    let run = at_root(&["scan", "examples/trail", "--config", "examples/threat_lists.yaml"]);
    run.exits(0).says("\"203.0.113.57\" in the list \"addresses\"").says("security");
    let asked = run.out.lines().filter(|line| line.contains("on a threat list"));
    let asked: Vec<_> = asked.map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(asked.len(), 1, "{}", run.out);
    assert_eq!(asked[0][1], "15:02:17", "the sign-in of root");
    assert!(!run.err.contains("no list of that name"), "{}", run.err);
}

#[test]
fn the_commands_of_the_examples_run() {
    let placeholders = ["--placeholders", "examples/rules/placeholders.yml"];
    for args in [
        &["scan", "examples/trail", "--rules", "examples/rules", "--builtin"][..],
        &["rules", "check", "examples/rules", "--builtin"],
        &["rules", "test", "examples/rules"],
    ] {
        at_root(&[args, &placeholders].concat()).exits(0).is_calm();
    }
}

#[test]
fn every_example_of_a_configuration_is_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/config");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("there are examples")
        .map(|entry| entry.expect("the folder can be read").file_name())
        .map(|name| name.into_string().expect("the name is text"))
        .collect();
    names.sort();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let run = at_root(&["config", "check", "--config", &format!("examples/config/{name}")]);
        run.exits(0).shows(": good: 515 rules, 76 correlations, ");
        assert!(run.err.is_empty(), "{name}: {}", run.err);
    }
}

#[test]
fn the_example_to_begin_with_is_the_one_in_the_folder() {
    let run = at_root(&["config", "example"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/config/askance.yaml");
    assert_eq!(run.exits(0).out, std::fs::read_to_string(path).expect("it is there"));
}
