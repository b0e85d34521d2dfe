#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ensign::fuzzing::run("files", data));
