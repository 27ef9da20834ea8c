//! Guests that end, and hosts that go on.

use std::time::Duration;

use dotwit_host::{Completion, Error, ErrorKind, Guest, Message, Page, Request, Session};

use crate::support::{assert_error, session, test_guest, test_guest_within};

/// Ends a guest by a call, while another call is under way; all that is asked of it from then on fails the same.
fn end(guest: &Guest, method: &str, args: impl serde::Serialize) -> Error {
    let session = guest.session().unwrap();
    let never = session.invoke_async::<()>("TestGuest", "Never", ());
    let error = session.invoke::<()>("TestGuest", method, args).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GuestTrapped, "{error}");
    assert_eq!(pollster::block_on(never).unwrap_err(), error);
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap_err(), error);
    assert_eq!(session.live_references().unwrap_err(), error);
    error
}

#[test]
fn a_panic_is_reported_with_its_message() {
    assert_error(
        &end(test_guest(), "Panic", ("no tea, \u{1f375}",)),
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
    let guest = test_guest_within(Duration::from_millis(500));
    assert_error(&end(&guest, "LoopForever", ()), ErrorKind::GuestTrapped, &["500ms"]);
}

#[test]
fn a_long_sleep_in_the_system_is_stopped() {
    let guest = test_guest_within(Duration::from_millis(500));
    assert_error(&end(&guest, "SleepInHost", (3_600_000,)), ErrorKind::GuestTrapped, &["500ms"]);
}

#[test]
fn memory_that_is_used_up_is_named() {
    assert_error(
        &end(test_guest(), "ExhaustMemory", ()),
        ErrorKind::GuestTrapped,
        &["out of memory", "67108864 is the limit"],
    );
}

#[test]
fn a_stack_that_is_used_up_ends_the_guest() {
    assert_error(&end(test_guest(), "OverflowStack", ()), ErrorKind::GuestTrapped, &["stack is exhausted"]);
}

#[test]
fn an_abort_ends_the_guest() {
    assert_error(&end(test_guest(), "Abort", ()), ErrorKind::GuestTrapped, &["unreachable"]);
}

#[test]
fn a_guest_that_floods_the_page_with_calls_is_stopped() {
    assert_error(
        &end(test_guest(), "FloodPage", ()),
        ErrorKind::GuestTrapped,
        &["20000 calls of the page", "10000 is the limit"],
    );
}

#[test]
fn a_page_that_panics_when_it_is_dropped_keeps_nobody_from_learning_of_the_trap() {
    struct Reluctant;

    impl Page for Reluctant {
        fn invoke(&self, _session: &Session, _request: Request) -> Result<Message, Error> {
            Ok(Message::from_json("null"))
        }

        fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
            completion.end(self.invoke(session, request));
        }
    }

    impl Drop for Reluctant {
        fn drop(&mut self) {
            panic!("this page does not want to go");
        }
    }

    let session = test_guest().session_with_page(Reluctant).unwrap();
    let error = session.invoke::<()>("TestGuest", "Panic", ("no tea",)).unwrap_err();
    assert_error(&error, ErrorKind::GuestTrapped, &["no tea"]);
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap_err(), error);
}
