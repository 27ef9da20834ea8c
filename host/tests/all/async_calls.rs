//! Calls that take their time: order, timers, cancelling, limits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dotwit_host::{Config, DotNetObject, ErrorKind, JsObject, NativePage, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::support::{assert_error, guest_path, session, test_guest, test_guest_within};

#[tokio::test]
async fn ten_thousand_calls_end_exactly_once_each() {
    const CALLS: u64 = 10_000;
    let session = session();
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        // Delays that are unrelated to the order of the calls.
        let result = session.invoke_async::<u64>("TestGuest", "EchoAfter", (call, call * 7_919 % 100));
        calls.spawn(async move {
            assert_eq!(result.await.unwrap(), call);
            call
        });
    }
    let mut ended = calls.join_all().await;
    ended.sort_unstable();
    assert!(ended.into_iter().eq(0..CALLS));
}

#[tokio::test]
async fn calls_end_in_the_order_in_which_what_they_wait_for_ends() {
    const CALLS: usize = 100;
    let (gates, waits): (Vec<_>, Vec<_>) = (0..CALLS).map(|_| oneshot::channel::<usize>()).unzip();
    let waits = Mutex::new(waits.into_iter().map(Some).collect::<Vec<_>>());
    let window = JsObject::new().async_function("gate", move |(call,): (usize,)| {
        let wait = waits.lock().unwrap()[call].take().unwrap();
        async move { Ok(wait.await?) }
    });
    let session = test_guest().session_with_page(NativePage::new(window)).unwrap();
    let begin = |call| session.invoke_async::<usize>("TestGuest", "CallPage", ("gate", [call]));
    let mut calls: Vec<_> = (0..CALLS).map(begin).collect();
    for (call, gate) in gates.into_iter().enumerate().rev() {
        assert!(futures_now(&mut calls[call]).is_none(), "call {call} has ended before what it waits for");
        gate.send(call).unwrap();
        assert_eq!(calls.pop().unwrap().await.unwrap(), call);
    }
}

#[tokio::test]
async fn a_call_that_is_ready_ends_in_the_same_crossing() {
    let session = session();
    let result = session.invoke_async::<Option<i32>>("TestGuest", "NothingAsync", ());
    // Nothing else runs on this thread: what is ready at the first poll was ready before.
    assert_eq!(futures_now(result).unwrap().unwrap(), None);
    let sum = session.invoke_async::<i32>("TestGuest", "Add", (1, 2));
    assert_eq!(futures_now(sum).unwrap().unwrap(), 3);
}

/// Returns the output of a future that is ready at its first poll.
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
    let config = Config::new().max_pending_calls(3);
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
    let config = Config::new().max_sessions(2);
    let guest = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap();
    let sessions = [guest.session().unwrap(), guest.session().unwrap()];
    let error = guest.session().unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["2 sessions", "2 is the limit"]);
    drop(sessions);
    guest.session().unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn a_task_may_have_a_guest_wait_in_the_system_any_number_of_times() {
    let session = test_guest_within(Duration::from_millis(500)).session().unwrap();
    for _ in 0..300 {
        session.invoke_async::<()>("TestGuest", "SleepInHost", (0,)).await.unwrap();
    }
    let error = session.invoke_async::<()>("TestGuest", "SleepInHost", (3_600_000,)).await.unwrap_err();
    assert_error(&error, ErrorKind::GuestTrapped, &["500ms"]);
}

/// A waker that calls the session at once, on whatever thread and in whatever place it is woken.
struct CallsBack {
    session: dotwit_host::Session,
    sum: std::sync::mpsc::Sender<i32>,
}

impl std::task::Wake for CallsBack {
    fn wake(self: Arc<Self>) {
        let _ = self.sum.send(self.session.invoke("TestGuest", "Add", (1, 2)).unwrap());
    }
}

#[test]
fn a_caller_that_waits_may_call_the_session_as_soon_as_it_ends() {
    let session = session();
    let (sum, called) = std::sync::mpsc::channel();
    let waker = Arc::new(CallsBack { session: session.clone(), sum }).into();
    let mut call = session.invoke_async::<i32>("TestGuest", "EchoAfter", (7, 1));
    let mut context = std::task::Context::from_waker(&waker);
    assert!(std::pin::Pin::new(&mut call).poll(&mut context).is_pending());
    assert_eq!(called.recv_timeout(Duration::from_secs(30)), Ok(3));
}

#[tokio::test]
async fn objects_in_results_that_are_not_received_are_given_back() {
    let session = session();
    let create = || session.invoke_async::<DotNetObject>("TestGuest", "CreateCounter", (1,));
    drop(create());
    session.invoke::<i32>("TestGuest", "CreateCounter", (1,)).unwrap_err();
    session.invoke_async::<Vec<i32>>("TestGuest", "CreatePair", (1, 2)).await.unwrap_err();
    assert_eq!(session.live_references().unwrap(), 0);
    let kept = create().await.unwrap();
    assert_eq!(session.live_references().unwrap(), 1);
    assert_eq!(session.invoke::<i64>(&kept, "Increment", (1,)).unwrap(), 2);
}

#[test]
fn tasks_that_only_wake_themselves_let_the_page_have_its_turn() {
    let session = session();
    session.invoke::<()>("TestGuest", "SpinInTask", ()).unwrap();
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap(), 3);
    assert_eq!(pollster::block_on(session.invoke_async::<i32>("TestGuest", "EchoAfter", (1, 1))).unwrap(), 1);
}

#[test]
fn limits_out_of_range_are_refused_and_an_endless_one_is_none() {
    for (config, part) in [
        (Config::new().max_memory(0), "max_memory is 0 bytes"),
        (Config::new().max_memory(5 << 30), "max_memory is 5368709120 bytes"),
        (Config::new().max_sessions(0), "max_sessions is 0"),
        (Config::new().max_sessions(20_001), "from 1 to 20000"),
        (Config::new().cpu_limit(Duration::ZERO), "cpu_limit is zero"),
    ] {
        let error = Runtime::new(config).err().unwrap();
        assert_error(&error, ErrorKind::Unsupported, &[part]);
    }
    let config = Config::new().cpu_limit(Duration::MAX).max_sessions(1);
    let session = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap().session().unwrap();
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap(), 3);
    session.invoke::<()>("TestGuest", "SleepInHost", (1,)).unwrap();
}

/// Past the limit, the system would abort the whole process.
#[cfg(target_os = "linux")]
#[test]
fn more_sessions_than_the_machine_has_memory_maps_for_are_refused() {
    let limit: u32 = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
    // Each session takes four. A machine that has enough for the most sessions refuses none.
    let max_sessions = limit / 4;
    if max_sessions <= 20_000 {
        let error = Runtime::new(Config::new().max_sessions(max_sessions)).err().unwrap();
        let numbers = [max_sessions, max_sessions * 4, limit].map(|number| number.to_string());
        let parts: Vec<&str> = numbers.iter().map(String::as_str).chain(["lower it to", "vm.max_map_count="]).collect();
        assert_error(&error, ErrorKind::Unsupported, &parts);
    }
}
