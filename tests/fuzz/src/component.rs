//! The decoder of components, and of the manifest inside.

use std::sync::LazyLock;
use std::time::Duration;

use dotwit_host::{Config, ErrorKind, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let cpu_limit = Duration::from_millis(200);
    Runtime::new(Config::new().cpu_limit(cpu_limit).max_sessions(4)).expect("the engine starts")
});

/// Bytes that are not a guest are refused as such, and a guest that cannot start says why.
pub fn load(data: &[u8]) {
    if let Err(error) = RUNTIME.load_bytes("fuzzed", data) {
        let refused = [ErrorKind::InvalidGuest, ErrorKind::GuestTrapped, ErrorKind::Failed];
        assert!(refused.contains(&error.kind()) && !error.message().is_empty(), "{error:?}");
    }
}
