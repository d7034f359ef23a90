//! Files that cannot be read, and things in the place of files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::records::{RULE, trail_of};
use crate::sandbox::{Sandbox, finish};

/// Somebody who is not root; the number need not be in any list of users.
const NOBODY: u32 = 65_534;

/// A folder of two good files.
fn folder() -> Sandbox {
    let sandbox = Sandbox::with("in/1.json", trail_of(&["a"]));
    sandbox.write("in/3.json", trail_of(&["b"]));
    sandbox
}

#[test]
fn a_file_of_zero_bytes_is_told() {
    let sandbox = folder();
    sandbox.write("in/2.json", "");
    let run = sandbox.scan(&["in"]);
    run.exits(3).found(&["a", "b"]).says_line("askance: in/2.json: is empty");
    run.says_line("could not be read: 1 empty").says("3 files, ");
}

#[test]
fn nothing_on_standard_input_is_told() {
    folder().scan(&["-"]).exits(3).says("askance: -: is empty");
}

#[test]
fn a_file_of_blanks_or_of_empty_gzip_is_empty() {
    let sandbox = folder();
    sandbox.write("blank.json", " \n\t\n");
    sandbox.write("mark.json", "\u{feff}\n");
    sandbox.write("empty.gz", crate::records::gzip(""));
    sandbox.write("empty.zst", crate::records::zstd(""));
    for name in ["blank.json", "mark.json", "empty.gz", "empty.zst"] {
        let run = sandbox.scan(&[name]);
        run.exits(3).says(&format!("askance: {name}: is empty")).says("1 empty");
    }
}

#[test]
fn a_pipe_in_a_folder_is_told_and_not_waited_for() {
    let sandbox = folder();
    let made = Command::new("mkfifo").arg(sandbox.path("in/2.json")).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo is there");
    let run = sandbox.scan(&["in"]);
    run.exits(3).found(&["a", "b"]).says_line("could not be read: 1 unreadable");
    run.says("askance: in/2.json: cannot be read: is a pipe, a socket or a device, not a file");
}

#[test]
fn an_input_that_is_not_there_is_told_and_the_others_are_read() {
    let run = folder().scan(&["nowhere.json", "in"]);
    run.exits(3).found(&["a", "b"]).says("1 unreadable");
    run.says("askance: nowhere.json: cannot be read: no such file or directory");
}

#[test]
fn an_empty_folder_is_nothing_to_find() {
    let sandbox = folder();
    fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.scan(&["empty"]).exits(0).says("0 files").says("no alerts");
}

#[test]
fn a_folder_in_place_of_a_file_is_told() {
    let sandbox = folder();
    for option in ["--output", "--config", "--placeholders"] {
        let run = sandbox.scan(&["in/1.json", option, "in"]);
        run.exits(2).says(" in").says("directory");
        assert_eq!(run.out, "");
    }
    let run = sandbox.run(&["explain", "in", "--event", "a"]);
    run.exits(2).says("cannot read in: is a folder");
    // A folder of rules is fine, and one that is named like a rule is only a folder.
    sandbox.write("rules/odd.yml/own.yml", RULE);
    sandbox.scan(&["in", "--rules", "rules"]).exits(2).says("bucket-deleted");
    let args = ["scan", "in", "--rules", "rules", "--format", "jsonl"];
    sandbox.run(&args).exits(0).found(&["a", "b"]);
}

#[test]
fn output_that_cannot_be_made_is_wrong_use() {
    let run = folder().scan(&["in", "--output", "no/such/folder/out.jsonl"]);
    run.exits(2).says("no/such/folder/out.jsonl");
}

/// Runs as somebody who is not root, if this is root.
#[track_caller]
fn unprivileged(sandbox: &Sandbox, args: &[&str]) -> Option<crate::sandbox::Run> {
    let mut command = sandbox.scan_command(args);
    if fs::metadata(sandbox.path(".")).unwrap().uid() == 0 {
        fs::set_permissions(sandbox.path("."), fs::Permissions::from_mode(0o755)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
        if command.spawn().is_err() {
            eprintln!("skipped: root reads everything, and another user may not run the binary");
            return None;
        }
    }
    Some(finish(&mut command, b""))
}

#[test]
fn a_file_without_permission_is_told_and_others_are_read() {
    let sandbox = folder();
    sandbox.write("in/2.json", trail_of(&["x"]));
    fs::set_permissions(sandbox.path("in/2.json"), fs::Permissions::from_mode(0o000)).unwrap();
    let Some(run) = unprivileged(&sandbox, &["in"]) else { return };
    run.exits(3).found(&["a", "b"]).says("askance: in/2.json: cannot be read");
    run.says("permission denied").says("1 unreadable");
}

#[test]
fn a_folder_without_permission_is_told_and_others_are_read() {
    let sandbox = folder();
    sandbox.write("in/2/x.json", trail_of(&["x"]));
    fs::set_permissions(sandbox.path("in/2"), fs::Permissions::from_mode(0o000)).unwrap();
    let run = unprivileged(&sandbox, &["in"]);
    fs::set_permissions(sandbox.path("in/2"), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(run) = run else { return };
    run.exits(3).found(&["a", "b"]).says("askance: in/2: cannot be read");
    run.says("permission denied").says("1 unreadable");
}

#[test]
fn a_file_that_vanishes_is_told_and_others_are_read() {
    let sandbox = folder();
    symlink("gone.json", sandbox.path("in/2.json")).unwrap();
    let run = sandbox.scan(&["in"]);
    run.exits(3).found(&["a", "b"]).says("askance: in/2.json: cannot be read");
    run.says("no such file or directory").says("1 unreadable");
    let run = sandbox.scan(&["in/2.json", "in/1.json"]);
    run.exits(3).found(&["a"]).says("askance: in/2.json: cannot be read");
}

#[test]
fn links_that_lead_in_circles_are_told_and_end() {
    let sandbox = folder();
    symlink("../in", sandbox.path("in/2")).unwrap();
    let run = sandbox.scan(&["in"]);
    run.exits(3).found(&["a", "b"]).says("askance: in/2: cannot be read");
    run.says("leads back to in").says("1 unreadable");
    fs::remove_file(sandbox.path("in/2")).unwrap();
    symlink("2.json", sandbox.path("in/2.json")).unwrap();
    let run = sandbox.scan(&["in"]);
    run.exits(3).found(&["a", "b"]).says("askance: in/2.json: cannot be read");
}

#[test]
fn links_to_files_and_folders_are_followed() {
    let sandbox = folder();
    sandbox.write("elsewhere/x.json", trail_of(&["x"]));
    symlink("../elsewhere", sandbox.path("in/2")).unwrap();
    sandbox.scan(&["in"]).exits(0).found(&["a", "x", "b"]);
}
