//! A guest reads the arguments of a call.

#![no_main]

#[path = "../src/guest.rs"]
#[allow(dead_code, reason = "each target has one of its functions")]
mod guest;

libfuzzer_sys::fuzz_target!(|data: &[u8]| guest::arguments(data));
