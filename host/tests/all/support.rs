//! Guests and sessions for the tests.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use dotwit_host::{Config, Error, ErrorKind, Guest, Runtime, Session};

/// Where `cargo xtask guests` puts a guest.
pub(crate) fn guest_path(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../target/guests/wasm32-wasip2/release")
        .join(name)
        .with_extension("wasm");
    assert!(path.exists(), "{} is missing: run `cargo xtask guests`", path.display());
    path
}

/// The guest of the tests, with little memory, and with more time than it needs on the busiest machine.
pub(crate) fn test_guest() -> &'static Guest {
    static GUEST: OnceLock<Guest> = OnceLock::new();
    GUEST.get_or_init(|| test_guest_within(Duration::from_secs(120)))
}

/// The guest of the tests with a limit on its time, for tests that reach it.
pub(crate) fn test_guest_within(cpu_limit: Duration) -> Guest {
    let config = Config::new().max_memory(64 << 20).cpu_limit(cpu_limit);
    Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap()
}

/// A session of the guest of the tests.
pub(crate) fn session() -> Session {
    test_guest().session().unwrap()
}

/// Asserts an error's kind, and what its message says.
#[track_caller]
pub(crate) fn assert_error(error: &Error, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.message().contains(part), "{part:?} is not in {:?}", error.message());
    }
}

/// Asserts that a session's guest comes to hold no object of the page. Page tasks may run on a background thread, which
/// releases the objects in them after the caller has been told of the outcome.
#[track_caller]
pub(crate) fn assert_no_page_references(session: &Session) {
    let end = Instant::now() + Duration::from_secs(60);
    while session.live_page_references() > 0 && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(session.live_page_references(), 0);
}
