//! See `twins::envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twins::envelope::check(data));
