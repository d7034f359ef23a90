//! Who takes what: tables of loads, and any number of workers that come to rest.

use proptest::prelude::*;

use super::*;
use crate::sources::kinesis::position::Position;

const FAILOVER: Duration = Duration::from_secs(10);

fn lease(key: &str, owner: Option<&str>, counter: u64) -> Lease {
    Lease {
        key: key.to_owned(),
        stream: None,
        shard: key.to_owned(),
        owner: owner.map(str::to_owned),
        counter,
        position: Position::TrimHorizon,
        switches: 0,
        parents: Vec::new(),
        children: Vec::new(),
        range: None,
        epoch: None,
    }
}

fn leases(owners: &[(Option<&str>, usize)]) -> Vec<Lease> {
    let each = owners.iter().flat_map(|(owner, count)| std::iter::repeat_n(*owner, *count));
    each.enumerate().map(|(number, owner)| lease(&number.to_string(), owner, 1)).collect()
}

/// What `me` takes of these, seen for the first time `age` ago.
fn chosen(owners: &[(Option<&str>, usize)], age: Duration) -> (usize, Option<Why>) {
    let leases = leases(owners);
    let began = Instant::now();
    let mut seen = Seen::default();
    seen.note(&leases, began);
    let taken = choose("me", &leases, (&seen, began + age), FAILOVER, &mut |_| 0);
    (taken.len(), taken.first().map(|(_, why)| *why))
}

#[test]
fn free_leases_are_taken_up_to_a_share() {
    let soon = Duration::from_secs(1);
    assert_eq!(chosen(&[(None, 7)], soon), (7, Some(Why::Free)), "alone, all are mine");
    assert_eq!(chosen(&[(None, 4), (Some("b"), 2)], soon), (3, Some(Why::Free)));
    assert_eq!(chosen(&[(None, 1), (Some("b"), 3), (Some("me"), 2)], soon), (1, Some(Why::Free)));
    assert_eq!(chosen(&[(None, 1), (Some("b"), 2), (Some("me"), 2)], soon), (1, Some(Why::Free)));
    assert_eq!(chosen(&[(None, 1), (Some("b"), 1), (Some("me"), 2)], soon), (0, None));
    assert_eq!(chosen(&[], soon), (0, None));
}

#[test]
fn a_lease_expires_when_it_was_not_seen_to_change() {
    let b = [(Some("b"), 2)];
    assert_eq!(chosen(&b, FAILOVER), (1, Some(Why::Stolen)), "b holds them");
    assert_eq!(chosen(&b, FAILOVER + Duration::from_secs(1)), (2, Some(Why::Expired)));
    let changed = [lease("0", Some("b"), 2)];
    let began = Instant::now();
    let mut seen = Seen::default();
    seen.note(&[lease("0", Some("b"), 1)], began);
    seen.note(&changed, began + FAILOVER);
    let later = began + FAILOVER + Duration::from_secs(5);
    assert_eq!(choose("me", &changed, (&seen, later), FAILOVER, &mut |_| 0).len(), 0);
}

#[test]
fn what_nobody_takes_is_taken_past_the_share() {
    let free = [(None, 4), (Some("me"), 4)];
    assert_eq!(chosen(&free, Duration::from_secs(1)).0, 4);
    // b renews nothing: its leases are long overdue, and c, who renews, has its share.
    let mut all = leases(&[(Some("b"), 6), (Some("c"), 3), (Some("me"), 3)]);
    let began = Instant::now();
    let mut seen = Seen::default();
    seen.note(&all, began);
    all.iter_mut().skip(6).for_each(|lease| lease.counter += 1);
    let now = began + FAILOVER * 4;
    seen.note(&all, now);
    let taken = choose("me", &all, (&seen, now), FAILOVER, &mut |_| 0);
    assert_eq!(taken.len(), 6);
}

#[test]
fn stealing_evens_what_is_uneven_and_no_more() {
    let soon = Duration::from_secs(1);
    assert_eq!(chosen(&[(Some("b"), 20)], soon), (4, Some(Why::Stolen)), "a few at a time");
    assert_eq!(chosen(&[(Some("b"), 3)], soon), (1, Some(Why::Stolen)));
    assert_eq!(chosen(&[(Some("b"), 1)], soon), (0, None));
    assert_eq!(chosen(&[(Some("b"), 2), (Some("me"), 2)], soon), (0, None));
    assert_eq!(chosen(&[(Some("b"), 2), (Some("me"), 1)], soon), (0, None));
    // All are just at a share of 2, and I need two.
    assert_eq!(chosen(&[(Some("b"), 2), (Some("c"), 2)], soon), (1, Some(Why::Stolen)));
}

#[test]
fn finished_shards_count_for_nobody() {
    let mut all = leases(&[(Some("b"), 3), (None, 3)]);
    all.iter_mut().for_each(|lease| lease.position = Position::ShardEnd);
    let seen = Seen::default();
    assert!(choose("me", &all, (&seen, Instant::now()), FAILOVER, &mut |_| 0).is_empty());
}

proptest! {
    /// Workers that take turns come to rest with every lease held and no two loads far apart.
    #[test]
    fn any_number_of_workers_comes_to_rest(workers in 1usize..8, count in 0usize..60, seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let names: Vec<String> = (0..workers).map(|number| format!("w{number}")).collect();
        let mut all = leases(&[(None, count)]);
        let mut now = Instant::now();
        let mut seens: Vec<Seen> = names.iter().map(|_| Seen::default()).collect();
        for _ in 0..60 {
            for (name, seen) in names.iter().zip(&mut seens) {
                now += Duration::from_millis(100);
                // Everybody renews what is theirs.
                all.iter_mut().filter(|lease| lease.owner.is_some()).for_each(|l| l.counter += 1);
                seen.note(&all, now);
                let taken: Vec<String> =
                    choose(name, &all, (seen, now), FAILOVER, &mut |below| random.usize(..below))
                        .into_iter().map(|(lease, _)| lease.key.clone()).collect();
                for lease in all.iter_mut().filter(|lease| taken.contains(&lease.key)) {
                    lease.owner = Some(name.clone());
                }
            }
        }
        let loads: Vec<usize> = names.iter()
            .map(|name| all.iter().filter(|l| l.owner.as_ref() == Some(name)).count()).collect();
        prop_assert_eq!(loads.iter().sum::<usize>(), count);
        let share = count.div_ceil(workers);
        prop_assert!(loads.iter().all(|load| *load <= share), "{loads:?} of {share}");
    }
}
