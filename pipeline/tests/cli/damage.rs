//! Inputs that are damaged: told with file and offset, counted, and everything else is read.
//!
//! Files that cannot be opened at all are `files`; what bounds memory is `limits`.

use serde_json::json;

use crate::records::{gzip, gzip_stored, record, spoiled, trail, trail_of, zstd};
use crate::sandbox::{Run, Sandbox};

/// Scans a folder with `bytes` between two good files; told is this, as the file's only line.
#[track_caller]
fn check(bytes: impl AsRef<[u8]>, kept: &[&str], line: &str, counted: &str) -> Run {
    let sandbox = Sandbox::with("in/1.json", trail_of(&["first"]));
    sandbox.write("in/2-bad", bytes);
    sandbox.write("in/3.json", trail_of(&["last"]));
    let run = sandbox.scan(&["in"]);
    let mut events = vec!["first"];
    events.extend(kept);
    events.push("last");
    run.exits(3).found(&events).says_line(&format!("could not be read: {counted}"));
    let told: Vec<&str> = run.err.lines().filter(|one| one.starts_with("askance: ")).collect();
    let prefix = format!("askance: in/2-bad: {line}");
    assert!(told.len() == 1 && told[0].starts_with(&prefix), "{prefix:?} is not all of {told:?}");
    run
}

/// Two whole records and the beginning of a third, stored so that each byte has its place.
fn stored() -> (Vec<u8>, usize) {
    let packed = gzip_stored(trail_of(&["a", "b", "c"]));
    let third = packed.windows(3).rposition(|bytes| bytes == br#""c""#).unwrap();
    (packed, third)
}

#[test]
fn truncated_gzip_keeps_what_was_before_the_cut() {
    let (packed, third) = stored();
    let line = format!("compressed data ends early at byte {third}");
    check(&packed[..third], &["a", "b"], &line, "1 truncated");
}

#[test]
fn gzip_cut_in_its_second_member_keeps_the_first() {
    let (packed, third) = stored();
    let first = gzip(trail_of(&["x"]));
    let bytes = [&first[..], &packed[..third]].concat();
    let line = format!("compressed data ends early at byte {}", bytes.len());
    check(bytes, &["x", "a", "b"], &line, "1 truncated");
}

#[test]
fn gzip_cut_before_its_checksum_keeps_every_record() {
    let packed = gzip(trail_of(&["a"]));
    for missing in [1, 4, 8] {
        let length = packed.len() - missing;
        let line = format!("compressed data ends early at byte {length}");
        check(&packed[..length], &["a"], &line, "1 truncated");
    }
    check(&packed[..5], &[], "compressed data ends early at byte 5", "1 truncated");
}

#[test]
fn a_large_truncated_file_keeps_a_large_part() {
    let records: Vec<_> = (0..20_000).map(|index| record(&format!("{:x}", index * 7919))).collect();
    let packed = gzip(trail(&records));
    let sandbox = Sandbox::with("in.json.gz", &packed[..packed.len() / 2]);
    let run = sandbox.scan(&["in.json.gz"]);
    run.exits(3).says(&format!("compressed data ends early at byte {}", packed.len() / 2));
    let kept = run.events().len();
    assert!((8_000..12_000).contains(&kept), "{kept} of 20,000 were kept from one half");
}

#[test]
fn garbage_behind_gzip_is_told_once_and_costs_nothing() {
    let packed = gzip(trail_of(&["a", "b"]));
    let bytes = [&packed[..], b"<html>not gzip</html>"].concat();
    let line =
        format!("something that is not compressed data follows the end at byte {}", packed.len());
    check(bytes, &["a", "b"], &line, "1 trailing_garbage");
}

#[test]
fn a_wrong_checksum_is_told_and_the_records_are_kept() {
    for (from_end, what) in [(8, "checksum"), (4, "length")] {
        let mut packed = gzip(trail_of(&["a", "b"]));
        let at = packed.len() - from_end;
        packed[at] ^= 0x01;
        let run =
            check(&packed, &["a", "b"], "does not fit its checksum at byte ", "1 bad_checksum");
        assert!(run.err.contains("at byte"), "{what}");
    }
}

#[test]
fn gzip_damaged_in_its_middle_keeps_what_was_before() {
    let mut packed = [gzip(trail_of(&["a"])), gzip(trail_of(&["b"]))].concat();
    let at = gzip(trail_of(&["a"])).len() + 10;
    packed[at] = 0xff;
    check(&packed, &["a"], "compressed data is damaged at byte ", "1 corrupt_compression");
}

#[test]
fn truncated_zstd_keeps_whole_frames() {
    let first = zstd(trail_of(&["a"]));
    let bytes = [&first[..], &zstd(trail_of(&["b"]))[..40]].concat();
    check(bytes, &["a"], "compressed data ends early at byte ", "1 truncated");
}

#[test]
fn damaged_zstd_is_told_for_what_it_is() {
    let packed = zstd(trail_of(&["a"]));
    let garbage = [&packed[..], b"<html>"].concat();
    let words = "something that is not compressed data follows the end at byte ";
    check(garbage, &["a"], words, "1 trailing_garbage");
    let mut wrong = packed;
    let at = wrong.len() - 2;
    wrong[at] ^= 0x01;
    // One block of one record: its checksum comes before anything is given out.
    let sandbox = Sandbox::with("in.zst", wrong);
    let run = sandbox.scan(&["in.zst"]);
    run.exits(3).says("askance: in.zst: does not fit its checksum at byte ");
}

#[test]
fn what_is_not_json_is_told() {
    let html = "<html>\n<body>Access Denied</body>\n</html>\n";
    check(html, &[], "is not JSON at byte 0", "1 not_json");
    check(gzip(html), &[], "is not JSON at byte 0", "1 not_json");
    check([0x89, b'P', b'N', b'G', 0, 1, 2, 0xff], &[], "is not JSON at byte 0", "1 not_json");
    check("\"just text\"", &[], "is not JSON at byte 0", "1 not_json");
}

#[test]
fn lines_that_are_not_json_do_not_hide_those_that_are() {
    let text = format!("{}\nnot json\n{}\n", record("a"), record("b"));
    let at = record("a").to_string().len() + 1;
    check(text, &["a", "b"], &format!("is not JSON at byte {at}"), "1 not_json");
}

#[test]
fn json_cut_in_the_middle_keeps_what_was_before() {
    let text = trail_of(&["a", "b", "c"]);
    let third = text.rfind("{\"eventVersion\"").unwrap();
    let line = format!("JSON ends in the middle at byte {third}");
    check(&text[..third + 100], &["a", "b"], &line, "1 cut_json");
    check(gzip(&text[..third + 100]), &["a", "b"], &line, "1 cut_json");
    check(zstd(&text[..third + 100]), &["a", "b"], &line, "1 cut_json");
    // Cut between records, and before the end of the list.
    check(&text[..third], &["a", "b"], "JSON ends in the middle at byte ", "1 cut_json");
    check(&text[..text.len() - 2], &["a", "b", "c"], "JSON ends in the middle", "1 cut_json");
    check(&text[..text.len() - 1], &["a", "b", "c"], "JSON ends in the middle", "1 cut_json");
    check("{\"Records\":[", &[], "JSON ends in the middle", "1 cut_json");
    check("{\"Rec", &[], "JSON ends in the middle at byte 0", "1 cut_json");
}

#[test]
fn a_cut_file_does_not_hide_those_behind_it() {
    let cut = trail_of(&["a", "b"]);
    let third = cut.rfind("{\"eventVersion\"").unwrap();
    let text = format!("{}{}", &cut[..third + 100], trail_of(&["c"]));
    let line = format!("JSON ends in the middle at byte {third}");
    check(&text, &["a", "c"], &line, "1 cut_json");
    check(gzip(&text), &["a", "c"], &line, "1 cut_json");
    let one = record("a").to_string();
    let lines = format!("{}\n{}\n", &one[..100], record("b"));
    check(lines, &["b"], "JSON ends in the middle at byte 0", "1 cut_json");
}

#[test]
fn an_event_in_a_string_nests_no_deeper_than_others() {
    let deep = record("deep")
        .to_string()
        .replace("\"films\"", &format!("{}{}", "[".repeat(400), "]".repeat(400)));
    let answer = json!({"Events": [{"CloudTrailEvent": deep}, {"CloudTrailEvent": record("a").to_string()}]});
    check(
        answer.to_string(),
        &["a"],
        "a record nests deeper than is allowed at byte ",
        "1 too_deep",
    );
}

#[test]
fn records_that_are_no_objects_are_told_and_passed_over() {
    let text = format!("{{\"Records\":[{},1,\"x\",{}]}}", record("a"), record("b"));
    let sandbox = Sandbox::with("in.json", text.replace(",1,", ",1,null,[{},[]],true,"));
    let run = sandbox.scan(&["in.json"]);
    run.exits(3).found(&["a", "b"]).says_line("could not be read: 5 not_object");
    let offset = record("a").to_string().len() + "{\"Records\":[,".len();
    run.says_line(&format!("askance: in.json: a record is not an object at byte {offset}"));
    run.says(" 7 records ");
}

#[test]
fn much_of_the_same_damage_is_told_a_few_times_and_counted() {
    let many = vec![json!(1); 1000];
    let sandbox = Sandbox::with("in.json", json!({ "Records": many }).to_string());
    let run = sandbox.scan(&["in.json"]);
    run.exits(3).says_line("could not be read: 1,000 not_object");
    run.says_line("askance: in.json: a record is not an object 995 more times");
    assert!(run.err.lines().count() < 15, "{}", run.err);
}

#[test]
fn a_record_that_cannot_be_parsed_does_not_take_others_with_it() {
    let bad = spoiled("bad", "\"requestID\":\"R1\"", b"\"requestID\":{]:}");
    let head = format!("{{\"Records\":[{},", record("a"));
    let tail = format!(",{}]}}", record("b"));
    let bytes = [head.as_bytes(), &bad, tail.as_bytes()].concat();
    let sandbox = Sandbox::with("in.json", bytes);
    let run = sandbox.scan(&["in.json"]);
    run.exits(3).says("askance: in.json: ").says("at byte ").says("could not be read: ");
    assert_eq!(run.events().first().map(String::as_str), Some("a"), "{}", run.err);
}
