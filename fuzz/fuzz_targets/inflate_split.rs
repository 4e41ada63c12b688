//! See `twins::inflate_split`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twins::inflate_split::check(data));
