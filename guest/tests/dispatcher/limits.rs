//! Each limit at N, and at one more.

use dotwit::__private::dispatch::{self, end_invoke_js};
use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde_json::Value;

use crate::instance_methods::Counter;
use crate::support::*;

fn arrays(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[js_invokable]
pub fn nested(depth: usize) -> Value {
    (1..depth).fold(Value::Array(Vec::new()), |inner, _| Value::Array(vec![inner]))
}

#[js_invokable]
pub fn nested_objects(depth: usize) -> Value {
    (1..depth).fold(serde_json::json!({}), |inner, _| serde_json::json!({ "in": inner }))
}

macro_rules! sum {
    ($($parameter:ident)*) => {
        #[js_invokable]
        #[allow(clippy::too_many_arguments)]
        pub fn sum_of_64($($parameter: i64),*) -> i64 {
            0 $(+ $parameter)*
        }
    };
}

sum! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 g0 g1 g2 g3
}

#[js_invokable]
pub fn create_counters(count: usize) -> Vec<DotNetObjectReference<Counter>> {
    (0..count).map(|_| DotNetObjectReference::new(Counter::default())).collect()
}

fn numbers(count: usize) -> String {
    serde_json::to_string(&vec![1; count]).expect("numbers are JSON")
}

#[test]
fn arguments_nest_32_deep_and_no_deeper() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("Echo", &*arrays(32))), arrays(31));
        let parts = &["'Echo'", "nests 33 deep", "32 is the limit"];
        assert_fails(invoke("Echo", &*arrays(33)), ErrorKind::BadArguments, parts);
        let object = |depth: usize| format!("[{}1{}]", "{\"a\":".repeat(depth - 1), "}".repeat(depth - 1));
        json(invoke("Echo", &*object(32)));
        assert_fails(invoke("Echo", &*object(33)), ErrorKind::BadArguments, parts);
        assert_fails(begin(1, "Echo", &*arrays(33)).expect("it ends at once"), ErrorKind::BadArguments, parts);
        assert_fails(invoke("Echo", &*arrays(1_000_000)), ErrorKind::BadArguments, &["nests 1000000 deep"]);
    });
}

#[test]
fn results_nest_32_deep_and_no_deeper() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("Nested", "[32]")), arrays(32));
        json(invoke("NestedObjects", "[32]"));
        let parts = &["The result cannot be sent", "33 deep", "32 is the limit"];
        assert_fails(invoke("Nested", "[33]"), ErrorKind::Failed, parts);
        assert_fails(invoke("NestedObjects", "[33]"), ErrorKind::Failed, parts);
        assert_fails(begin(1, "Nested", "[33]").expect("it ends at once"), ErrorKind::Failed, parts);
    });
}

#[test]
fn a_call_has_64_arguments_and_no_more() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("SumOf64", &*numbers(64))), "64");
        for method in ["SumOf64", "Echo"] {
            let parts = &[&format!("'{method}'"), "65 arguments", "64 is the limit"];
            assert_fails(invoke(method, &*numbers(65)), ErrorKind::TooMany, parts);
        }
        assert_fails(invoke("Echo", &*numbers(64)), ErrorKind::BadArguments, &["exactly 1 parameter,", "received 64"]);
        assert_fails(invoke("SumOf64", &*numbers(63)), ErrorKind::BadArguments, &["expects 64", "received 63"]);
    });
}

#[test]
fn calls_under_way_are_10_000_and_no_more_and_each_ends_once_whatever_the_order() {
    const CALLS: u64 = 10_000;
    in_new_guest(|page| {
        for call in 0..CALLS {
            assert_eq!(begin(call, "WaitAtGate", &*format!("[{call}]")), None);
        }
        let outcome = begin(CALLS, "WaitAtGate", "[0]").expect("it ends at once");
        assert_fails(outcome, ErrorKind::TooMany, &["'WaitAtGate'", "10000 calls are under way", "10000 is the limit"]);
        // 7919 has no factor in common with 10 000, so its multiples are all the calls, in an order of their own.
        let order: Vec<u64> = (0..CALLS).map(|n| n * 7919 % CALLS).collect();
        for gate in &order {
            invoke("OpenGate", &*format!("[{gate}]")).expect("gates open");
        }
        let ended = page.ended();
        assert_eq!(ended.len(), order.len());
        for ((call, outcome), expected) in ended.into_iter().zip(order) {
            assert_eq!((call, text(outcome)), (expected, expected.to_string()));
        }
        assert_eq!(u64::from(drops()), CALLS);
        assert_eq!(begin(CALLS, "WaitAtGate", "[0]"), Some(ok("0")));
    });
}

#[test]
fn live_references_are_100_000_and_no_more() {
    in_new_guest(|_| {
        let parts = &["DotNetObjectReference<Counter>", "100000 objects are in use", "100000 is the limit"];
        // One result too many fails and leaves nothing behind.
        assert_fails(invoke("CreateCounters", "[100001]"), ErrorKind::TooMany, parts);
        assert_eq!(dispatch::live(), 0);
        let all = json(invoke("CreateCounters", "[100000]"));
        let ids: Vec<u64> = all.as_array().expect("it is an array").iter().map(id).collect();
        assert_eq!(dispatch::live(), 100_000);
        assert_fails(invoke("CreateCounter", "[1]"), ErrorKind::TooMany, parts);
        dispatch::release(ids[0]);
        // The ids of the first attempt were never handed out, and are not used again all the same.
        assert!(id(&json(invoke("CreateCounter", "[1]"))) > ids[99_999]);
        assert_fails(invoke("CreateCounter", "[1]"), ErrorKind::TooMany, parts);
        ids.into_iter().for_each(dispatch::release);
        assert_eq!(dispatch::live(), 1);
    });
}

#[test]
fn a_call_to_the_page_has_at_most_64_arguments() {
    in_new_guest(|page| {
        page.answer(|_, args| Ok(args));
        let all = js::invoke_sync::<Vec<i32>>("f", vec![1; 64]);
        assert_eq!(all.map(|all| all.len()), Ok(64));
        let parts = &["'f'", "65 arguments", "64 is the limit"];
        let (object, stream) = (Counter::create(1), DotNetStreamReference::from_bytes([1]));
        for _ in 0..2 {
            let error = js::invoke_sync::<Vec<i32>>("f", vec![1; 65]).expect_err("there are too many");
            assert_fails(Err(error), ErrorKind::TooMany, parts);
            let mut args = vec![serde_json::json!(1); 63];
            args.push(Value::from(vec![1; 100]));
            js::invoke_sync::<Value>("f", args).expect("what nests does not count");
        }
        // What they named is still the guest's.
        let args: Vec<Argument<'_>> = std::iter::repeat_with(|| Argument::Number(1))
            .take(63)
            .chain([Argument::Object(&object), Argument::Stream(&stream)])
            .collect();
        let error = run(js::invoke_void("f", args)).done().expect_err("there are too many");
        assert_fails(Err(error), ErrorKind::TooMany, parts);
        assert_eq!(dotwit::live_references().streams, 0);
        drop(object);
        assert_eq!(dispatch::live(), 0);
        let _call = js::invoke_void("f", (stream,));
        assert_eq!(dotwit::live_references().streams, 1);
    });
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Argument<'a> {
    Number(i32),
    Object(&'a DotNetObjectReference<Counter>),
    Stream(&'a DotNetStreamReference),
}

#[test]
fn at_most_10_000_calls_to_the_page_are_under_way() {
    in_new_guest(|page| {
        let mut calls: Vec<js::Call<i32>> = (0..10_000).map(|n| js::invoke("f", (n,))).collect();
        let begun = page.begun();
        assert_eq!(begun.len(), 10_000);
        let refused = || {
            let error = run(js::invoke_void("g", (Counter::create(1),))).done().expect_err("there are too many");
            let parts = &["'g'", "10000 calls to the page are under way", "10000 is the limit"];
            assert_fails(Err(error), ErrorKind::TooMany, parts);
            assert_eq!((page.begun(), dispatch::live()), (vec![], 0));
        };
        refused();
        // Those that are answered at once do not count. One that has ended makes room, and one that was dropped.
        page.answer(|_, _| ok("1"));
        assert_eq!(js::invoke_sync("f", ()), Ok(1));
        end_invoke_js(begun[0].call, ok("1"));
        calls.push(js::invoke("f", ()));
        refused_no_more(page, calls.pop());
        calls.pop();
        calls.push(js::invoke("f", ()));
        calls.push(js::invoke("f", ()));
        page.begun();
        refused();
        drop(calls);
        assert_eq!(dispatch::pending_count(), 0);
    });
}

/// Checks that a call has reached the page, and drops it.
#[track_caller]
fn refused_no_more(page: &TestPage, call: Option<js::Call<i32>>) {
    let call_id = page.begun_one().call;
    drop(call);
    assert_eq!(page.cancelled(), [call_id]);
}

thread_local! {
    static OBJECTS: std::cell::RefCell<Vec<JsObjectReference>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[js_invokable]
pub fn hold_js_objects(objects: Vec<JsObjectReference>) {
    OBJECTS.with_borrow_mut(|held| held.extend(objects));
}

#[test]
fn at_most_100_000_references_to_objects_of_the_page_are_held() {
    in_new_guest(|page| {
        let placeholders = |ids: std::ops::RangeInclusive<i64>| {
            let all: Vec<String> = ids.map(|id| format!("{{\"__jsObjectId\":{id}}}")).collect();
            format!("[[{}]]", all.join(","))
        };
        invoke("HoldJsObjects", &*placeholders(1..=100_000)).expect("there is room");
        assert_eq!(dotwit::live_references().page_objects, 100_000);
        let parts = &["100001 references", "100000 is the limit"];
        assert_fails(invoke("HoldJsObjects", &*placeholders(5..=5)), ErrorKind::TooMany, parts);
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![5], 100_000));
        // A result is refused like an argument; a message without references is not.
        page.answer(|_, _| ok("{\"__jsObjectId\":6}"));
        let error = js::invoke_sync::<JsObjectReference>("f", ()).expect_err("there are too many");
        assert_fails(Err(error), ErrorKind::TooMany, parts);
        assert_eq!(page.released(), [6]);
        invoke("HoldJsObjects", "[[]]").expect("nothing needs no room");
        OBJECTS.with_borrow_mut(Vec::pop);
        assert_eq!(page.released(), [100_000]);
        invoke("HoldJsObjects", &*placeholders(7..=7)).expect("there is room");
        OBJECTS.take();
        assert_eq!((page.released().len(), dotwit::live_references().page_objects), (100_000, 0));
    });
}
