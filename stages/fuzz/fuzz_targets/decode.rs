//! Fuzzes unpacking and cutting; the body is `bodies::decode`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::decode(input));
