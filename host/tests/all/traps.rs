//! Guests that end, and hosts that go on.

use std::time::{Duration, Instant};

use dotwit_host::{Error, ErrorKind};

use crate::support::{assert_error, session};

/// Ends a guest by a call, while another call is under way; all that is asked of it from then on fails the same.
fn end(method: &str, args: impl serde::Serialize) -> Error {
    let session = session();
    let never = session.invoke_async::<()>("TestGuest", "Never", ());
    let began = Instant::now();
    let error = session.invoke::<()>("TestGuest", method, args).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GuestTrapped, "{error}");
    assert!(began.elapsed() < Duration::from_secs(30), "the limit is half a second");
    assert_eq!(pollster::block_on(never).unwrap_err(), error);
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap_err(), error);
    assert_eq!(session.live_references().unwrap_err(), error);
    error
}

#[test]
fn a_panic_is_reported_with_its_message() {
    assert_error(
        &end("Panic", ("no tea, \u{1f375}",)),
        ErrorKind::GuestTrapped,
        &["panicked", "no tea, \u{1f375}", "misuse.rs"],
    );
}

#[test]
fn a_panic_in_a_task_ends_all_calls() {
    let session = session();
    let error = pollster::block_on(session.invoke_async::<()>("TestGuest", "PanicLater", ("later",))).unwrap_err();
    assert_error(&error, ErrorKind::GuestTrapped, &["panicked", "later"]);
}

#[test]
fn an_endless_loop_is_stopped() {
    assert_error(&end("LoopForever", ()), ErrorKind::GuestTrapped, &["500ms"]);
}

#[test]
fn a_long_sleep_in_the_system_is_stopped() {
    assert_error(&end("SleepInHost", (3_600_000,)), ErrorKind::GuestTrapped, &["500ms"]);
}

#[test]
fn memory_that_is_used_up_is_named() {
    assert_error(&end("ExhaustMemory", ()), ErrorKind::GuestTrapped, &["out of memory", "67108864 is the limit"]);
}

#[test]
fn a_stack_that_is_used_up_ends_the_guest() {
    assert_error(&end("OverflowStack", ()), ErrorKind::GuestTrapped, &["stack is exhausted"]);
}

#[test]
fn an_abort_ends_the_guest() {
    assert_error(&end("Abort", ()), ErrorKind::GuestTrapped, &["unreachable"]);
}

#[test]
fn a_guest_that_floods_the_page_with_calls_is_stopped() {
    assert_error(&end("FloodPage", ()), ErrorKind::GuestTrapped, &["20000 calls of the page", "10000 is the limit"]);
}
