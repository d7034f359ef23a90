//! What damaged input leaves: earlier records are read, the damage is told, and the tally adds up.

mod inputs;

use askance_stages::model::Reason;
use askance_stages::parse::MAX_RECORD;
use proptest::prelude::*;

use inputs::{containers, gzip, run, run_parts, stopped, trail, zstd};

fn many(count: usize) -> Vec<String> {
    (0..count).map(|index| stopped(&format!("e-{index}"))).collect()
}

/// Text that does not pack to nothing.
fn noisy(count: usize) -> Vec<String> {
    let noise = |n: usize| {
        (0..40)
            .map(|i| format!("{:x}", (n + 7) * (i + 3) * 2_654_435_761 % 65_521))
            .collect::<String>()
    };
    many(count)
        .iter()
        .enumerate()
        .map(|(n, text)| text.replace("\"eve\"", &format!("\"{}\"", noise(n))))
        .collect()
}

#[test]
fn cut_gzip_and_zstd_keep_the_records_before_the_cut() {
    let text = trail(&noisy(2000));
    for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let cut = &packed[..packed.len() * 9 / 10];
        for found in [run(cut), run_parts(cut, 100, 10_000)] {
            assert_eq!(found.rejects, [Reason::Truncated]);
            assert!(found.alerts.len() > 500, "{} alerts", found.alerts.len());
            assert_eq!(found.places(), (0..found.alerts.len() as u64).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_flipped_byte_in_gzip_keeps_the_members_before_it() {
    let mut packed = gzip(trail(&many(3)).as_bytes());
    let first = packed.len();
    packed.extend(gzip(trail(&noisy(50)).as_bytes()));
    let end = packed.len();
    packed[end - 6] ^= 0x55;
    for found in [run(&packed), run_parts(&packed, first / 2, 1000)] {
        assert_eq!(found.rejects, [Reason::BadChecksum]);
        assert!(found.alerts.len() >= 3);
    }
}

#[test]
fn zstd_that_does_not_fit_its_checksum_keeps_its_records() {
    use std::io::Write;

    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(trail(&many(3)).as_bytes()).unwrap();
    let mut packed = encoder.finish().unwrap();
    *packed.last_mut().unwrap() ^= 1;
    let found = run(&packed);
    assert_eq!(
        (found.rejects.as_slice(), found.alerts.len()),
        ([Reason::BadChecksum].as_slice(), 3)
    );
}

#[test]
fn cut_json_keeps_the_records_before_the_cut() {
    let text = trail(&many(3));
    let inside_third = text.len() - 40;
    for found in
        [run(&text.as_bytes()[..inside_third]), run_parts(&text.as_bytes()[..inside_third], 9, 5)]
    {
        assert_eq!(found.rejects, [Reason::CutJson]);
        assert_eq!(found.places(), [0, 1]);
    }
    let lines = many(3).join("\n");
    let found = run(&lines.as_bytes()[..lines.len() - 1]);
    assert_eq!((found.rejects.as_slice(), found.alerts.len()), ([Reason::CutJson].as_slice(), 2));
}

#[test]
fn a_record_that_is_no_json_is_rejected_and_the_next_read() {
    let records =
        [stopped("1"), "{\"eventName\": StopLogging}".to_owned(), "5".to_owned(), stopped("2")];
    let found = run(trail(&records).as_bytes());
    assert_eq!(found.rejects, [Reason::BadRecord, Reason::NotObject]);
    assert_eq!(found.places(), [0, 3]);
}

#[track_caller]
fn check_large(name: &str, text: &str) {
    for found in
        [run(text.as_bytes()), run_parts(text.as_bytes(), 10, 1 << 20), run(&gzip(text.as_bytes()))]
    {
        assert_eq!(found.rejects, [Reason::TooLarge], "{name}");
        assert_eq!(found.places(), [0, 2], "{name}");
    }
}

#[test]
fn a_record_of_five_megabytes_is_rejected_and_the_next_read() {
    let large = stopped("2").replace("\"eve\"", &format!("\"{}\"", "x".repeat(5 << 20)));
    assert!(large.len() > MAX_RECORD);
    let records = [stopped("1"), large, stopped("3")];
    check_large("a file", &trail(&records));
    check_large("lines", &records.join("\n"));
    check_large("a list", &format!("[{}]", records.join(",")));
}

/// Lines that do not begin as CloudTrail writes them are looked at before they are cut.
#[test]
fn a_line_of_five_megabytes_is_rejected_whichever_key_is_first() {
    let large = stopped("2").replace("\"eve\"", &format!("\"{}\"", "x".repeat(5 << 20)));
    let other = |text: String| text.replacen("\"eventVersion\":\"1.08\",", "\"a\":1,", 1);
    let records = [stopped("1"), large, stopped("3")].map(other);
    check_large("lines of others", &records.join("\n"));
}

#[test]
fn a_record_that_nests_too_deep_is_rejected_and_the_next_read() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let records = [stopped("1"), deep, stopped("2")];
    for text in [trail(&records), records.join("\n")] {
        let found = run(text.as_bytes());
        assert_eq!(
            (found.rejects.as_slice(), found.alerts.len()),
            ([Reason::TooDeep].as_slice(), 2)
        );
    }
}

#[test]
fn nothing_and_white_space_are_empty() {
    for text in ["", " \n\t\n"] {
        assert_eq!(run(text.as_bytes()).rejects, [Reason::Empty]);
        assert_eq!(run_parts(text.as_bytes(), 0, 1).rejects, [Reason::Empty]);
        assert_eq!(run(&gzip(text.as_bytes())).rejects, [Reason::Empty]);
    }
}

/// What is done to a valid file.
#[derive(Debug, Clone)]
enum Harm {
    Flip(usize, u8),
    Cut(usize),
    Repeat(usize, usize),
    Insert(usize, &'static str),
}

fn harm() -> impl Strategy<Value = Harm> {
    let token = proptest::sample::select(
        &["{", "}", "[", "]", "\"", "\\", ",", "\n", "{\"Records\":[", "null"][..],
    );
    prop_oneof![
        4 => (any::<usize>(), 1..=255_u8).prop_map(|(at, bits)| Harm::Flip(at, bits)),
        1 => any::<usize>().prop_map(Harm::Cut),
        1 => (any::<usize>(), 1..200_usize).prop_map(|(at, length)| Harm::Repeat(at, length)),
        3 => (any::<usize>(), token).prop_map(|(at, token)| Harm::Insert(at, token)),
    ]
}

fn harmed(mut bytes: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        let end = bytes.len();
        match *harm {
            Harm::Flip(at, bits) if end > 0 => bytes[at % end] ^= bits,
            Harm::Flip(..) => {}
            Harm::Cut(at) => bytes.truncate(at % (end + 1)),
            Harm::Repeat(at, length) => {
                let at = at % (end + 1);
                let piece = bytes[at..(at + length).min(end)].to_vec();
                bytes.splice(at..at, piece);
            }
            Harm::Insert(at, token) => {
                let at = at % (end + 1);
                bytes.splice(at..at, token.bytes());
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// `run` asserts the balance.
    #[test]
    fn harmed_files_never_panic_and_the_tally_adds_up(
        container in any::<proptest::sample::Index>(),
        packing in 0..3_u8,
        harms in prop::collection::vec(harm(), 1..6),
        cut in 0..2000_usize,
    ) {
        let all = containers(&[stopped("e-1"), stopped("e-2")]);
        let text = container.get(&all).1.as_bytes();
        let bytes = match packing {
            0 => harmed(text.to_vec(), &harms),
            1 => harmed(gzip(text), &harms),
            _ => harmed(zstd(text), &harms),
        };
        run(&bytes);
        run_parts(&bytes, cut, 13);
    }
}
