//! Files that are not guests.

use std::path::Path;

use dotwit_host::{Config, Error, ErrorKind, Runtime, componentize};

use crate::support::{assert_error, guest_path};

fn refused(bytes: &[u8]) -> Error {
    let runtime = Runtime::new(Config::new().max_sessions(1)).unwrap();
    let error = runtime.load_bytes("some.wasm", bytes).unwrap_err();
    assert_error(&error, ErrorKind::InvalidGuest, &["'some.wasm'"]);
    error
}

/// A core module with one function and no imports.
fn core_module() -> Vec<u8> {
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b".to_vec()
}

/// A component that exports nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn a_missing_file_is_named() {
    let runtime = Runtime::new(Config::default()).unwrap();
    let error = runtime.load("nowhere/missing.wasm").unwrap_err();
    assert_error(&error, ErrorKind::InvalidGuest, &["missing.wasm", "cannot be read"]);
    let error = runtime.load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err();
    assert_error(&error, ErrorKind::InvalidGuest, &["is a folder"]);
}

#[test]
fn what_is_no_webassembly_is_named() {
    assert_error(&refused(b""), ErrorKind::InvalidGuest, &["is empty", "component is expected"]);
    assert_error(&refused(b"(component)"), ErrorKind::InvalidGuest, &["is text that begins with \"(component)\""]);
    assert_error(&refused(b"\x7fELF\xff"), ErrorKind::InvalidGuest, &["begins with the bytes [7f, 45, 4c, 46, ff]"]);
    assert_error(&refused(b"\0asm"), ErrorKind::InvalidGuest, &["is damaged"]);
}

#[test]
fn a_core_module_is_told_from_a_component() {
    assert_error(
        &refused(&core_module()),
        ErrorKind::InvalidGuest,
        &["core WebAssembly module", "dotwit componentize"],
    );
}

#[test]
fn a_damaged_guest_is_refused_wherever_it_is_cut() {
    let bytes = std::fs::read(guest_path("hello")).unwrap();
    let runtime = Runtime::new(Config::new().max_sessions(1)).unwrap();
    for length in (5..bytes.len() - 1).step_by(bytes.len() / 50) {
        let error = runtime.load_bytes("cut.wasm", &bytes[..length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidGuest, "cut at {length}: {error}");
    }
}

#[test]
fn a_component_without_the_interfaces_is_told_what_it_exports() {
    let expected = ["does not export dotwit:interop/invocation@0.1", "exports nothing", "dotwit::export!"];
    assert_error(&refused(EMPTY_COMPONENT), ErrorKind::InvalidGuest, &expected);
}

#[test]
fn another_version_of_the_interfaces_is_named() {
    let mut bytes = std::fs::read(guest_path("hello")).unwrap();
    // The version stands in the names of imports and exports, and a name of the same length keeps the binary well-formed.
    let (old, new) = (b"@0.1.0", b"@0.7.0");
    let interop = b"dotwit:interop/";
    for at in 0..bytes.len() - 64 {
        if bytes[at..].starts_with(interop) {
            let end = (at..at + 64).find(|end| bytes[*end..].starts_with(old));
            if let Some(end) = end {
                bytes[end..end + new.len()].copy_from_slice(new);
            }
        }
    }
    assert_error(&refused(&bytes), ErrorKind::InvalidGuest, &["dotwit:interop/invocation@0.7.0", "speaks version 0.1"]);
}

#[test]
fn only_core_modules_of_guests_become_components() {
    let refused = |bytes: &[u8]| componentize("core.wasm", bytes).unwrap_err();
    assert_error(&refused(b"text"), ErrorKind::InvalidGuest, &["'core.wasm'", "not WebAssembly"]);
    assert_error(&refused(EMPTY_COMPONENT), ErrorKind::InvalidGuest, &["is a component already"]);
    assert_error(&refused(&core_module()), ErrorKind::InvalidGuest, &["dotwit::export!"]);
    let mut damaged = core_module();
    damaged.truncate(12);
    assert_error(&refused(&damaged), ErrorKind::InvalidGuest, &["damaged module"]);
}
