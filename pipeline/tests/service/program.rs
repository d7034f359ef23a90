//! The real binary: started, watched by what it writes on standard error, and ended.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything: far more than it takes, so that only a hang meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);

/// What an end with `kill -9` or a signal may take on a busy machine.
const END_PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration, which stays while programs come and go.
pub(crate) struct Home {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

/// A running `askance run`; killed if the test ends before it.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<Value>,
}

impl Home {
    pub(crate) fn new(
        config: &str,
        environment: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { folder, environment: environment.into_iter().collect() };
        home.configure(config);
        home
    }

    pub(crate) fn configure(&self, config: &str) {
        fs::write(self.path("askance.yaml"), config).unwrap();
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.path("askance.yaml")).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The alerts in a file of JSON lines; none if it is not there.
    pub(crate) fn alerts(&self, name: &str) -> Vec<Value> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => json_lines(&text),
            Err(_) => Vec::new(),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_askance"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("ASKANCE_LOG", "askance::point=trace,askance=info,warn");
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// Starts the service, whose store is there when this is done.
    #[track_caller]
    pub(crate) fn start(&self) -> Program {
        let mut program = self.launch(&["run"]);
        program.until("that it runs", |line| line["message"] == "running");
        program
    }

    /// Starts a command whose standard error is its log alone.
    #[track_caller]
    pub(crate) fn launch(&self, args: &[&str]) -> Program {
        let mut child = self
            .command(&[args, &["--log-format", "json"]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pipe = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in pipe.lines() {
                // The receiver is gone if the test has failed already.
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Program { child, lines, seen: Vec::new() }
    }

    /// Runs a command to its end; answers exit code, standard output and standard error.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = self.command(args);
        let output = command.env("ASKANCE_LOG", "off").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Lines of JSON that a command writes about the store, while the service runs or not.
    #[track_caller]
    pub(crate) fn ask(&self, args: &[&str]) -> Vec<Value> {
        let output = self.command(&[args, &["--format", "jsonl"]].concat()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "askance {args:?}: {error}");
        json_lines(std::str::from_utf8(&output.stdout).unwrap())
    }

    /// What a command says that cannot do what it is asked.
    #[track_caller]
    pub(crate) fn refused(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "askance {args:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// How many messages wait to be sent, dead letters too.
    pub(crate) fn waiting(&self) -> usize {
        self.ask(&["outbox", "list"]).len()
    }

    /// How many objects the ledger knows.
    pub(crate) fn known(&self) -> u64 {
        self.ask(&["store", "stats"])[0]["objects"].as_u64().unwrap()
    }
}

impl Program {
    /// Reads on until a line is as wanted.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(began.elapsed());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let line = json_line(&line);
                    self.seen.push(line.clone());
                    if is_it(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("not seen: {what}\n{}", self.told()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the program ended before {what}\n{}", self.told())
                }
            }
        }
    }

    /// Where its pages are.
    #[track_caller]
    pub(crate) fn pages(&self) -> String {
        let line = self.seen.iter().find(|line| line["message"] == "metrics and health");
        format!("http://{}", line.unwrap()["address"].as_str().unwrap())
    }

    /// Sends a signal, by its name without `SIG`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// `kill -9`; answers the name of the last point that it came to.
    pub(crate) fn kill(mut self) -> Option<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.read_to_end();
        let point = |line: &Value| line["point"].as_str().map(str::to_owned);
        self.seen.iter().rev().find_map(point)
    }

    /// SIGTERM; answers everything that it said.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Vec<Value> {
        self.signal("TERM");
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < END_PATIENCE, "it does not end\n{}", self.told());
            thread::sleep(Duration::from_millis(20));
        };
        self.read_to_end();
        assert_eq!(status.code(), Some(0), "{}", self.told());
        std::mem::take(&mut self.seen)
    }

    fn read_to_end(&mut self) {
        while let Ok(line) = self.lines.recv_timeout(END_PATIENCE) {
            // A line that was being written when it was killed is no JSON.
            self.seen.extend(serde_json::from_str(&line));
        }
    }

    /// The last of what it said, without points.
    fn told(&self) -> String {
        let lines: Vec<String> = self
            .seen
            .iter()
            .filter(|line| line["point"].is_null())
            .map(ToString::to_string)
            .collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition.
#[track_caller]
pub(crate) fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A page: its status and its text.
#[track_caller]
pub(crate) fn get(url: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

/// The alerts that `askance scan` finds below a folder.
pub(crate) fn scan(folder: &Path) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_askance"));
    let output = command.args(["scan", "--format", "jsonl"]).arg(folder).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    json_lines(std::str::from_utf8(&output.stdout).unwrap())
}

pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(json_line).collect()
}

#[track_caller]
fn json_line(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
}
