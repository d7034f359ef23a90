//! Aggregates: written as the producer does, and damaged in every way.

use proptest::prelude::*;

use super::*;

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes(number: u64, bytes: &[u8], out: &mut Vec<u8>) {
    varint(number << 3 | 2, out);
    varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn record(key: u64, explicit: Option<u64>, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(1 << 3, &mut out);
    varint(key, &mut out);
    if let Some(explicit) = explicit {
        varint(2 << 3, &mut out);
        varint(explicit, &mut out);
    }
    bytes(3, data, &mut out);
    // A tag, which nobody uses.
    let mut tag = Vec::new();
    bytes(1, b"key", &mut tag);
    bytes(4, &tag, &mut out);
    out
}

fn sealed(message: &[u8]) -> Vec<u8> {
    [&MAGIC, message, Md5::digest(message).as_slice()].concat()
}

fn message(keys: &[&str], explicit: &[&str], records: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    keys.iter().for_each(|key| bytes(1, key.as_bytes(), &mut out));
    explicit.iter().for_each(|key| bytes(2, key.as_bytes(), &mut out));
    records.iter().for_each(|record| bytes(3, record, &mut out));
    out
}

#[test]
fn records_come_out_with_their_hash_keys() {
    let records = [record(0, None, b"one"), record(1, Some(0), b"two"), record(9, None, b"three")];
    let packed =
        sealed(&message(&["a", "b"], &["340282366920938463463374607431768211455"], &records));
    let found = Aggregate::open(&packed).unwrap();
    assert_eq!(found.count(), 3);
    let records: Vec<Inner<'_>> = found.records().collect();
    // The MD5 of "a", as every md5sum tells it.
    let of_a = Some(0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
    assert_eq!(
        records,
        [
            Inner::Data { data: b"one", hash: of_a },
            Inner::Data { data: b"two", hash: Some(u128::MAX) },
            Inner::OutOfTable(b"three"),
        ]
    );
}

#[test]
fn anything_else_is_a_plain_record() {
    let good = message(&["a"], &[], &[record(0, None, b"one")]);
    assert!(Aggregate::open(&sealed(&good)).is_some());
    let mut wrong_sum = sealed(&good);
    *wrong_sum.last_mut().unwrap() ^= 1;
    let no_data = {
        let mut record = Vec::new();
        varint(1 << 3, &mut record);
        varint(0, &mut record);
        message(&["a"], &[], &[record])
    };
    let endless = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for plain in [
        Vec::new(),
        MAGIC.to_vec(),
        [MAGIC.to_vec(), vec![0; 15]].concat(),
        good.clone(),
        wrong_sum,
        sealed(&good[..good.len() - 1]),
        sealed(&no_data),
        sealed(&endless),
        // A group, and field number 0.
        sealed(&[0x0b]),
        sealed(&[0x00, 0x01]),
    ] {
        assert!(Aggregate::open(&plain).is_none(), "{plain:?}");
    }
    // Nothing in it is an aggregate of nothing; fields of a later version are passed over.
    assert_eq!(Aggregate::open(&sealed(&[])).unwrap().count(), 0);
    assert_eq!(Aggregate::open(&sealed(&[0x2d, 1, 2, 3, 4])).unwrap().count(), 0);
}

#[test]
fn tables_are_bounded() {
    let keys = vec![""; MAX_KEYS + 5];
    let last = MAX_KEYS as u64;
    let records = [record(last - 1, None, b"kept"), record(last, None, b"past it")];
    let packed = sealed(&message(&keys, &[], &records));
    let found: Vec<Inner<'_>> = Aggregate::open(&packed).unwrap().records().collect();
    assert!(matches!(found[0], Inner::Data { data: b"kept", .. }));
    assert_eq!(found[1], Inner::OutOfTable(b"past it"));
}

proptest! {
    #[test]
    fn what_was_put_in_comes_out(data in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let records: Vec<Vec<u8>> = data.iter().map(|data| record(0, None, data)).collect();
        let packed = sealed(&message(&["key"], &[], &records));
        let found = Aggregate::open(&packed).unwrap();
        let hash = Some(hash_of(b"key"));
        let expected: Vec<Inner<'_>> = data.iter().map(|data| Inner::Data { data, hash }).collect();
        prop_assert_eq!(found.records().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn any_bytes_behind_a_right_checksum_are_read_or_plain(message in proptest::collection::vec(any::<u8>(), 0..200)) {
        let packed = sealed(&message);
        if let Some(found) = Aggregate::open(&packed) {
            prop_assert_eq!(found.records().count() as u64, found.count());
        }
    }
}
