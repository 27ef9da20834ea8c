//! Calls that take their time: how they end, and that each ends once.

use std::cell::Cell;
use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use dotwit::__private::dispatch;
use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::Serialize;

use crate::instance_methods::Counter;
use crate::support::*;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    string_val: String,
    reference: DotNetObjectReference<Counter>,
}

#[js_invokable]
pub async fn find_counter(name: String) -> Found {
    task::yield_now().await;
    Found { string_val: name.to_uppercase(), reference: DotNetObjectReference::new(Counter::default()) }
}

#[js_invokable]
#[allow(clippy::manual_async_fn)]
pub fn returns_a_future(n: i32) -> impl Future<Output = i32> {
    async move {
        task::yield_now().await;
        n
    }
}

#[js_invokable]
pub fn returns_a_boxed_future(n: i32) -> Pin<Box<dyn Future<Output = Result<i32, String>>>> {
    Box::pin(ready(if n < 0 { Err("negative".to_owned()) } else { Ok(n) }))
}

#[js_invokable]
pub fn returns_a_unit_future() -> impl Future<Output = ()> {
    task::yield_now()
}

type Hidden = std::future::Ready<i32>;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// Nothing in its signature says that it is asynchronous.
#[js_invokable]
pub fn returns_a_hidden_future() -> Hidden {
    ready(5)
}

#[js_invokable]
pub async fn counts_runs() {
    RUNS.set(RUNS.get() + 1);
}

#[js_invokable]
pub fn throws_at_once() -> Result<i32, String> {
    Err("This is a sync failure".to_owned())
}

#[js_invokable]
pub async fn throws_later() -> Result<i32, String> {
    task::yield_now().await;
    Err("This is an async failure".to_owned())
}

#[js_invokable]
pub async fn ends_at_once() -> i32 {
    1
}

pub struct Slow {
    name: String,
}

#[js_invokable]
impl Slow {
    #[js_invokable("CreateSlow")]
    pub fn create(name: String) -> DotNetObjectReference<Slow> {
        DotNetObjectReference::new(Slow { name })
    }

    #[js_invokable]
    pub async fn name_after_gate(&self, gate: u64) -> String {
        crate::support::gate(gate).await;
        self.name.clone()
    }

    #[js_invokable]
    pub async fn name_of_rc_after_gate(self: Rc<Self>, gate: u64) -> String {
        crate::support::gate(gate).await;
        self.name.clone()
    }

    /// A future that borrows its object.
    #[js_invokable]
    #[allow(clippy::manual_async_fn)]
    pub fn borrows(&self, gate: u64) -> impl Future<Output = &str> {
        async move {
            crate::support::gate(gate).await;
            self.name.as_str()
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        drop(CountsDrop);
    }
}

#[test]
fn c57_an_async_method_completes_its_call_with_its_result_and_references_in_it() {
    in_new_guest(|page| {
        assert_eq!(begin(123, "FindCounter", "[\"abc\"]"), None);
        assert_eq!(page.ended(), []);
        page.wake_until_idle();
        let ended = page.ended();
        assert_eq!(ended, [(123, ok(r#"{"stringVal":"ABC","reference":{"__dotNetObject":1}}"#))]);
        assert_eq!(text(invoke_on(1, "GetCount", "[]")), "0");
    });
}

#[test]
fn c58_a_method_that_returns_a_future_completes_with_its_output() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "ReturnsAFuture", "[7]"), None);
        page.wake_until_idle();
        assert_eq!(page.ended(), [(1, ok("7"))]);
        assert_eq!(begin(2, "ReturnsABoxedFuture", "[8]"), Some(ok("8")));
        assert_eq!(begin(3, "ReturnsAHiddenFuture", "[]"), Some(ok("5")));
        let outcome = begin(4, "ReturnsABoxedFuture", "[-8]").expect("it ends at once");
        assert_fails(outcome, ErrorKind::Failed, &["negative"]);
    });
}

// Blazor completes some of these with `{}`; dotwit returns `null` if there is no value.
#[test]
fn c59_a_future_without_output_completes_with_null() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "ReturnsAUnitFuture", "[]"), None);
        page.wake_until_idle();
        assert_eq!(page.ended(), [(1, ok("null"))]);
        assert_eq!(begin(2, "CountsRuns", "[]"), Some(ok("null")));
    });
}

// Rust's errors are values without a stack; the error's text is what the caller gets, for C61 too.
#[test]
fn c60_a_sync_method_that_fails_rejects_its_call() {
    in_new_guest(|page| {
        let outcome = begin(1, "ThrowsAtOnce", "[]").expect("it ends at once");
        assert_fails(outcome, ErrorKind::Failed, &["This is a sync failure"]);
        assert_fails(invoke("ThrowsAtOnce", "[]"), ErrorKind::Failed, &["This is a sync failure"]);
        assert_eq!(page.ended(), []);
    });
}

#[test]
fn c61_an_async_method_that_fails_rejects_its_call() {
    in_new_guest(|page| {
        assert_eq!(begin(7, "ThrowsLater", "[]"), None);
        page.wake_until_idle();
        let [(7, outcome)] = &page.ended()[..] else { panic!("one call ends") };
        assert_fails(outcome.clone(), ErrorKind::Failed, &["This is an async failure"]);
    });
}

#[test]
fn c62_a_call_with_arguments_that_are_no_json_is_rejected_at_once() {
    in_new_guest(|page| {
        let outcome = begin(1, "FindCounter", "<xml>not json</xml>").expect("it ends at once");
        assert_fails(outcome, ErrorKind::BadArguments, &["Invalid JSON", "'FindCounter'", "begins with '<'"]);
        assert_eq!(page.ended(), []);
    });
}

#[test]
fn c63_a_call_of_an_object_that_is_not_there_is_rejected_at_once() {
    in_new_guest(|page| {
        let outcome = begin_on(1, 1, "Anything", "null").expect("it ends at once");
        assert_fails(outcome, ErrorKind::NoSuchObject, &["no tracked object with id '1'", "already disposed"]);
        assert_eq!(page.ended(), []);
    });
}

#[test]
fn a_call_that_ends_at_once_gives_its_outcome_from_the_same_crossing() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "EndsAtOnce", "[]"), Some(ok("1")));
        page.wake_until_idle();
        assert_eq!(page.ended(), []);
    });
}

#[test]
fn a_sync_call_of_an_async_method_is_refused_and_nothing_runs() {
    in_new_guest(|_| {
        let parts = &["'CountsRuns'", "asynchronous", "invokeMethodAsync"];
        assert_fails(invoke("CountsRuns", "[]"), ErrorKind::Unsupported, parts);
        assert_eq!(RUNS.get(), 0);
        assert_fails(invoke("ReturnsAFuture", "[1]"), ErrorKind::Unsupported, &["'ReturnsAFuture'"]);
        assert_fails(invoke("ReturnsAHiddenFuture", "[]"), ErrorKind::Unsupported, &["'ReturnsAHiddenFuture'"]);
        let slow = id(&json(invoke("CreateSlow", "[\"x\"]")));
        let outcome = invoke_on(slow, "NameAfterGate", "[1]");
        assert_fails(outcome, ErrorKind::Unsupported, &["'NameAfterGate'", "asynchronous"]);
    });
}

#[test]
fn an_async_call_of_a_sync_method_is_answered_at_once() {
    in_new_guest(|_| assert_eq!(begin(1, "Three", "[1,2,3]"), Some(ok("6"))));
}

#[test]
fn calls_end_in_the_order_in_which_their_work_ends() {
    in_new_guest(|page| {
        for call in 1..=4 {
            assert_eq!(begin(call, "WaitAtGate", &*format!("[{call}]")), None);
        }
        for call in [3, 1, 4, 2] {
            invoke("OpenGate", &*format!("[{call}]")).expect("gates open");
            assert_eq!(page.ended(), [(call, ok(call.to_string()))]);
        }
    });
}

/// Calls back into the guest while it is on the stack, as a page does that calls synchronously.
#[js_invokable]
pub fn nest(bytes: Bytes, depth: u32) -> Vec<Bytes> {
    let mut all = vec![bytes.clone()];
    if depth > 0 {
        let args = with_bytes(&format!("[{{\"__byte[]\":0}},{}]", depth - 1), &[&[bytes.as_slice(), b"!"].concat()]);
        let inner = invoke("Nest", args).expect("calls nest");
        all.extend(inner.bytes.into_iter().map(Bytes));
    }
    all
}

/// Opens the gate that another call waits at from inside a task.
#[js_invokable]
pub async fn open_from_within(number: u64) -> usize {
    task::yield_now().await;
    invoke("OpenGate", &*format!("[{number}]")).expect("calls nest");
    // The other call goes on when this one is off the stack.
    usize::from(drops() > 0)
}

#[test]
fn sync_calls_nest() {
    in_new_guest(|page| {
        let result = invoke("Nest", with_bytes("[{\"__byte[]\":0},2]", &[b"a"])).expect("calls nest");
        assert_eq!(result.bytes, [&b"a"[..], b"a!", b"a!!"]);
        assert_eq!(begin(1, "WaitAtGate", "[1]"), None);
        assert_eq!(begin(2, "OpenFromWithin", "[1]"), None);
        page.wake_until_idle();
        assert_eq!(page.ended(), [(2, ok("0")), (1, ok("1"))]);
    });
}

#[test]
fn calls_to_an_object_under_way_survive_its_release() {
    in_new_guest(|page| {
        let slow = id(&json(invoke("CreateSlow", "[\"Amy\"]")));
        assert_eq!(begin_on(1, slow, "NameAfterGate", "[1]"), None);
        assert_eq!(begin_on(2, slow, "NameOfRcAfterGate", "[1]"), None);
        assert_eq!(begin_on(3, slow, "Borrows", "[2]"), None);
        dispatch::release(slow);
        assert_eq!((dispatch::live(), drops()), (0, 0));
        assert_fails(invoke_on(slow, "Borrows", "[2]"), ErrorKind::NoSuchObject, &[]);
        invoke("OpenGate", "[2]").expect("gates open");
        assert_eq!(page.ended(), [(3, ok("\"Amy\""))]);
        invoke("OpenGate", "[1]").expect("gates open");
        // Only one task waits at a gate: the last that came.
        assert_eq!(page.ended(), [(2, ok("\"Amy\""))]);
        assert_eq!(drops(), 0);
        dispatch::cancel_invoke(1);
        assert_eq!(drops(), 1);
    });
}

#[test]
fn a_cancelled_call_ends_once_and_its_work_is_dropped() {
    in_new_guest(|page| {
        assert_eq!(begin(5, "WaitAtGate", "[5]"), None);
        dispatch::cancel_invoke(5);
        assert_eq!(drops(), 1);
        let [(5, outcome)] = &page.ended()[..] else { panic!("one call ends") };
        assert_fails(outcome.clone(), ErrorKind::Cancelled, &["cancelled"]);
        // What it waited for happens after all; it is cancelled again; and its id is free again.
        invoke("OpenGate", "[5]").expect("gates open");
        dispatch::cancel_invoke(5);
        page.wake_until_idle();
        assert_eq!(page.ended(), []);
        assert_eq!(begin(5, "WaitAtGate", "[6]"), None);
        invoke("OpenGate", "[6]").expect("gates open");
        assert_eq!(page.ended(), [(5, ok("6"))]);
    });
}

#[test]
fn a_call_that_has_ended_or_never_began_is_left_alone_by_cancel() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "WaitAtGate", "[1]"), None);
        invoke("OpenGate", "[1]").expect("gates open");
        assert_eq!(page.ended(), [(1, ok("1"))]);
        for call in [1, 2, u64::MAX] {
            dispatch::cancel_invoke(call);
        }
        assert_eq!(page.ended(), []);
    });
}

#[test]
fn a_cancelled_sleep_leaves_no_timer() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "SleepMillis", "[60000]"), None);
        assert_eq!(page.asked().len(), 1);
        dispatch::cancel_invoke(1);
        assert_eq!(begin(2, "SleepMillis", "[60000]"), None);
        // The first one's wake-up comes early enough for the second one.
        assert_eq!(page.asked(), [] as [Duration; 0]);
        assert_eq!(page.ended().len(), 1);
    });
}

#[test]
fn a_call_id_that_is_under_way_is_refused_and_the_call_goes_on() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "WaitAtGate", "[1]"), None);
        let outcome = begin(1, "WaitAtGate", "[2]").expect("it ends at once");
        assert_fails(outcome, ErrorKind::Protocol, &["Call 1 is under way"]);
        invoke("OpenGate", "[1]").expect("gates open");
        assert_eq!(page.ended(), [(1, ok("1"))]);
    });
}

#[test]
fn call_ids_are_any_number() {
    in_new_guest(|page| {
        for (call, gate) in [(0, 1), (u64::MAX, 2)] {
            assert_eq!(begin(call, "WaitAtGate", &*format!("[{gate}]")), None);
            invoke("OpenGate", &*format!("[{gate}]")).expect("gates open");
            assert_eq!(page.ended(), [(call, ok(gate.to_string()))]);
        }
    });
}

#[test]
fn a_guest_that_ends_with_calls_under_way_ends_quietly() {
    in_new_guest(|page| {
        for call in 1..=3 {
            assert_eq!(begin(call, "WaitAtGate", &*format!("[{call}]")), None);
        }
        assert_eq!(begin(4, "SleepMillis", "[60000]"), None);
        let slow = id(&json(invoke("CreateSlow", "[\"x\"]")));
        assert_eq!(begin_on(5, slow, "NameAfterGate", "[9]"), None);
        assert_eq!(page.ended(), []);
    });
}
