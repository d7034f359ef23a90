//! `askance baseline` over files and over a bucket, and a service that makes its own.

use std::fs;

use crate::corpus::objects;
use crate::place::Place;
use crate::program::Home;

/// The span of the corpus.
const DAYS: [&str; 4] = ["--from", "2026-01-01", "--to", "2027-01-01"];

/// A bucket, and a copy of it in the folder `copy` of a home.
fn bucket(count: usize) -> (Place, Home) {
    let (objects, _) = objects(count);
    let place = Place::new();
    let home = place.home("");
    for object in &objects {
        place.put_one(&object.key, &object.bytes);
        let path = home.path("copy").join(&object.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &object.bytes).unwrap();
    }
    (place, home)
}

/// Builds; answers the exit code, what was said, and the bytes of what was made.
fn build(home: &Home, input: &[&str], output: &str) -> (i32, String, Option<Vec<u8>>) {
    let args = [&["baseline", "build"], input, &["-o", output]].concat();
    let (code, out, err) = home.run(&args);
    (code, format!("{out}{err}"), fs::read(home.path(output)).ok())
}

#[test]
fn a_bucket_gives_the_baseline_that_its_files_give() {
    let (place, home) = bucket(40);
    let s3 = ["s3://trail/AWSLogs", "--config", "askance.yaml"];
    let (code, said, of_files) = build(&home, &[&["copy"], &DAYS[..]].concat(), "files.bin");
    assert_eq!(code, 0, "{said}");
    let (code, said, of_bucket) = build(&home, &[&s3[..], &DAYS].concat(), "bucket.bin");
    assert_eq!(code, 0, "{said}");
    assert!(of_files.is_some() && of_files == of_bucket, "{said}");
    assert_eq!(place.stats()["requests"]["GetObject"], 40);

    let (_, said, other) =
        build(&home, &[&["copy"], &DAYS[..], &["--region", "us-east-1"]].concat(), "one.bin");
    let (_, _, same) =
        build(&home, &[&s3[..], &DAYS, &["--region", "us-east-1"]].concat(), "other.bin");
    assert!(other == same && other != of_files, "{said}");
}

#[test]
fn what_cannot_be_read_of_a_bucket_is_told_and_a_whole_file_stays() {
    let (place, home) = bucket(4);
    let s3 = ["s3://trail/AWSLogs", "--config", "askance.yaml"];
    let (code, said, _) = build(&home, &s3, "made.bin");
    assert!(code == 2 && said.contains("--from is missing"), "{said}");
    let (code, said, _) = build(&home, &["s3://trail", "copy", "--from", "30d"], "made.bin");
    assert!(code == 2 && said.contains("nothing beside it"), "{said}");

    let (code, said, whole) = build(&home, &[&s3[..], &DAYS].concat(), "made.bin");
    assert_eq!(code, 0, "{said}");
    let years_ago = ["--from", "2016-01-01", "--to", "2016-02-01"];
    let (code, said, left) = build(&home, &[&s3[..], &years_ago].concat(), "made.bin");
    assert_eq!(code, 2, "{said}");
    assert_eq!(left, whole, "{said}");

    let day = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02";
    let key = format!("{day}/123456789012_CloudTrail_us-east-1_20260302T0000Z_damaged.json.gz");
    place.put_one(&key, b"\x1f\x8b no gzip");
    let (code, said, made) = build(&home, &[&s3[..], &DAYS].concat(), "made.bin");
    assert!(code == 3 && said.contains("damaged.json.gz"), "{said}");
    assert_eq!(made, whole, "the rest is in it: {said}");
}
