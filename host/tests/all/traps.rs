//! Guests that end, and hosts that go on.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use dotwit_host::{
    Completion, Error, ErrorKind, Guest, JsObject, Message, NativePage, ObjectTable, Page, Request, Session, Target,
};

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

/// A page that tells when it is dropped, and panics then.
struct Watched {
    page: NativePage,
    dropped: mpsc::Sender<()>,
}

impl Page for Watched {
    fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error> {
        self.page.invoke(session, request)
    }

    fn begin(&self, session: &Session, call: u64, request: Request, completion: Completion) {
        self.page.begin(session, call, request, completion);
    }

    fn release(&self, object: i64) {
        self.page.release(object);
    }

    fn live_references(&self) -> usize {
        self.page.live_references()
    }

    fn object_table(&self) -> Option<Arc<ObjectTable>> {
        self.page.object_table()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.dropped.send(());
        assert!(std::thread::panicking(), "a page that panics when it is dropped");
    }
}

/// A page with a function that makes objects, and what tells that the page has been dropped.
fn page() -> (Watched, mpsc::Receiver<()>) {
    let (dropped, receiver) = mpsc::channel();
    let window = JsObject::new().function("make", |()| Ok(JsObject::new()));
    (Watched { page: NativePage::new(window), dropped }, receiver)
}

#[test]
fn the_page_of_a_guest_that_is_gone_lives_as_long_as_what_a_result_names() {
    let (page, dropped) = page();
    let session = test_guest().session_with_page(page).unwrap();
    let args = Message::from_json(r#"["make",[]]"#);
    let make = || session.invoke_message(&Target::from("TestGuest"), "CallPageForObjectSync", &args);
    let results = [make().unwrap(), make().unwrap()];
    session.invoke::<()>("TestGuest", "Panic", ("now",)).unwrap_err();
    for result in results {
        assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(result);
    }
    assert_eq!(dropped.recv_timeout(Duration::from_secs(30)), Ok(()));
    assert_eq!(dropped.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

#[test]
fn a_trap_among_calls_of_many_threads_ends_each_once_and_drops_the_page_once() {
    for round in 0..10_u64 {
        let (page, dropped) = page();
        let session = test_guest().session_with_page(page).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let session = &session;
                scope.spawn(move || {
                    let ended = |error: Error| error.kind() == ErrorKind::GuestTrapped;
                    for call in 0.. {
                        let timer = session.invoke_async::<u64>("TestGuest", "EchoAfter", (call, call % 2));
                        let make = || {
                            session.invoke_async::<JsObject>("TestGuest", "CallPageForSomeObject", ("make", [(); 0]))
                        };
                        let made = make();
                        drop(make());
                        if thread == 0 && call == round * 3 {
                            assert!(session.invoke::<()>("TestGuest", "Panic", ("now",)).is_err_and(ended));
                        }
                        let outcomes = (pollster::block_on(timer), pollster::block_on(made));
                        if let (Err(timer), Err(made)) = outcomes {
                            assert!(ended(timer) && ended(made));
                            break;
                        }
                    }
                });
            }
        });
        assert_eq!(dropped.recv_timeout(Duration::from_secs(30)), Ok(()), "round {round}");
        assert_eq!(session.live_page_references(), 0);
    }
}
