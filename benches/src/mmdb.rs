//! Small databases of addresses in MaxMind's form, for tests and measurements: what stands in them is up to the caller.
//!
//! Only what such files need is written: texts, whole numbers and maps of them; each value is written anew wherever it
//! stands. Nothing is read here.

use std::net::IpAddr;

use serde_json::Value;

/// Between the tree and the data, and what data offsets in the tree begin behind.
const SEPARATOR: [u8; 16] = [0; 16];

/// Where the metadata begin.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Bits of each half of a node.
const RECORD_BITS: u64 = 24;

// Kinds of values, as the form numbers them.
const TEXT: u8 = 2;
const UINT16: u8 = 5;
const UINT32: u8 = 6;
const MAP: u8 = 7;
const UINT64: u8 = 9;
const ARRAY: u8 = 11;

/// One half of a node of the tree.
#[derive(Debug, Clone, Copy)]
enum Half {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A database of this type: networks, such as `81.2.69.0/24`, and what it tells of each. With `is_v6` it has both kinds
/// of addresses, as most have; else it is one of IPv4 alone.
///
/// # Panics
/// On what is no network, on networks that overlap, and on values that are neither text nor number nor map.
#[must_use]
pub fn mmdb(database_type: &str, is_v6: bool, networks: &[(&str, Value)]) -> Vec<u8> {
    let (mut nodes, mut data) = (vec![[Half::Nothing; 2]], Vec::new());
    for (network, told) in networks {
        let bits = bits(network, is_v6);
        let (last, path) = bits.split_last().expect("a network has a prefix");
        let mut at = 0;
        for bit in path {
            at = match nodes[at][usize::from(*bit)] {
                Half::Node(next) => next,
                Half::Nothing => {
                    let next = nodes.len();
                    nodes.push([Half::Nothing; 2]);
                    nodes[at][usize::from(*bit)] = Half::Node(next);
                    next
                }
                Half::Data(_) => panic!("{network} is in another network"),
            };
        }
        nodes[at][usize::from(*last)] = Half::Data(data.len());
        value(told, &mut data);
    }
    let mut file = Vec::new();
    for half in nodes.iter().flatten() {
        let number = match half {
            Half::Nothing => nodes.len(),
            Half::Node(node) => *node,
            Half::Data(offset) => nodes.len() + SEPARATOR.len() + offset,
        };
        let bytes = u32::try_from(number).expect("it is a small file").to_be_bytes();
        file.extend_from_slice(&bytes[1..]);
    }
    file.extend_from_slice(&SEPARATOR);
    file.extend_from_slice(&data);
    file.extend_from_slice(MARKER);
    metadata(database_type, is_v6, nodes.len(), &mut file);
    file
}

/// The bits of a prefix. In a tree of IPv6 the addresses of IPv4 stand below 96 zeros.
fn bits(network: &str, is_v6: bool) -> Vec<bool> {
    let (address, prefix) = network.split_once('/').expect("a network has a prefix");
    let prefix: u32 = prefix.parse().expect("a prefix is a number");
    let (number, width) = match address.parse().expect("a network has an address") {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let zeros = if is_v6 { 128 - width } else { 0 };
    let own = (0..prefix).map(|at| number >> (width - 1 - at) & 1 == 1);
    (0..zeros).map(|_| false).chain(own).collect()
}

fn metadata(database_type: &str, is_v6: bool, nodes: usize, into: &mut Vec<u8>) {
    head(MAP, 9, into);
    let mut number = |key: &str, kind: u8, number: u64| {
        text(key, into);
        uint(kind, number, into);
    };
    number("binary_format_major_version", UINT16, 2);
    number("binary_format_minor_version", UINT16, 0);
    number("build_epoch", UINT64, 1_790_000_000);
    number("ip_version", UINT16, if is_v6 { 6 } else { 4 });
    number("node_count", UINT32, nodes as u64);
    number("record_size", UINT16, RECORD_BITS);
    text("database_type", into);
    text(database_type, into);
    text("description", into);
    head(MAP, 1, into);
    text("en", into);
    text("made up", into);
    text("languages", into);
    head(ARRAY, 1, into);
    text("en", into);
}

fn value(told: &Value, into: &mut Vec<u8>) {
    match told {
        Value::String(told) => text(told, into),
        Value::Number(number) => uint(UINT32, number.as_u64().expect("a whole number"), into),
        Value::Object(members) => {
            head(MAP, members.len(), into);
            for (key, told) in members {
                text(key, into);
                value(told, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => panic!("{told} is not written here"),
    }
}

fn text(text: &str, into: &mut Vec<u8>) {
    head(TEXT, text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

/// A number without the zeros before it.
fn uint(kind: u8, number: u64, into: &mut Vec<u8>) {
    let zeros = number.leading_zeros() as usize / 8;
    head(kind, 8 - zeros, into);
    into.extend_from_slice(&number.to_be_bytes()[zeros..]);
}

/// What stands before a value: its kind and its size.
fn head(kind: u8, size: usize, into: &mut Vec<u8>) {
    let (size, more) = match u8::try_from(size).expect("values are short") {
        size @ ..29 => (size, None),
        size => (29, Some(size - 29)),
    };
    // Kinds past 7 stand in a byte of their own.
    if kind > 7 {
        into.extend([size, kind - 7]);
    } else {
        into.push(kind << 5 | size);
    }
    into.extend(more);
}
