//! Functions of the page that block for calls which need other functions of the page, and panics in odd places.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use dotwit_host::{FunctionError, JsObject, NativePage, Session};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::support::{assert_no_page_references, test_guest};

fn with(window: JsObject) -> Session {
    test_guest().session_with_page(NativePage::new(window)).unwrap()
}

/// Calls a function of the page from the guest and blocks for the result, within a limit.
#[track_caller]
fn call(window: JsObject, identifier: &'static str) -> Value {
    let (result, received) = mpsc::channel();
    std::thread::spawn(move || {
        let call = with(window).invoke_async::<Value>("TestGuest", "CallPage", (identifier, json!([])));
        let _ = result.send(pollster::block_on(call));
    });
    received.recv_timeout(Duration::from_secs(30)).expect("the call hangs").unwrap()
}

/// Blocks for a call of the guest that calls the page.
fn block_on_page(identifier: &str) -> Result<Value, FunctionError> {
    let session = Session::current().unwrap();
    Ok(pollster::block_on(session.invoke_async::<Value>("TestGuest", "CallPage", (identifier, json!([]))))?)
}

async fn sleep(milliseconds: u64) -> Result<u64, FunctionError> {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(milliseconds)
}

#[test]
fn a_function_may_block_where_a_future_of_the_page_has_called_the_guest() {
    let window = JsObject::new()
        .async_function("outer", async |()| {
            // From here on it is polled on a thread of the host's, and so is the function that it makes the guest call.
            sleep(1).await?;
            let session = Session::current().unwrap();
            Ok(session.invoke_async::<Value>("TestGuest", "CallPage", ("blocking", json!([]))).await?)
        })
        .function("blocking", |()| block_on_page("inner"))
        .function("inner", |()| Ok(7));
    assert_eq!(call(window, "outer"), 7);
}

#[test]
fn a_function_goes_on_that_blocked_before_another_one_did() {
    let window = JsObject::new()
        .function("outer", |()| {
            let session = Session::current().unwrap();
            let inner = session.invoke_async::<Value>("TestGuest", "CallPage", ("inner", json!([])));
            let outer = session.invoke_async::<u64>("TestGuest", "CallPageInSequence", ("later", 3));
            // This begins `inner`, which blocks and ends before `later` does for the first time, on another thread.
            let later = pollster::block_on(outer)?;
            Ok((pollster::block_on(inner)?, later))
        })
        .function("inner", |()| block_on_page("soon"))
        .async_function("soon", async |()| sleep(1).await)
        .async_function("later", async |_: (u32,)| sleep(100).await);
    assert_eq!(call(window, "outer"), json!([1, 100]));
}

/// A value that cannot be serialized.
struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("spilt")
    }
}

#[test]
fn a_panic_in_an_argument_leaves_no_reference() {
    let session = with(JsObject::new().function("panics", |()| Ok((JsObject::new(), Panics))));
    let args = || session.invoke::<()>("TestGuest", "Ignore", (JsObject::new(), Panics));
    catch_unwind(AssertUnwindSafe(args)).unwrap_err();
    assert_no_page_references(&session);
    let result = session.invoke_async::<Value>("TestGuest", "CallPage", ("panics", json!([])));
    pollster::block_on(result).unwrap_err();
    session.invoke::<Value>("TestGuest", "CallPageSync", ("panics", json!([]))).unwrap_err();
    assert_no_page_references(&session);
}
