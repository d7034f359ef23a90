//! The table: what it looks like in a pipe and on terminals of every width.
//!
//! What hostile logs try to do to it is `hostile`.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use unicode_width::UnicodeWidthStr;

use crate::records::{record, record_with, trail, trail_of};
use crate::sandbox::{Run, Sandbox, finish, piped};

/// Runs a scan on a terminal of its own, if there is `script` to make one.
#[track_caller]
fn on_terminal(sandbox: &Sandbox, columns: usize, environment: &str, args: &str) -> Option<Run> {
    if !Path::new("/usr/bin/script").exists() {
        eprintln!("skipped: there is no `script` to make a terminal");
        return None;
    }
    let binary = env!("CARGO_BIN_EXE_askance");
    let line = format!(
        "stty cols {columns} rows 24; {environment} {binary} scan --rules rule.yml {args} 2>err"
    );
    let mut command = Command::new("/usr/bin/script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(sandbox.path("."));
    piped(&mut command);
    let mut run = finish(&mut command, b"");
    run.err = sandbox.read("err");
    Some(run)
}

/// Text without colours.
fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (code, rest) = part.split_once('m').expect("only colours are sent to the terminal");
        let is_colour = code
            .strip_prefix('[')
            .is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'));
        assert!(is_colour, "{code:?} is no colour");
        text + rest
    })
}

/// Alerts with long and wide words in every column.
fn wide() -> Sandbox {
    let arn =
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_PowerUserAccess_bacabcfd7e37cc44";
    let role = json!({
        "type": "AssumedRole", "arn": format!("{arn}/emma.dubois@media.example.com"),
        "sessionContext": {"sessionIssuer": {"userName": "AWSReservedSSO_PowerUserAccess_bac"}}
    });
    let japanese = json!({"type": "IAMUser", "userName": "監査担当者".repeat(6)});
    let bucket = json!({"bucketName": "映像素材".repeat(12)});
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            record("a"),
            record_with("b", json!({"userIdentity": role, "awsRegion": "ap-northeast-1"})),
            record_with("c", json!({"userIdentity": japanese, "requestParameters": bucket})),
            record_with("d", json!({"eventTime": null, "awsRegion": "x".repeat(300)})),
        ]),
    );
    let title = "Bucket deleted although somebody had said that it should better be kept";
    sandbox.write("rule.yml", sandbox.read("rule.yml").replace("Bucket deleted", title));
    sandbox
}

#[test]
fn the_table_fits_the_terminal() {
    let sandbox = wide();
    for columns in [40, 60, 72, 80, 100, 132, 200, 300] {
        let Some(run) = on_terminal(&sandbox, columns, "", "in.json") else { return };
        let text = plain(&run.exits(0).out);
        let lines: Vec<&str> = text.lines().collect();
        // Where a line for each alert would tell nothing there are four, without a heading.
        let expected = if columns < 72 { 16 } else { 5 };
        assert_eq!(lines.len(), expected, "{text}");
        for line in lines {
            assert!(line.width() <= columns, "{} of {columns} columns: {line}", line.width());
        }
    }
}

#[test]
fn columns_begin_at_the_same_place_in_every_line() {
    let Some(run) = on_terminal(&wide(), 132, "", "in.json") else { return };
    let text = plain(&run.exits(0).out);
    let heading = text.lines().next().unwrap();
    for word in ["LEVEL", "WHAT", "WHO", "WHERE", "ON WHAT"] {
        let begin = heading.find(&format!("  {word}")).unwrap() + 2;
        for line in text.lines().skip(1) {
            let mut column = 0;
            let starts = line.chars().any(|character| {
                let is_here = column == begin;
                column += character.to_string().width();
                is_here && character != ' '
            });
            assert!(starts, "{word} at {begin} in {line:?}\nof\n{text}");
        }
    }
}

#[test]
fn levels_are_coloured_on_a_terminal_unless_told_otherwise() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    let Some(run) = on_terminal(&sandbox, 100, "", "in.json") else { return };
    run.exits(0).shows("\u{1b}[1;31mHIGH");
    for environment in ["NO_COLOR=1", "NO_COLOR=0"] {
        let run = on_terminal(&sandbox, 100, environment, "in.json").unwrap();
        assert!(!run.exits(0).out.contains('\u{1b}'), "{:?} with {environment}", run.out);
    }
    // An empty value is as none, as no-color.org has it.
    on_terminal(&sandbox, 100, "NO_COLOR=", "in.json").unwrap().shows("\u{1b}[1;31mHIGH");
}

#[test]
fn a_pipe_gets_no_colours_and_no_progress_bar() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    let run = sandbox.run(&["scan", "--rules", "rule.yml", "in.json"]);
    for text in [&run.exits(0).out, &run.err] {
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
    }
    assert_eq!(run.err.lines().count(), 3, "the summary alone:\n{}", run.err);
}

#[test]
fn a_file_gets_no_colours_even_from_a_terminal() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    let Some(run) = on_terminal(&sandbox, 100, "", "in.json --output out") else { return };
    run.exits(0);
    let table = sandbox.read("out");
    assert!(table.contains("HIGH") && !table.contains('\u{1b}'), "{table:?}");
}

#[test]
fn the_table_in_a_pipe_is_whole() {
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            record("a"),
            record_with(
                "b",
                json!({"userIdentity": null, "awsRegion": null, "eventTime": null,
            "recipientAccountId": null, "requestParameters": null}),
            ),
            record_with(
                "c",
                json!({"requestParameters": {"bucketName": "b".repeat(63)},
            "eventTime": "2026-03-02T12:08:17.123Z"}),
            ),
        ]),
    );
    let run = sandbox.run(&["scan", "--rules", "rule.yml", "in.json"]);
    expect_test::expect![[r#"
        TIME (UTC)           LEVEL     WHAT                                                  WHO                               WHERE                        ON WHAT
        2026-03-02 12:08:17  HIGH      Bucket deleted                                        user mika                         111122223333 eu-west-1       films
        unknown              HIGH      Bucket deleted                                        unknown                           unknown unknown              -
        2026-03-02 12:08:17  HIGH      Bucket deleted                                        user mika                         111122223333 eu-west-1       bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    "#]]
    .assert_eq(&run.exits(0).out);
}

#[test]
fn a_table_of_nothing_has_no_heading() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    let run = sandbox.run(&["scan", "--rules", "rule.yml", "in.json", "--account", "1"]);
    assert_eq!(run.exits(0).out, "");
    run.says("no alerts");
}

#[test]
fn a_progress_bar_on_a_terminal_leaves_nothing_behind() {
    if !Path::new("/usr/bin/script").exists() {
        eprintln!("skipped: there is no `script` to make a terminal");
        return;
    }
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    let binary = env!("CARGO_BIN_EXE_askance");
    let line = format!("stty cols 100; {binary} scan --rules rule.yml in.json >out");
    let mut command = Command::new("/usr/bin/script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(sandbox.path("."));
    piped(&mut command);
    let run = finish(&mut command, b"");
    // Whatever was drawn is cleared before the summary, which is the last thing on the screen.
    let last = run.exits(0).out.rsplit("\u{1b}[2K").next().unwrap();
    let last = last.trim_start_matches(['\r', '\n']);
    assert!(last.starts_with("1 file, ") && !last.contains('\u{1b}'), "{:?}", run.out);
    assert!(sandbox.read("out").contains("Bucket deleted"));
}
