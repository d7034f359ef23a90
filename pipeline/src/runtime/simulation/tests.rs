//! Every step of a small run fails once, in every way; then pairs of steps.

use std::collections::BTreeMap;

use super::faults::Fault;
use super::world::World;

#[track_caller]
fn check(plan: &[(u64, Fault)]) {
    let world = World::new(plan.to_vec());
    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run()));
    if let Err(panic) = run {
        eprintln!("with these steps failing: {plan:?}");
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_run_without_failures_takes_every_kind_of_step() {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    World::new(Vec::new()).run().into_iter().for_each(|step| *kinds.entry(step).or_default() += 1);
    for kind in [
        "receive", "are_done", "get", "known", "commit", "delete", "due", "send", "settle",
        "position",
    ] {
        assert!(kinds.contains_key(kind), "{kind} in {kinds:?}");
    }
}

#[test]
fn each_step_may_fail_in_each_way() {
    let steps = World::new(Vec::new()).run().len() as u64;
    assert!(steps > 30, "{steps}");
    for number in 0..steps {
        for fault in Fault::ALL {
            check(&[(number, fault)]);
        }
    }
}

#[test]
fn pairs_of_steps_may_fail() {
    let steps = World::new(Vec::new()).run().len() as u64;
    let mut random = fastrand::Rng::with_seed(20_260_302);
    for _ in 0..150 {
        let mut pick = || (random.u64(0..steps), Fault::ALL[random.usize(0..Fault::ALL.len())]);
        check(&[pick(), pick()]);
    }
}

#[test]
fn the_time_of_day_may_step_at_any_step() {
    const DAY: i64 = 86_400;
    let steps = World::new(Vec::new()).run().len() as u64;
    let jumps = [(-DAY, 0), (DAY, 0), (-3600, 3600), (400 * DAY, -400 * DAY)];
    for number in 0..steps {
        let (off, back) = jumps[number as usize % jumps.len()];
        let later = number + 7;
        World::new(Vec::new()).with_clock_steps(&[(number, off), (later, back)]).run();
    }
}
