//! What a call opens to the world: the fields under `askance.network.`.
//!
//! A port is open to the world if the networks of all elements that open it are the world together.
//! Which elements there are is read in `openings`, what the world is in `cidr`.

use super::cidr::is_world;
use super::openings::{Opening, Openings, Protocol, openings};
use crate::model::{Facts, Field, Record};

/// Ports by which machines are administered: shells, desktops, file shares, and what runs containers.
const ADMIN_PORTS: [u16; 16] =
    [22, 23, 135, 139, 445, 2375, 2376, 2379, 3389, 5900, 5901, 5985, 5986, 6443, 10250, 10255];

/// Ports of databases, caches, search engines and queues.
const DATABASE_PORTS: [u16; 20] = [
    1433, 1434, 1521, 2181, 3306, 5432, 5439, 5984, 6379, 7687, 8182, 9042, 9092, 9200, 9300,
    11211, 27017, 27018, 27019, 50000,
];

/// Those of the ports above that are reached over UDP too.
const UDP_PORTS: [u16; 3] = [1434, 3389, 11211];

/// First and last ports.
type Ranges = Vec<(u16, u16)>;

/// All fields of the family.
pub(super) fn facts(record: &Record<'_>, facts: &mut Facts) {
    let Some(Openings { list, prefix_lists, is_cut }) = openings(record) else { return };
    let [tcp, udp, other] = [Protocol::Tcp, Protocol::Udp, Protocol::Other].map(|protocol| {
        let wanted = |opening: &&Opening<'_>| {
            opening.protocol == protocol || opening.protocol == Protocol::Every
        };
        list.iter().filter(wanted).copied().collect::<Vec<_>>()
    });
    let (tcp_ranges, udp_ranges) = (world_ranges(&tcp), world_ranges(&udp));
    let is_other_open = is_world(other.iter().map(|opening| opening.network));
    let is_open = is_other_open || !tcp_ranges.is_empty() || !udp_ranges.is_empty();
    facts.judge(Field::NetworkIsOpenToWorld, is_open, is_cut);
    let is_all = |ranges: &Ranges| ranges.as_slice() == [(0, u16::MAX)];
    let is_all_open = is_all(&tcp_ranges) || is_all(&udp_ranges);
    facts.judge(Field::NetworkIsAllPortsOpen, is_all_open, is_cut);
    let mut ports = |field, ports: &[u16]| {
        let open = ports.iter().copied().filter(|port| {
            contains(&tcp_ranges, *port)
                || (UDP_PORTS.contains(port) && contains(&udp_ranges, *port))
        });
        facts.numbers(field, open, is_cut);
    };
    ports(Field::NetworkWorldAdminPorts, &ADMIN_PORTS);
    ports(Field::NetworkWorldDatabasePorts, &DATABASE_PORTS);
    let named = |name: &str, ranges: &Ranges| -> Vec<String> {
        ranges.iter().map(|(from, to)| written(name, *from, *to)).collect()
    };
    let mut ranges = named("tcp", &tcp_ranges);
    ranges.extend(named("udp", &udp_ranges));
    facts.texts(Field::NetworkWorldRanges, ranges, is_cut);
    let mut cidrs = world_cidrs(&tcp, &tcp_ranges);
    cidrs.extend(world_cidrs(&udp, &udp_ranges));
    if is_other_open {
        cidrs.extend(together(&other));
    }
    facts.texts(Field::NetworkWorldCidrs, cidrs, is_cut);
    facts.texts(Field::NetworkCidrs, list.iter().map(|opening| opening.written), is_cut);
    facts.texts(Field::NetworkPrefixLists, prefix_lists, is_cut);
}

fn contains(ranges: &Ranges, port: u16) -> bool {
    ranges.iter().any(|(from, to)| (*from..=*to).contains(&port))
}

fn written(name: &str, from: u16, to: u16) -> String {
    if from == to { format!("{name}/{from}") } else { format!("{name}/{from}-{to}") }
}

/// The ports that are open to the world. What is let in changes only where an element begins or has
/// ended, so one port of each stretch between is enough.
fn world_ranges(openings: &[Opening<'_>]) -> Ranges {
    let mut ranges = Ranges::new();
    // Nearly always: then no part of them is the world either.
    if !is_world(openings.iter().map(|opening| opening.network)) {
        return ranges;
    }
    let mut edges: Vec<u16> = openings
        .iter()
        .flat_map(|opening| [Some(opening.from), opening.to.checked_add(1)])
        .flatten()
        .collect();
    edges.sort_unstable();
    edges.dedup();
    for (index, from) in edges.iter().enumerate() {
        let to = edges.get(index + 1).map_or(u16::MAX, |next| next - 1);
        if !is_world(at_port(openings, *from).map(|opening| opening.network)) {
            continue;
        }
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *from => *last = to,
            Some(_) | None => ranges.push((*from, to)),
        }
    }
    ranges
}

fn at_port<'o, 'r>(
    openings: &'o [Opening<'r>],
    port: u16,
) -> impl Iterator<Item = &'o Opening<'r>> {
    openings.iter().filter(move |opening| (opening.from..=opening.to).contains(&port))
}

/// The networks through which the world comes in.
fn world_cidrs<'r>(openings: &[Opening<'r>], ranges: &Ranges) -> Vec<&'r str> {
    let part: Vec<Opening<'r>> = openings
        .iter()
        .filter(|opening| {
            ranges.iter().any(|(from, to)| opening.from <= *to && opening.to >= *from)
        })
        .copied()
        .collect();
    if ranges.is_empty() { Vec::new() } else { together(&part) }
}

/// Those that are the world each by itself; if there are none, all.
fn together<'r>(openings: &[Opening<'r>]) -> Vec<&'r str> {
    let alone: Vec<_> = openings
        .iter()
        .filter(|opening| is_world([opening.network]))
        .map(|opening| opening.written)
        .collect();
    if alone.is_empty() { openings.iter().map(|opening| opening.written).collect() } else { alone }
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
