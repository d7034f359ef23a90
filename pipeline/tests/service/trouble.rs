//! Neighbours in trouble for a while: sinks, queue and bucket that refuse, hang, cut or lie.

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
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(&at);
        let is_mounted = command.output().is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing else can be done for it.
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_of_the_store_delays_everything_and_loses_nothing() {
    let (objects, expected) = objects(OBJECTS);
    let place = Place::new();
    let home = place.home("visibility: 2s, concurrency: 8");
    let Some(disk) = SmallDisk::mount(home.path("disk")) else {
        eprintln!("skipped: a small file system can be mounted by root only");
        return;
    };
    let config = std::fs::read_to_string(home.path("askance.yaml")).unwrap();
    home.configure(&config.replace("path: askance.db", "path: disk/askance.db"));
    let mut program = home.start();
    // Everything that is left of the room is taken.
    let filler = disk.0.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let is_full = std::io::copy(&mut std::io::repeat(0), &mut file).is_err();
    assert!(is_full);
    place.put(&objects);
    program.until("that it cannot commit", |line| {
        line["message"].as_str().is_some_and(|text| text.starts_with("cannot commit"))
    });
    let queue = place.stats()["queues"]["trail"].clone();
    assert_ne!(queue["sent"], queue["deleted"], "what is not committed is not acknowledged");
    drop(file);
    std::fs::remove_file(filler).unwrap();
    place.until_done(&home);
    program.stop();
    place.is_whole(&home, OBJECTS, &expected);
}
