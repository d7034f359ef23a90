//! Neighbours in trouble for a while: sinks, queue and bucket that refuse, hang, cut or lie.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::corpus::objects;
use crate::place::Place;
use crate::program::wait;

const OBJECTS: usize = 60;

/// Runs through faults, which are over once each of these operations went wrong so often, and checks
/// that nothing is lost and nothing stands twice in the file.
#[track_caller]
fn check(faults: &[&str], failed: &[(&str, u64)]) {
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    let home = place.home("visibility: 2s, concurrency: 8");
    place.put(&objects);
    place.faults(faults);
    let program = home.start();
    wait("the faults were met", || {
        let stats = place.stats();
        let count = |name: &str| stats["failed_on_purpose"][name].as_u64().unwrap_or(0);
        failed.iter().all(|(name, times)| count(name) >= *times)
    });
    place.faults(&[]);
    place.until_done(&home);
    program.stop();
    place.is_whole(&home, OBJECTS, &expected);
}

#[test]
fn a_topic_that_fails_delays_alerts_and_loses_none() {
    check(&["Publish@1-3=status:500", "Publish@4-=status:429"], &[("Publish", 5)]);
}

#[test]
fn a_topic_that_hangs_and_cuts_loses_no_alert() {
    check(&["Publish@1=hang:2", "Publish@2-=cut:0"], &[("Publish", 4)]);
}

#[test]
fn a_topic_that_takes_alerts_and_denies_it_gets_them_again_with_the_same_ids() {
    check(&["Publish@1-/3=lost:500"], &[("Publish", 3)]);
}

#[test]
fn a_queue_that_fails_is_read_once_it_is_well() {
    check(
        &["ReceiveMessage@2-6/2=status:500", "DeleteMessageBatch@1-4=status:503"],
        &[("ReceiveMessage", 2), ("DeleteMessageBatch", 3)],
    );
}

#[test]
fn messages_whose_deletion_was_denied_are_not_read_twice() {
    check(
        &["DeleteMessageBatch@1-/2=lost:500", "ReceiveMessage@3-/4=lost:500"],
        &[("DeleteMessageBatch", 2), ("ReceiveMessage", 1)],
    );
}

#[test]
fn objects_that_are_cut_slow_or_refused_are_read_whole() {
    check(
        &["GetObject@1-/3=cut:100", "GetObject@2-/3=status:503", "GetObject@3-/9=slow:20000"],
        &[("GetObject", 20)],
    );
}

/// A file system of its own of 16 MiB, which only root may make.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// At a folder; `None` where it may not be made.
    fn mount(at: PathBuf) -> Option<Self> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(&at);
        let is_mounted = command.output().is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self(at))
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let mut file = File::create(&filler).unwrap();
        assert!(io::copy(&mut io::repeat(0), &mut file).is_err(), "the disk is not small");
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing else can be done for it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Fills the disk of `out/`, where the store is if the configuration is changed so, until the program
/// says that something could not be done; then checks that nothing is lost.
#[track_caller]
fn check_full_disk(change: (&str, &str), said: &str) {
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    let home = place.home("visibility: 2s, concurrency: 8");
    let Some(disk) = SmallDisk::mount(home.path("out")) else {
        eprintln!("skipped: a small file system can be mounted by root only");
        return;
    };
    let config = fs::read_to_string(home.path("askance.yaml")).unwrap();
    home.configure(&config.replace(change.0, change.1));
    let mut program = home.start();
    let filler = disk.fill();
    place.put(&objects);
    program.until(said, |line| line["message"].as_str().is_some_and(|text| text.contains(said)));
    fs::remove_file(filler).unwrap();
    place.until_done(&home);
    program.stop();
    place.is_whole(&home, OBJECTS, &expected);
}

#[test]
fn a_full_disk_of_the_store_delays_everything_and_loses_nothing() {
    check_full_disk(("path: askance.db", "path: out/askance.db"), "cannot commit");
}

#[test]
fn a_full_disk_of_the_file_of_alerts_delays_them_and_doubles_none() {
    check_full_disk(("", ""), "not sent, will try again");
}
