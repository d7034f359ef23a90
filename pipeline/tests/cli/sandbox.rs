//! A folder of its own for each test, and the binary run in it with a bound on its time.
//!
//! What the files hold is left to `records`.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::records::RULE;

/// Longest that one run may take; far more than any needs, so that only a hang meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A folder that goes away with the test; `rule.yml` in it finds every `DeleteBucket`.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().expect("a folder can be made") };
        sandbox.write("rule.yml", RULE);
        sandbox
    }

    /// A sandbox with one file in it.
    pub(crate) fn with(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let sandbox = Self::new();
        sandbox.write(name, bytes);
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; folders on its way are made.
    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the sandbox")).expect("folders are made");
        fs::write(path, bytes).expect("a file can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there and is text")
    }

    /// The binary with these arguments, to be run in this folder.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_askance"));
        command.args(args).current_dir(self.folder.path());
        piped(&mut command);
        command
    }

    /// Runs `askance` with these arguments.
    #[track_caller]
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Run {
        finish(&mut self.command(args), b"")
    }

    /// `askance scan` with `rule.yml` and JSON lines, and these arguments.
    #[track_caller]
    pub(crate) fn scan<S: AsRef<OsStr>>(&self, args: &[S]) -> Run {
        finish(&mut self.scan_command(args), b"")
    }

    /// As `scan`, with something on standard input.
    #[track_caller]
    pub(crate) fn scan_stdin(&self, args: &[&str], input: &[u8]) -> Run {
        finish(&mut self.scan_command(args), input)
    }

    pub(crate) fn scan_command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = self.command(&["scan", "--rules", "rule.yml", "--format", "jsonl"]);
        command.args(args);
        command
    }
}

/// Pipes everything and hides the terminal that the tests may run on.
pub(crate) fn piped(command: &mut Command) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("NO_COLOR").env_remove("COLUMNS").env("TERM", "xterm");
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end; a run that outlasts [`PATIENCE`] fails the test.
#[track_caller]
pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let out = drain(child.stdout.take().expect("it is piped"));
    let err = drain(child.stderr.take().expect("it is piped"));
    let input = input.to_vec();
    // Who stops reading early closes the pipe, which is for the test to judge.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let status = wait(&mut child, PATIENCE);
    Run {
        code: status.code().unwrap_or(-1),
        out: text(&out.recv_timeout(PATIENCE).expect("standard output ends with the run")),
        err: text(&err.recv_timeout(PATIENCE).expect("standard error ends with the run")),
    }
}

/// Reads a pipe to its end beside the test.
pub(crate) fn drain(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        // The receiver is gone if the test has failed already.
        drop(sender.send(bytes));
    });
    receiver
}

/// Waits for the end of a child, which is killed if it takes longer than `patience`.
#[track_caller]
pub(crate) fn wait(child: &mut Child, patience: Duration) -> ExitStatus {
    let (sender, receiver) = mpsc::channel::<()>();
    let id = child.id().to_string();
    let guard = thread::spawn(move || {
        let is_late = receiver.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout);
        if is_late {
            let killed = Command::new("kill").args(["-KILL", &id]).status();
            killed.expect("kill can be run");
        }
        is_late
    });
    let status = child.wait().expect("a child can be waited for");
    drop(sender);
    assert!(!guard.join().expect("the guard does not panic"), "it did not end in {patience:?}");
    status
}

#[track_caller]
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what is written is UTF-8")
}

impl Run {
    /// The alerts of JSON lines.
    #[track_caller]
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).expect("each line is JSON");
        self.out.lines().map(parse).collect()
    }

    /// The event ids of the alerts of JSON lines, in order.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<String> {
        let id = |alert: &Value| alert["event"]["eventID"].as_str().unwrap_or("?").to_owned();
        self.alerts().iter().map(id).collect()
    }

    /// The alerts are of exactly these events, in this order.
    #[track_caller]
    pub(crate) fn found(&self, events: &[&str]) -> &Self {
        assert_eq!(self.events(), events, "standard error:\n{}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }

    /// Standard error has this in it.
    #[track_caller]
    pub(crate) fn says(&self, part: &str) -> &Self {
        assert!(self.err.contains(part), "{part:?} is not in\n{}", self.err);
        self
    }

    /// Standard error has a line that is this.
    #[track_caller]
    pub(crate) fn says_line(&self, line: &str) -> &Self {
        assert!(self.err.lines().any(|one| one == line), "{line:?} is no line of\n{}", self.err);
        self
    }

    /// Standard output has this in it.
    #[track_caller]
    pub(crate) fn shows(&self, part: &str) -> &Self {
        assert!(self.out.contains(part), "{part:?} is not in\n{}", self.out);
        self
    }

    /// No line tells of trouble: there is the summary and nothing else.
    #[track_caller]
    pub(crate) fn is_calm(&self) -> &Self {
        assert!(!self.err.contains("askance:"), "no trouble was to be told:\n{}", self.err);
        self
    }
}
