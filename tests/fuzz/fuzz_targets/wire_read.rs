//! A server, or a page, reads a message of a circuit's socket.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dotwit_host::server::wire_read(data));
