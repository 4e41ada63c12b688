//! See `twins::record_row`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twins::record_row::check(data));
