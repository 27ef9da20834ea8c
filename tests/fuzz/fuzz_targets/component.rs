//! The host looks at a file that should be a guest.

#![no_main]

#[path = "../src/component.rs"]
mod component;

libfuzzer_sys::fuzz_target!(|data: &[u8]| component::load(data));
