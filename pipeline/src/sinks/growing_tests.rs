//! Tests of growing files: whatever step a program ends at, each line stands in them once.

use std::fs;

use super::*;

fn growing(folder: &tempfile::TempDir, rotate_at: Option<u64>, keep: u32) -> Growing {
    Growing { path: folder.path().join("alerts.jsonl"), rotate_at, keep }
}

/// The lines of all files, the oldest first.
fn lines(file: &Growing) -> Vec<String> {
    let mut paths: Vec<PathBuf> =
        (1..=file.keep).rev().map(|number| file.numbered(number)).collect();
    paths.push(file.path.clone());
    let texts = paths.iter().map(|path| fs::read_to_string(path).unwrap_or_default());
    texts.collect::<String>().lines().map(str::to_owned).collect()
}

fn append(file: &Growing, mark: &Mark, text: &str) -> Mark {
    file.append(mark, text.as_bytes(), &mut always).unwrap()
}

#[test]
fn what_was_not_committed_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = growing(&folder, None, 1);
    let mark = file.recover(None, &mut always).unwrap();
    let first = append(&file, &mark, "a\nb\n");
    append(&file, &first, "c\n");
    let found = file.recover(Some(&first), &mut always).unwrap();
    assert_eq!(found, first);
    assert_eq!(lines(&file), ["a", "b"]);
    // Not even the first lines ever are written twice.
    assert_eq!(file.recover(Some(&mark), &mut always).unwrap(), mark);
    assert_eq!(lines(&file), Vec::<String>::new());
}

#[test]
fn a_file_that_was_there_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = growing(&folder, None, 1);
    fs::write(&file.path, "old, without an end").unwrap();
    let mark = file.recover(None, &mut always).unwrap();
    let mark = append(&file, &mark, "a\n");
    append(&file, &mark, "b\n");
    assert_eq!(lines(&file), ["old, without an end", "a", "b"]);
}

#[test]
fn a_file_of_somebody_else_is_never_cut() {
    let check = |change: &dyn Fn(&Path), expected: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let file = growing(&folder, None, 3);
        let mark = file.recover(None, &mut always).unwrap();
        let mark = append(&file, &mark, "a\nb\n");
        change(&file.path);
        let mark = append(&file, &mark, "c\n");
        append(&file, &mark, "d\n");
        assert_eq!(lines(&file), expected);
    };
    check(&|path| fs::write(path, "x\n").unwrap(), &["x", "c", "d"]);
    check(&|path| fs::write(path, "").unwrap(), &["c", "d"]);
    check(
        &|path| fs::write(path, "other lines\nand more\n").unwrap(),
        &["other lines", "and more", "c", "d"],
    );
    check(&|path| fs::remove_file(path).unwrap(), &["c", "d"]);
    // Moved away by somebody who moves logs: what was moved stays.
    check(&|path| fs::rename(path, path.with_extension("jsonl.1")).unwrap(), &["a", "b", "c", "d"]);
}

#[test]
fn a_file_put_in_the_place_of_an_empty_one_is_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let file = growing(&folder, None, 1);
    let mark = file.recover(None, &mut always).unwrap();
    let other = folder.path().join("other");
    fs::write(&other, "x\n").unwrap();
    fs::rename(other, &file.path).unwrap();
    append(&file, &mark, "a\n");
    assert_eq!(lines(&file), ["x", "a"]);
}

#[test]
fn old_files_are_kept_up_to_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let file = growing(&folder, Some(4), 2);
    let mut mark = file.recover(None, &mut always).unwrap();
    for line in ["a\n", "b\n", "c\n", "d\n", "e\n", "f\n", "g\n"] {
        mark = append(&file, &mark, line);
    }
    assert_eq!(lines(&file), ["c", "d", "e", "f", "g"]);
    assert_eq!(mark.generation, 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    // What is larger than a file may be goes into one of its own.
    mark = append(&file, &mark, "a line longer than a file\n");
    append(&file, &mark, "h\n");
    assert_eq!(lines(&file), ["g", "a line longer than a file", "h"]);
}

/// Writes 12 lines, each committed; at step number `ends_at` the program ends and begins anew.
fn run(ends_at: usize, is_torn: bool) -> (Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = growing(&folder, Some(6), 20);
    let mut steps = 0;
    let mut has_ended = false;
    let mut kept: Option<Mark> = None;
    let mut number = 0;
    while number < 12 {
        let path = file.path.clone();
        let mut is_ending = false;
        let mut before = |step: Step| {
            steps += 1;
            if steps == ends_at {
                (is_ending, has_ended) = (true, true);
                if is_torn && step == Step::Write {
                    let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
                    torn.write_all(b"l").unwrap();
                }
            }
            if is_ending { Err(io::Error::other("the program ended")) } else { Ok(()) }
        };
        let found = file.recover(kept.as_ref(), &mut before);
        if let Ok(found) = found {
            // The mark is committed before the first line.
            kept = Some(found.clone());
            let line = format!("l{number}\n");
            if let Ok(mark) = file.append(&found, line.as_bytes(), &mut before) {
                kept = Some(mark);
                number += 1;
            }
        }
    }
    (lines(&file), has_ended)
}

#[test]
fn each_line_stands_once_whatever_step_the_program_ended_at() {
    let (expected, _) = run(usize::MAX, false);
    assert_eq!(expected, (0..12).map(|number| format!("l{number}")).collect::<Vec<_>>());
    for is_torn in [false, true] {
        let mut ends_at = 1;
        loop {
            let (found, has_ended) = run(ends_at, is_torn);
            assert_eq!(found, expected, "ended at step {ends_at}");
            if !has_ended {
                break;
            }
            ends_at += 1;
        }
        assert!(ends_at > 40, "rotations are among the steps: {ends_at}");
    }
}

/// Set in the environment of a test that is its own child, with a limit on the size of files.
const CHILD: &str = "ASKANCE_TEST_CHILD";

#[test]
fn a_full_disk_leaves_no_half_line() {
    if std::env::var_os(CHILD).is_some() {
        let folder = tempfile::tempdir().unwrap();
        let file = growing(&folder, None, 1);
        let mark = file.recover(None, &mut always).unwrap();
        let mark = append(&file, &mark, "a\n");
        let error = file.append(&mark, &[b'x'; 1 << 20], &mut always).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
        assert_eq!(lines(&file), ["a"]);
        append(&file, &mark, "b\n");
        assert_eq!(lines(&file), ["a", "b"]);
        return;
    }
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "sinks::growing::tests::a_full_disk_leaves_no_half_line"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}
