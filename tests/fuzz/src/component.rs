//! The decoder of components, and of the manifest inside.

use std::sync::LazyLock;

use dotwit_host::{Config, ErrorKind, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Config::default()).expect("the engine starts"));

/// Bytes that are no guest are refused as such.
pub fn load(data: &[u8]) {
    match RUNTIME.load_bytes("fuzzed", data) {
        Ok(guest) => drop(guest),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::InvalidGuest | ErrorKind::GuestTrapped | ErrorKind::Protocol),
            "{error:?}"
        ),
    }
}
