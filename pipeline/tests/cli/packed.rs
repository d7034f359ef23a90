//! Packed inputs in good order: gzip in every layout, zstd, names that say nothing.

use crate::records::{gzip, gzip_stored, record, trail, trail_of, zstd};
use crate::sandbox::Sandbox;

#[track_caller]
fn check(name: &str, bytes: impl AsRef<[u8]>, events: &[&str]) {
    let sandbox = Sandbox::with(name, bytes.as_ref());
    sandbox.scan(&[name]).exits(0).is_calm().found(events);
    sandbox.scan_stdin(&["-"], bytes.as_ref()).exits(0).is_calm().found(events);
}

#[test]
fn gzip_is_told_by_its_bytes_and_not_by_its_name() {
    check("in.json.gz", gzip(trail_of(&["a", "b"])), &["a", "b"]);
    check("in.json", gzip(trail_of(&["a"])), &["a"]);
    check("in", gzip(trail_of(&["a"])), &["a"]);
    check("in.json.gz", trail_of(&["a"]), &["a"]);
}

#[test]
fn gzip_of_several_members_is_read_to_its_end() {
    let members = [gzip(trail_of(&["a"])), gzip(trail_of(&["b"])), gzip(trail_of(&["c"]))].concat();
    check("in.gz", &members, &["a", "b", "c"]);
    check("in.json", &members, &["a", "b", "c"]);
}

#[test]
fn a_record_may_lie_across_two_members() {
    let text = trail_of(&["a", "b", "c"]);
    let (head, tail) = text.as_bytes().split_at(text.len() / 2);
    check("in.gz", [gzip(head), gzip(b""), gzip_stored(tail)].concat(), &["a", "b", "c"]);
}

#[test]
fn zeros_behind_the_last_member_are_padding() {
    check("in.gz", [gzip(trail_of(&["a"])), vec![0; 700]].concat(), &["a"]);
}

#[test]
fn zstd_is_read_frame_by_frame() {
    check("in.json.zst", zstd(trail_of(&["a", "b"])), &["a", "b"]);
    let frames = [zstd(trail_of(&["a"])), zstd(trail_of(&["b"]))].concat();
    check("in.json", frames, &["a", "b"]);
}

#[test]
fn a_large_file_is_read_in_parts_packed_or_not() {
    let count = 18_000;
    let records: Vec<_> = (0..count).map(|index| record(&format!("event-{index}"))).collect();
    let text = trail(&records);
    assert!(text.len() > 8 << 20, "it is past what is read at once");
    let sandbox = Sandbox::with("plain.json", &text);
    sandbox.write("stored.gz", gzip_stored(&text));
    sandbox.write("packed.gz", gzip(&text));
    sandbox.write("packed.zst", zstd(&text));
    for name in ["plain.json", "stored.gz", "packed.gz", "packed.zst"] {
        let run = sandbox.scan(&[name, "--no-event"]);
        run.exits(0).is_calm().says(" 18,000 records ");
        assert_eq!(run.out.lines().count(), count, "{name}");
        assert_eq!(run.alerts()[count - 1]["origin"]["index"], count - 1, "{name}");
    }
}
