//! Unpacking: every packing, damage of every kind, and the fast way against the streaming one.

use std::io::Write;

use proptest::prelude::*;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Reads to the end or to damage, whole or in parts of `cut` bytes.
fn read(packed: &[u8], cut: Option<usize>) -> (Vec<u8>, Option<Reason>) {
    read_with(packed, cut, DecodeLimits::default())
}

fn read_with(packed: &[u8], cut: Option<usize>, limits: DecodeLimits) -> (Vec<u8>, Option<Reason>) {
    let mut decoder = Decoder::new(limits);
    let mut rest;
    let input = match cut {
        None => Input::Whole(packed),
        Some(cut) => {
            rest = &packed[cut..];
            Input::Parts(&packed[..cut], &mut rest)
        }
    };
    let mut text = Vec::new();
    match decoder.open(input) {
        Ok(Body::Whole(bytes)) => (bytes.to_vec(), None),
        Err(damage) => (text, Some(damage.reason)),
        Ok(Body::Stream(mut stream)) => {
            let mut buffer = vec![0; 1000];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => return (text, None),
                    Ok(count) => text.extend_from_slice(&buffer[..count]),
                    Err(damage) => return (text, Some(damage.reason)),
                }
            }
        }
    }
}

#[track_caller]
fn check(packed: &[u8], text: &[u8], reason: Option<Reason>) {
    for cut in [None, Some(5.min(packed.len())), Some(packed.len() / 2)] {
        let (found, why) = read(packed, cut);
        assert_eq!(why, reason, "cut at {cut:?}");
        assert!(found == text, "cut at {cut:?}: {} bytes, not {}", found.len(), text.len());
    }
}

fn sample(length: usize) -> Vec<u8> {
    (0..length).flat_map(|n| format!("{{\"n\":{}}}\n", n * 7919 % 1009).into_bytes()).collect()
}

#[test]
fn members_are_all_read() {
    let (one, two) = (sample(900), sample(500));
    check(&gzip(&one), &one, None);
    check(&[gzip(&one), gzip(&two)].concat(), &[one.clone(), two].concat(), None);
    // The same member twice has the right trailer at its end.
    check(&[gzip(&one), gzip(&one)].concat(), &[one.clone(), one.clone()].concat(), None);
    check(&[gzip(&one), gzip(b"")].concat(), &one, None);
    check(&[gzip(&one), vec![0; 700]].concat(), &one, None);
    check(&gzip(b""), b"", None);
}

#[test]
fn plain_and_zstd_are_read() {
    let text = sample(2000);
    check(&text, &text, None);
    let packed = zstd::encode_all(text.as_slice(), 3).unwrap();
    check(&packed, &text, None);
    check(&[packed.clone(), packed.clone()].concat(), &[text.clone(), text.clone()].concat(), None);
    let (found, why) = read(&packed[..packed.len() - 9], None);
    assert_eq!(why, Some(Reason::Truncated));
    assert!(text.starts_with(&found));
}

#[test]
fn what_precedes_damage_is_kept() {
    let text = sample(20_000);
    let packed = gzip(&text);
    for cut in [None, Some(100)] {
        let (found, why) = read(&packed[..packed.len() / 2], cut);
        assert_eq!(why, Some(Reason::Truncated));
        assert!(found.len() > text.len() / 4 && text.starts_with(&found));
    }
    let mut wrong = packed.clone();
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    check(&wrong, &text, Some(Reason::BadChecksum));
    check(&[packed.clone(), b"garbage".to_vec()].concat(), &text, Some(Reason::TrailingGarbage));
    let zeros_then_more = [packed.clone(), vec![0; 9], b"x".to_vec()].concat();
    check(&zeros_then_more, &text, Some(Reason::TrailingGarbage));
    let second_cut = [packed.clone(), packed[..packed.len() / 2].to_vec()].concat();
    let (found, why) = read(&second_cut, None);
    assert_eq!(why, Some(Reason::Truncated));
    assert!(found.len() > text.len());
}

#[test]
fn bombs_end_at_the_limit() {
    let packed = gzip(&vec![0; 80 << 20]);
    let (found, why) = read(&packed, None);
    assert_eq!(why, Some(Reason::Bomb));
    assert!(found.len() <= 65 << 20);
    let limits = DecodeLimits { max_object_bytes: 10_000, max_ratio: 500 };
    let (found, why) = read_with(&gzip(&sample(5000)), None, limits);
    assert_eq!(why, Some(Reason::Bomb));
    assert!(found.len() <= 10_000);
}

proptest! {
    #[test]
    fn whole_and_stream_agree(texts in proptest::collection::vec("[a-z{}\":,]{0,300}", 1..4),
                              flip in any::<Option<(u16, u8)>>()) {
        let mut packed: Vec<u8> = texts.iter().flat_map(|text| gzip(text.as_bytes())).collect();
        if let Some((at, bits)) = flip {
            let at = at as usize % packed.len();
            packed[at] ^= bits;
        }
        prop_assert_eq!(read(&packed, None), read(&packed, Some(packed.len() / 3)));
    }
}

#[test]
fn what_is_packed_in_itself_is_unpacked_up_to_a_depth() {
    let text = sample(5000);
    let once = gzip(&text);
    let twice = gzip(&once);
    let members = [gzip(&text), gzip(&text)].concat();
    check(&twice, &text, None);
    check(&gzip(&twice), &text, None);
    check(&gzip(&members), &[text.clone(), text.clone()].concat(), None);
    check(
        &[gzip(&members[..members.len() / 2]), gzip(&members[members.len() / 2..])].concat(),
        &[text.clone(), text.clone()].concat(),
        None,
    );
    check(&gzip(&zstd::encode_all(&text[..], 1).unwrap()), &text, None);
    check(&zstd::encode_all(&once[..], 1).unwrap(), &text, None);
    check(&gzip(&gzip(&twice)), &[], Some(Reason::Bomb));
    // Damage of an inner layer is told as what it is, behind what came before it.
    let (found, why) = read(&gzip(&once[..once.len() - 4]), None);
    assert_eq!((found == text, why), (true, Some(Reason::Truncated)));
}
