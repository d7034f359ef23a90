//! A stream that is deleted and made anew under its name, while it is read and while it is not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::position::Position;
use super::simulation::{World, seeds};
use crate::config::KinesisMode;

/// A stream that is deleted and made anew under its name, whose shards have the ids of the old one, is
/// found out: the leases of the old one go, and the new one is read from its beginning.
async fn is_made_anew(mode: KinesisMode, initial: Position, seed: u64) {
    fastrand::seed(seed);
    let mut world = World::new(mode);
    world.initial = initial;
    let processes = [world.start(), world.start()];
    let seconds = async |seconds| tokio::time::sleep(Duration::from_secs(seconds)).await;
    seconds(60).await;
    // Ids 0 to 6, some of them at their end.
    for _ in 0..2 {
        world.put_some(20);
        world.stream.open().iter().for_each(|(id, _)| world.stream.split(id));
        seconds(fastrand::u64(20..90)).await;
    }
    world.put_some(40);
    world.all_is_committed().await;
    world.stream.is_gone.store(true, Ordering::SeqCst);
    seconds(fastrand::u64(1..60)).await;
    let is_told = processes.iter().any(|one| !one.health.why_unready().is_empty());
    let count = fastrand::u128(1..=3);
    world.stream.make_anew(count);
    world.stream.is_gone.store(false, Ordering::SeqCst);
    world.put_some(40);
    seconds(fastrand::u64(0..60)).await;
    world.put_some(40);
    world.all_is_committed().await;
    world.is_in_order();
    seconds(120).await;
    let rows = world.rows.all();
    let shards: Vec<&str> = rows.iter().map(|row| &*row.shard).collect();
    let expected: Vec<String> = (0..count).map(|n| format!("shardId-{n:012}")).collect();
    assert_eq!(shards, expected, "seed {seed}: {rows:#?}");
    assert!(rows.iter().all(|row| row.epoch == Some(1) && row.owner.is_some()), "{rows:#?}");
    let found: u64 = processes.iter().map(|one| one.failures("made_anew")).sum();
    let lost: u64 = processes.iter().map(|one| one.failures("not_found")).sum();
    assert!(found > 0 && (lost > 0 || !is_told), "{found} times, {lost}");
    for process in processes {
        assert_eq!(process.health.why_unready(), Vec::<String>::new());
        process.stopped().await;
    }
    // A stream that was made anew while nobody read it is found out as well, by its leases.
    world.stream.make_anew(1);
    world.put_some(40);
    let process = world.start();
    world.all_is_committed().await;
    seconds(60).await;
    let rows = world.rows.all();
    assert_eq!((rows.len(), rows[0].epoch, process.failures("made_anew")), (1, Some(2), 1));
    process.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_made_anew_is_begun_anew() {
    for seed in 0..seeds() {
        for mode in [KinesisMode::Polling, KinesisMode::FanOut] {
            for initial in [Position::TrimHorizon, Position::Latest] {
                is_made_anew(mode, initial, seed).await;
            }
        }
    }
}
