//! Calls that take their time: order, timers, cancelling, limits.

use std::sync::Arc;
use std::time::Duration;

use dotwit_host::{Config, DotNetObject, ErrorKind, Runtime};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::support::{assert_error, guest_path, session};

#[tokio::test]
async fn calls_end_out_of_order_each_exactly_once() {
    const CALLS: u64 = 10_000;
    let session = session();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        // Delays that are spread over a tenth of a second and unrelated to the order of the calls.
        let delay = call * 7_919 % 100;
        let result = session.invoke_async::<u64>("TestGuest", "EchoAfter", (call, delay));
        let order = Arc::clone(&order);
        calls.spawn(async move {
            assert_eq!(result.await.unwrap(), call);
            order.lock().await.push(call);
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.unwrap();
    }
    let order = Arc::into_inner(order).unwrap().into_inner();
    assert_eq!(order.len() as u64, CALLS);
    assert!(!order.is_sorted(), "ten thousand calls with different delays ended in the order in which they began");
}

#[tokio::test]
async fn a_call_that_is_ready_ends_in_the_same_crossing() {
    let session = session();
    let result = session.invoke_async::<Option<i32>>("TestGuest", "NothingAsync", ());
    // Nobody else runs on this thread: what is ready at the first poll was ready before.
    assert_eq!(futures_now(result).unwrap().unwrap(), None);
    let sum = session.invoke_async::<i32>("TestGuest", "Add", (1, 2));
    assert_eq!(futures_now(sum).unwrap().unwrap(), 3);
}

/// What a future has at its first poll.
fn futures_now<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(&mut future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn timers_fire_without_a_runtime_of_the_caller() {
    let session = session();
    let value: i32 = pollster::block_on(session.invoke_async("TestGuest", "EchoAfter", (7, 5))).unwrap();
    assert_eq!(value, 7);
    let value: i32 = pollster::block_on(session.invoke_async("TestGuest", "EchoAfterYields", (8, 100))).unwrap();
    assert_eq!(value, 8);
}

#[tokio::test]
async fn futures_of_all_kinds_are_awaited() {
    let session = session();
    for method in ["EchoByFuture", "EchoReady"] {
        let value: i32 = session.invoke_async("TestGuest", method, (9,)).await.unwrap();
        assert_eq!(value, 9, "{method}");
    }
    let error = session.invoke_async::<i32>("TestGuest", "FailAsync", ()).await.unwrap_err();
    assert_error(&error, ErrorKind::Failed, &["There is no tea left."]);
}

#[tokio::test]
async fn a_call_in_flight_survives_the_release_of_its_object() {
    let session = session();
    let counter: DotNetObject = session.invoke("TestGuest", "CreateCounter", (5,)).unwrap();
    let count = session.invoke_async::<i64>(&counter, "ReadAfter", (20,));
    session.dispose(&counter).unwrap();
    assert_eq!(count.await.unwrap(), 5);
}

#[tokio::test]
async fn dropping_a_call_cancels_it_and_leaves_the_others_alone() {
    let session = session();
    let other = session.invoke_async::<i32>("TestGuest", "EchoAfter", (1, 30));
    for _ in 0..100 {
        let never = session.invoke_async::<()>("TestGuest", "Never", ());
        tokio::time::timeout(Duration::from_millis(1), never).await.unwrap_err();
    }
    assert_eq!(other.await.unwrap(), 1);
}

#[tokio::test]
async fn calls_under_way_are_limited() {
    let config = Config { max_pending_calls: 3, ..Config::default() };
    let session = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap().session().unwrap();
    let calls: Vec<_> = (0..3).map(|_| session.invoke_async::<()>("TestGuest", "Never", ())).collect();
    let error = session.invoke_async::<()>("TestGuest", "Never", ()).await.unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["Never", "3 calls are under way", "3 is the limit"]);
    drop(calls);
    assert_eq!(session.invoke_async::<i32>("TestGuest", "EchoAfter", (1, 1)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_guest_that_prints_and_waits_in_the_system_runs_inside_any_runtime() {
    let session = session();
    session.invoke_async::<()>("TestGuest", "Print", ("a line",)).await.unwrap();
    session.invoke_async::<()>("TestGuest", "SleepInHost", (5,)).await.unwrap();
}

#[test]
fn sessions_are_limited() {
    let config = Config { max_sessions: 2, ..Config::default() };
    let guest = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap();
    let sessions = [guest.session().unwrap(), guest.session().unwrap()];
    let error = guest.session().unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["2 sessions", "2 is the limit"]);
    drop(sessions);
    guest.session().unwrap();
}
