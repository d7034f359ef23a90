//! The folder as a source: the contract, and what only folders do.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;

use super::Directory;
use super::read::{Reading, read};
use super::walk::Stamp;
use crate::config::{DirectoryConfig, Span};
use crate::sources::tests::contract::{self, Place};
use crate::sources::tests::double::{Runtime, bytes_of};
use crate::sources::{Body, Source};

/// A folder that can be gone.
struct Folder {
    around: TempDir,
    path: PathBuf,
    settle: Duration,
}

impl Folder {
    fn new() -> Self {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("in");
        fs::create_dir(&path).unwrap();
        Self { around, path, settle: Duration::from_millis(300) }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn shown(&self, name: &str) -> String {
        self.path.join(name).to_string_lossy().into_owned()
    }
}

#[async_trait]
impl Place for Folder {
    async fn put(&mut self, name: &str, line: &str) {
        self.write(&format!("2026/03/{name}"), line);
    }

    fn open(&self) -> Box<dyn Source> {
        let poll = Span(Duration::from_millis(100));
        let config = DirectoryConfig { path: self.path.clone(), poll, settle: Span(self.settle) };
        Box::new(Directory::new(&config))
    }

    // A folder knows nothing of what was read: the ledger does.
    async fn is_acknowledged(&mut self) {}
    async fn is_not_acknowledged(&mut self) {}

    async fn break_off(&mut self) {
        fs::rename(&self.path, self.around.path().join("away")).unwrap();
    }

    async fn mend(&mut self) {
        fs::rename(self.around.path().join("away"), &self.path).unwrap();
    }
}

#[tokio::test]
async fn everything_comes_out_once() {
    contract::everything_comes_out_once(&mut Folder::new()).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_done() {
    contract::nothing_is_acknowledged_before_it_is_done(&mut Folder::new()).await;
}

#[tokio::test]
async fn what_is_given_back_comes_again() {
    contract::what_is_given_back_comes_again(&mut Folder::new()).await;
}

#[tokio::test]
async fn a_restart_reads_nothing_twice() {
    contract::a_restart_reads_nothing_twice(&mut Folder::new()).await;
}

#[tokio::test]
async fn stop_ends_it_and_loses_nothing() {
    contract::stop_ends_it_and_loses_nothing(&mut Folder::new()).await;
}

#[tokio::test]
async fn an_unreachable_place_recovers() {
    contract::an_unreachable_place_recovers(&mut Folder::new()).await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_says_so() {
    let mut folder = Folder::new();
    folder.break_off().await;
    let runtime = Runtime::new();
    let running = runtime.run(folder.open());
    crate::sources::tests::double::until("it is told", || !runtime.health.why_unready().is_empty())
        .await;
    let said = format!(
        "source place: cannot read folder {}: no such file or directory",
        folder.path.display()
    );
    assert_eq!(runtime.health.why_unready(), [said]);
    running.stopped().await;
}

#[tokio::test]
async fn a_file_is_read_once_it_has_stopped_growing() {
    let mut folder = Folder::new();
    folder.settle = Duration::from_millis(800);
    let mut runtime = Runtime::new();
    let running = runtime.run(folder.open());
    let mut file = fs::File::create(folder.path.join("a.json")).unwrap();
    for _ in 0..15 {
        file.write_all(b"{}\n").unwrap();
        runtime.nothing_comes(Duration::from_millis(100)).await;
    }
    assert_eq!(runtime.commit_next().await.1, b"{}\n".repeat(15));
    // What is added later is read with the rest of it.
    file.write_all(b"{}\n").unwrap();
    assert_eq!(runtime.commit_next().await.1, b"{}\n".repeat(16));
    runtime.nothing_comes(Duration::from_millis(300)).await;
    running.stopped().await;
    assert_eq!(runtime.ledger.keys().len(), 2);
}

#[tokio::test]
async fn files_that_are_being_written_or_hidden_are_left_alone() {
    let folder = Folder::new();
    for name in [".a", "b.tmp", "c.part", ".git/d", "e.tmp/f", "g.part/h"] {
        folder.write(name, "{}");
    }
    folder.write("tmp/part/i.json", "{}");
    let mut runtime = Runtime::new();
    let running = runtime.run(folder.open());
    assert_eq!(runtime.commit_next().await.0, folder.shown("tmp/part/i.json"));
    fs::rename(folder.path.join("b.tmp"), folder.path.join("b")).unwrap();
    assert_eq!(runtime.commit_next().await.0, folder.shown("b"));
    runtime.nothing_comes(Duration::from_millis(300)).await;
    running.stopped().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_once_and_tried_when_it_changes() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("nowhere", folder.path.join("link")).unwrap();
    std::os::unix::fs::symlink(".", folder.path.join("loop")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path.join("pipe")).status().unwrap();
    assert!(made.success());
    let mut runtime = Runtime::new();
    let running = runtime.run(folder.open());
    let mut details = Vec::new();
    for _ in 0..3 {
        let refused = runtime.next_refused().await;
        assert_eq!((refused.reason, &refused.key), ("unreadable", &None));
        details.push(refused.detail);
    }
    details.sort();
    let link = folder.shown("link");
    assert_eq!(details[0], format!("cannot read {link}: no such file or directory"));
    let (again, root) = (folder.shown("loop"), folder.path.display());
    assert_eq!(
        details[1],
        format!("cannot read {again}: is a symbolic link that leads back to {root}")
    );
    let pipe = folder.shown("pipe");
    assert_eq!(details[2], format!("cannot read {pipe}: is no file: a pipe, a socket or a device"));
    runtime.nothing_comes(Duration::from_millis(500)).await;
    fs::write(folder.path.join("nowhere"), "{}").unwrap();
    let mut found = vec![runtime.commit_next().await.0, runtime.commit_next().await.0];
    found.sort();
    assert_eq!(found, [link, folder.shown("nowhere")]);
    running.stopped().await;
    assert_eq!(runtime.count(&runtime.families.source_refused, "unreadable"), 3);
}

#[tokio::test]
async fn names_that_are_no_text_are_told_apart() {
    let folder = Folder::new();
    for name in [&b"\xff.json"[..], b"\xfe.json"] {
        fs::write(folder.path.join(OsStr::from_bytes(name)), "{}").unwrap();
    }
    let mut runtime = Runtime::new();
    let running = runtime.run(folder.open());
    runtime.commit_next().await;
    runtime.commit_next().await;
    running.stopped().await;
    assert_eq!(runtime.ledger.keys().len(), 2);
}

#[tokio::test]
async fn a_large_file_is_handed_on_open() {
    let folder = Folder::new();
    folder.write("a", &"x".repeat((8 << 20) + 1));
    let mut runtime = Runtime::new();
    let running = runtime.run(folder.open());
    let (object, ack) = runtime.next_object().await;
    assert!(matches!(object.body, Body::File(_)));
    assert_eq!(bytes_of(&object).len(), (8 << 20) + 1);
    drop(object);
    ack.done();
    running.stopped().await;
}

#[tokio::test]
async fn files_wait_for_room_in_memory() {
    let folder = Folder::new();
    for name in ["a", "b", "c"] {
        folder.write(name, &"x".repeat(600 << 10));
    }
    let mut runtime = Runtime::with_budget(1 << 20);
    let running = runtime.run(folder.open());
    for _ in 0..3 {
        let (object, ack) = runtime.next_object().await;
        runtime.nothing_comes(Duration::from_millis(300)).await;
        object.key.iter().for_each(|key| runtime.ledger.note(key));
        drop(object);
        ack.done();
    }
    running.stopped().await;
}

/// As many as the environment says, to try more by hand.
fn many() -> usize {
    std::env::var("ASKANCE_TEST_FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

#[tokio::test]
async fn many_files_are_asked_of_the_ledger_in_batches_and_once() {
    let mut folder = Folder::new();
    folder.settle = Duration::ZERO;
    let count = many();
    for number in 0..count {
        folder.write(&format!("{}/{number}", number % 100), "");
    }
    let mut runtime = Runtime::new();
    let running = runtime.run(folder.open());
    for _ in 0..count {
        runtime.commit_next().await;
    }
    running.stopped().await;
    let asked = runtime.ledger.asked.swap(0, Ordering::SeqCst);
    assert!(asked < count / 10, "{asked} questions");
    // A restart finds all of them in the ledger, and does not ask again at each walk.
    let again = runtime.run(folder.open());
    let known = || runtime.objects("known");
    crate::sources::tests::double::until("all are known", || known() == count as u64).await;
    let asked = runtime.ledger.asked.load(Ordering::SeqCst);
    assert!(asked < count / 10, "{asked} questions");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!((known(), runtime.ledger.asked.load(Ordering::SeqCst)), (count as u64, asked));
    again.stopped().await;
}

fn stamp(path: &Path) -> Stamp {
    Stamp::of(&fs::metadata(path).unwrap())
}

#[test]
fn a_file_that_changes_under_the_hand_is_not_taken_for_what_was_met() {
    let folder = Folder::new();
    folder.write("a", "one");
    let path = folder.path.join("a");
    let met = stamp(&path);
    assert!(matches!(read(&path, met), Reading::Body(_)));
    folder.write("a", "three");
    assert!(matches!(read(&path, met), Reading::Changed));
    fs::remove_file(&path).unwrap();
    match read(&path, met) {
        Reading::Failed(reason, why) => {
            assert_eq!((reason, why.as_str()), ("vanished", "no such file or directory"));
        }
        other => panic!("{other:?}"),
    }
}
