//! Which leases are made: tables of lineages, and any history of splits and merges.

use proptest::prelude::*;

use super::*;
use crate::sources::kinesis::position::Within;

fn shard(id: &str, begins: u64, parents: &[&str], is_closed: bool) -> Shard {
    Shard {
        id: id.to_owned(),
        parents: parents.iter().map(|&id| id.to_owned()).collect(),
        range: HashRange { from: 0, to: u128::MAX },
        begins: Sequence::parse(&begins.to_string()).unwrap(),
        is_closed,
    }
}

fn lease(id: &str, position: Position) -> Lease {
    Lease {
        key: id.to_owned(),
        stream: None,
        shard: id.to_owned(),
        owner: None,
        counter: 1,
        position,
        switches: 0,
        parents: Vec::new(),
        children: Vec::new(),
        range: None,
        epoch: None,
    }
}

fn reading() -> Position {
    Position::Record(Sequence::parse("7").unwrap(), Within::All)
}

/// 0+1 > 6, 2+3 > 7, 6+7 > 8, 5 > 9 and 10; 4, 8, 9 and 10 are open.
fn lineage() -> Vec<Shard> {
    let mut shards: Vec<Shard> = ["0", "1", "2", "3", "5"].map(|id| shard(id, 1, &[], true)).into();
    shards.extend([
        shard("4", 1, &[], false),
        shard("6", 2, &["0", "1"], true),
        shard("7", 2, &["2", "3"], true),
        shard("8", 3, &["6", "7"], false),
        shard("9", 3, &["5"], false),
        shard("10", 3, &["5"], false),
    ]);
    shards
}

#[track_caller]
fn check(shards: &[Shard], leases: &[Lease], initial: &Position, expected: &[(&str, Position)]) {
    let leases: HashMap<&str, &Lease> = leases.iter().map(|lease| (&*lease.shard, lease)).collect();
    let made = missing(shards, &leases, initial).unwrap();
    let made: Vec<(&str, Position)> =
        made.into_iter().map(|missing| (&*missing.shard.id, missing.position)).collect();
    assert_eq!(made, expected);
}

#[test]
fn what_is_missing_hangs_from_what_is_there() {
    let leases = ["4", "5", "7"].map(|id| lease(id, reading()));
    check(&lineage(), &leases, &Position::Latest, &[("6", Position::Latest)]);
    let oldest = [("0", Position::TrimHorizon), ("1", Position::TrimHorizon)];
    check(&lineage(), &leases, &Position::TrimHorizon, &oldest);
    let at = Position::AtTimestamp(5);
    check(&lineage(), &leases, &at, &[("0", at.clone()), ("1", at.clone())]);
}

#[test]
fn an_empty_table_begins_with_what_is_open_or_with_the_oldest() {
    let open = ["4", "10", "8", "9"].map(|id| (id, Position::Latest));
    check(&lineage(), &[], &Position::Latest, &open);
    let oldest = ["0", "1", "2", "3", "4", "5"].map(|id| (id, Position::TrimHorizon));
    check(&lineage(), &[], &Position::TrimHorizon, &oldest);
}

#[test]
fn children_that_a_crash_left_out_are_made() {
    let mut leases: Vec<Lease> = ["4", "6", "7"].map(|id| lease(id, reading())).into();
    leases.push(lease("5", Position::ShardEnd));
    let children = [("10", Position::TrimHorizon), ("9", Position::TrimHorizon)];
    check(&lineage(), &leases, &Position::Latest, &children);
    // Of a merge, only when both are at their end.
    leases.extend(["9", "10"].map(|id| lease(id, reading())));
    leases[1].position = Position::ShardEnd;
    check(&lineage(), &leases, &Position::Latest, &[]);
    leases[2].position = Position::ShardEnd;
    check(&lineage(), &leases, &Position::Latest, &[("8", Position::TrimHorizon)]);
}

#[test]
fn a_listing_that_contradicts_itself_is_not_used() {
    let shards = [shard("0", 1, &[], false), shard("1", 2, &["0"], false)];
    let error = missing(&shards, &HashMap::new(), &Position::Latest).unwrap_err();
    assert_eq!(error.to_string(), "shard 1 is open, and so is 0, which it came from");
    // A shard that is its own ancestor does no harm.
    let circle = [shard("0", 1, &["1"], true), shard("1", 2, &["0"], false)];
    assert!(missing(&circle, &HashMap::new(), &Position::TrimHorizon).is_ok());
}

fn ranges(ranges: &[(u128, u128)]) -> Option<(u128, u128)> {
    let mut ranges: Vec<HashRange> =
        ranges.iter().map(|&(from, to)| HashRange { from, to }).collect();
    first_hole(&mut ranges).map(|hole| (hole.from, hole.to))
}

#[test]
fn holes_are_found() {
    assert_eq!(ranges(&[]), Some((0, u128::MAX)));
    assert_eq!(ranges(&[(0, u128::MAX)]), None);
    assert_eq!(ranges(&[(10, u128::MAX), (0, 9)]), None);
    assert_eq!(ranges(&[(0, 20), (10, u128::MAX)]), None, "overlaps are no trouble");
    assert_eq!(ranges(&[(10, u128::MAX), (0, 8)]), Some((9, 9)));
    assert_eq!(ranges(&[(0, 8)]), Some((9, u128::MAX)));
    assert_eq!(ranges(&[(1, u128::MAX)]), Some((0, 0)));
    let finished = lease("0", Position::ShardEnd);
    assert!(hole([finished].iter(), &[shard("0", 1, &[], false)]).is_some());
    assert!(hole([lease("0", reading())].iter(), &[shard("0", 1, &[], false)]).is_none());
}

#[test]
fn rows_go_when_their_children_are_read_and_their_parents_are_gone() {
    let mut parent = lease("0", Position::ShardEnd);
    parent.children = vec!["1".to_owned(), "2".to_owned()];
    let mut child = lease("1", reading());
    child.parents = vec!["0".to_owned()];
    let mut other = lease("2", Position::TrimHorizon);
    other.parents = vec!["0".to_owned()];
    let gone = |leases: &[&Lease], listed: &[&str]| -> Vec<String> {
        let listed = listed.iter().copied().collect();
        garbage(leases, &listed).into_iter().map(|lease| lease.shard.clone()).collect()
    };
    assert!(gone(&[&parent, &child, &other], &["0", "1", "2"]).is_empty(), "2 did not begin");
    other.position = reading();
    assert_eq!(gone(&[&parent, &child, &other], &["0", "1", "2"]), ["0"]);
    child.position = Position::ShardEnd;
    child.children = vec!["3".to_owned()];
    let grandchild = lease("3", reading());
    let all = [&parent, &child, &other, &grandchild];
    assert_eq!(gone(&all, &["1", "2", "3"]), ["0"], "a parent's row is still there");
    assert_eq!(gone(&all[1..], &["1", "2", "3"]), ["1"]);
    // Without children it goes once the stream no longer lists it.
    let alone = lease("9", Position::ShardEnd);
    assert!(gone(&[&alone], &["9"]).is_empty());
    assert_eq!(gone(&[&alone], &[]), ["9"]);
}

proptest! {
    /// Any history of splits and merges, any of its leases lost: what is made covers every open shard, by a
    /// lease of its own or of an ancestor's, and parents come first.
    #[test]
    fn every_open_shard_hangs_from_a_lease(
        steps in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..12),
        kept in proptest::collection::vec(any::<bool>(), 40),
        initial in prop::sample::select(vec![Position::Latest, Position::TrimHorizon, Position::AtTimestamp(3)]),
    ) {
        let mut shards = vec![shard("000", 0, &[], false), shard("001", 0, &[], false)];
        for (time, (is_merge, which)) in (1u64..).zip(steps) {
            let open: Vec<usize> = (0..shards.len()).filter(|&i| !shards[i].is_closed).collect();
            let first = which.index(open.len());
            let parents: Vec<usize> = match is_merge && open.len() > 1 {
                true => vec![open[first], open[(first + 1) % open.len()]],
                false => vec![open[first]],
            };
            parents.iter().for_each(|&parent| shards[parent].is_closed = true);
            let ids: Vec<String> = parents.iter().map(|&parent| shards[parent].id.clone()).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            for _ in 0..if parents.len() == 1 { 2 } else { 1 } {
                let id = format!("{:03}", shards.len());
                shards.push(shard(&id, time, &ids, false));
            }
        }
        let rows: Vec<Lease> = shards.iter().zip(&kept).filter(|(_, kept)| **kept)
            .map(|(shard, _)| lease(&shard.id, reading())).collect();
        let leases: HashMap<&str, &Lease> = rows.iter().map(|lease| (&*lease.shard, lease)).collect();
        let made = missing(&shards, &leases, &initial).unwrap();
        let mut has: HashSet<&str> = leases.keys().copied().collect();
        for missing in &made {
            prop_assert!(has.insert(&missing.shard.id), "{} was there", missing.shard.id);
        }
        prop_assert!(made.iter().map(|missing| &missing.shard.begins).is_sorted());
        for open in shards.iter().filter(|shard| !shard.is_closed) {
            let mut around = vec![&*open.id];
            let mut hangs = false;
            while let Some(id) = around.pop() {
                hangs |= has.contains(id);
                let found = shards.iter().find(|shard| shard.id == id).unwrap();
                around.extend(found.parents.iter().map(String::as_str));
            }
            prop_assert!(hangs, "{} hangs from nothing", open.id);
        }
        // What was made is enough: the next look makes nothing.
        let more: Vec<Lease> = made.iter().map(|m| lease(&m.shard.id, m.position.clone())).collect();
        let all: HashMap<&str, &Lease> = rows.iter().chain(&more).map(|lease| (&*lease.shard, lease)).collect();
        prop_assert_eq!(missing(&shards, &all, &initial).unwrap(), vec![]);
    }
}
