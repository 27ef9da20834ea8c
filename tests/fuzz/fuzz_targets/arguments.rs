//! A guest reads the arguments of a call.

#![no_main]

#[path = "../src/guest.rs"]
mod guest;

libfuzzer_sys::fuzz_target!(|data: &[u8]| guest::arguments(data));
