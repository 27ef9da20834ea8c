//! Calls to the page: what is asked of it, how each call ends, and that it ends once.

use std::collections::BTreeMap;
use std::time::Duration;

use dotwit::__private::dispatch::{self, end_invoke_js};
use dotwit::__private::{Message, Operation, Outcome, ResultType};
use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::instance_methods::{Counter, Text};
use crate::support::*;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Person {
    int_val: i32,
    string_val: Option<String>,
}

fn js_failed(message: &str) -> Outcome {
    Err(Error::new(ErrorKind::JsFailed, message))
}

fn counter() -> DotNetObjectReference<Counter> {
    DotNetObjectReference::new(Counter::default())
}

/// Checks that a result failed with this kind and with a message that has all these parts.
#[track_caller]
fn assert_failed<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, parts: &[&str]) {
    assert_fails(result.map(|value| Message::from_json(format!("{value:?}"))), kind, parts);
}

#[test]
fn what_is_asked_for_says_target_identifier_operation_and_result() {
    in_new_guest(|page| {
        let object = page.object(7);
        let asked = |target, identifier: &str, operation, result_type, args: &str| {
            let begun = page.begun_one();
            let found = (begun.target, &*begun.identifier, begun.operation, begun.result_type, &*begun.args.json);
            assert_eq!(found, (target, identifier, operation, result_type, args));
            assert_eq!(begun.args.bytes, [] as [Vec<u8>; 0]);
        };
        let _call = js::invoke::<i32>("a.b", (1, "x"));
        asked(0, "a.b", Operation::Call, ResultType::Json, "[1,\"x\"]");
        let _call = js::invoke_void("f", ());
        asked(0, "f", Operation::Call, ResultType::Nothing, "[]");
        let _call = js::invoke::<JsObjectReference>("f", ((),));
        asked(0, "f", Operation::Call, ResultType::Object, "[null]");
        let _call = js::invoke::<Option<JsObjectReference>>("f", [0_u8; 3]);
        asked(0, "f", Operation::Call, ResultType::Object, "[0,0,0]");
        let _call = js::invoke::<JsStreamReference>("f", vec!["list"]);
        asked(0, "f", Operation::Call, ResultType::Stream, "[\"list\"]");
        let _call = js::invoke::<Option<JsStreamReference>>("f", json!([1]));
        asked(0, "f", Operation::Call, ResultType::Stream, "[1]");
        let _call = js::invoke::<Vec<JsObjectReference>>("f", ());
        asked(0, "f", Operation::Call, ResultType::Json, "[]");
        let _call = js::construct("Date", (2026,));
        asked(0, "Date", Operation::Construct, ResultType::Object, "[2026]");
        let _call = js::get::<String>("document.title");
        asked(0, "document.title", Operation::Get, ResultType::Json, "[]");
        let _call = js::get::<JsObjectReference>("document");
        asked(0, "document", Operation::Get, ResultType::Object, "[]");
        let _call = js::set("document.title", "new");
        asked(0, "document.title", Operation::Set, ResultType::Nothing, "[\"new\"]");
        let _call = js::import("./x.js");
        asked(0, "import", Operation::Call, ResultType::Object, "[\"./x.js\"]");
        let _call = js::global().invoke::<i32>("f", ());
        asked(0, "f", Operation::Call, ResultType::Json, "[]");
        let _call = object.invoke::<i32>("f", (&object,));
        asked(7, "f", Operation::Call, ResultType::Json, "[{\"__jsObjectId\":7}]");
        let _call = object.invoke_void("f", ());
        asked(7, "f", Operation::Call, ResultType::Nothing, "[]");
        let _call = object.construct("C", ());
        asked(7, "C", Operation::Construct, ResultType::Object, "[]");
        let _call = object.get::<i32>("p");
        asked(7, "p", Operation::Get, ResultType::Json, "[]");
        let _call = object.set("p", Some(&object));
        asked(7, "p", Operation::Set, ResultType::Nothing, "[{\"__jsObjectId\":7}]");
    });
}

#[test]
fn what_is_asked_for_at_once_says_the_same() {
    in_new_guest(|page| {
        let object = page.object(7);
        page.answer(|request, args| {
            let (operation, result_type) = (format!("{:?}", request.operation), format!("{:?}", request.result_type));
            assert_eq!(args.bytes, [] as [Vec<u8>; 0]);
            match request.result_type {
                ResultType::Object => ok("{\"__jsObjectId\":9}"),
                _ => ok(json!([request.target, request.identifier, operation, result_type, args.json]).to_string()),
            }
        });
        let asked = |result: Result<Value, Error>| result.expect("the page answers");
        assert_eq!(asked(js::invoke_sync("a.b", (1,))), json!([0, "a.b", "Call", "Json", "[1]"]));
        assert_eq!(asked(js::get_sync("p")), json!([0, "p", "Get", "Json", "[]"]));
        assert_eq!(asked(object.invoke_sync("f", ())), json!([7, "f", "Call", "Json", "[]"]));
        assert_eq!(asked(object.get_sync("p")), json!([7, "p", "Get", "Json", "[]"]));
        assert_eq!(js::set_sync("p", 1), Ok(()));
        assert_eq!(js::invoke_void_sync("f", ()), Ok(()));
        assert_eq!(object.set_sync("p", 1), Ok(()));
        assert_eq!(object.invoke_void_sync("f", ()), Ok(()));
        let made = [js::construct_sync("C", ()), object.construct_sync("C", ()), js::invoke_sync("f", ())];
        for made in made {
            assert_eq!(format!("{:?}", made.expect("the page answers")), "JsObjectReference(9)");
        }
        assert_eq!(page.released(), [9, 9, 9]);
    });
}

#[test]
fn c35_a_call_ends_with_the_value_that_the_page_sends() {
    in_new_guest(|page| {
        let running = run(js::invoke::<Person>("f", ()));
        end_invoke_js(page.begun_one().call, ok("{\"intVal\":1,\"stringVal\":\"Hello\"}"));
        assert_eq!(running.done(), Ok(Person { int_val: 1, string_val: Some("Hello".to_owned()) }));
    });
}

#[test]
fn c36_a_call_ends_with_the_error_that_the_page_sends() {
    in_new_guest(|page| {
        let running = run(js::invoke::<Person>("f", ()));
        let error = Error::new(ErrorKind::JsFailed, "A mistake was made").with_detail("at f (scripts.js:1)");
        end_invoke_js(page.begun_one().call, Err(error.clone()));
        assert_eq!(running.done(), Err(error));
    });
}

#[test]
fn c37_an_error_without_a_message_is_an_error() {
    in_new_guest(|page| {
        let running = run(js::invoke::<Person>("f", ()));
        end_invoke_js(page.begun_one().call, js_failed(""));
        assert_failed(running.done(), ErrorKind::JsFailed, &[]);
    });
}

#[test]
fn c38_c43_a_cancelled_call_ends_no_more_whatever_is_sent() {
    in_new_guest(|page| {
        let call = js::invoke::<Person>("f", ());
        let id = page.begun_one().call;
        drop(call);
        assert_eq!(page.cancelled(), [id]);
        for outcome in [ok("{}"), ok("not JSON"), ok(""), js_failed("late")] {
            end_invoke_js(id, outcome);
        }
        assert_eq!(page.cancelled(), [] as [u64; 0]);
    });
}

#[test]
fn c39_c41_c42_a_result_that_is_no_json_fails_its_call_alone() {
    in_new_guest(|page| {
        for (text, part) in [
            ("", "EOF"),
            ("{\"intVal\":1", "EOF"),
            ("{\"intVal\":1} 2", "trailing characters"),
            ("<xml>", "expected value"),
        ] {
            let (one, other) = (run(js::invoke::<Person>("f", ())), run(js::invoke::<Person>("g", ())));
            let [first, second] = page.begun().try_into().expect("two calls");
            end_invoke_js(first.call, ok(text));
            let parts = &["The result of the call to 'f'", "is invalid JSON", part];
            assert_failed(one.done(), ErrorKind::Failed, parts);
            end_invoke_js(second.call, ok("{}"));
            assert_eq!(other.done(), Ok(Person::default()));
        }
    });
}

#[test]
fn c44_c46_results_are_read_as_serde_reads_them() {
    in_new_guest(|page| {
        let running = run(js::invoke::<Person>("f", ()));
        end_invoke_js(page.begun_one().call, ok(" { \"stringVal\" : \"Hello\" } "));
        assert_eq!(running.done(), Ok(Person { int_val: 0, string_val: Some("Hello".to_owned()) }));
        let running = run(js::invoke::<Vec<i32>>("f", ()));
        end_invoke_js(page.begun_one().call, ok("[1,2,3]"));
        assert_eq!(running.done(), Ok(vec![1, 2, 3]));
        let running = run(js::invoke::<Option<Person>>("f", ()));
        end_invoke_js(page.begun_one().call, ok("null"));
        assert_eq!(running.done(), Ok(None));
        let running = run(js::invoke::<Bytes>("f", ()));
        end_invoke_js(page.begun_one().call, Ok(with_bytes("{\"__byte[]\":0}", &[&[1, 2, 3]])));
        assert_eq!(running.done(), Ok(Bytes(vec![1, 2, 3])));
    });
}

#[test]
fn c98_c99_c109_who_wants_nothing_looks_at_nothing() {
    in_new_guest(|page| {
        page.answer(|request, _| {
            assert_eq!(request.result_type, ResultType::Nothing);
            ok("whatever")
        });
        assert_eq!(js::invoke_void_sync("f", ()), Ok(()));
        assert_eq!(js::global().invoke_void_sync("f", ()), Ok(()));
        let running = run(js::invoke_void("f", ()));
        end_invoke_js(page.begun_one().call, ok("whatever"));
        assert_eq!(running.done(), Ok(()));
    });
}

#[test]
fn c100_c104_a_synchronous_call_is_one_call() {
    in_new_guest(|page| {
        page.answer(|request, args| {
            assert_eq!(
                (request.identifier, &*args.json),
                ("test identifier 1", "[\"arg1\",{\"intVal\":4,\"stringVal\":null},true]")
            );
            ok("{\"intVal\":7}")
        });
        let person = Person { int_val: 4, string_val: None };
        let result = js::invoke_sync::<Person>("test identifier 1", ("arg1", person, true));
        assert_eq!(result, Ok(Person { int_val: 7, string_val: None }));
        assert_eq!(page.begun(), []);
    });
}

#[test]
fn c101_c126_references_are_written_with_ids_in_order_and_keep_them() {
    in_new_guest(|page| {
        let (one, two, three) = (counter(), counter(), counter());
        page.answer(|_, args| ok(&args.json));
        let nested = BTreeMap::from([("obj2", &two), ("obj3", &three)]);
        let echoed: Value = js::invoke_sync("f", (&one, nested, &one)).expect("the page answers");
        let id = |id: u64| json!({ "__dotNetObject": id });
        assert_eq!(echoed, json!([id(1), { "obj2": id(2), "obj3": id(3) }, id(1)]));
        let _call = js::invoke_void("g", (&three, counter()));
        assert_eq!(page.begun_one().args.json, "[{\"__dotNetObject\":3},{\"__dotNetObject\":4}]");
        assert_eq!(dispatch::live(), 4);
        // They are the guest's: once it drops them, they cannot be called.
        drop((one, two));
        assert_eq!(dispatch::live(), 2);
    });
}

#[test]
fn c102_results_can_have_the_guest_s_own_objects() {
    in_new_guest(|page| {
        page.answer(|_, _| ok("[{\"__dotNetObject\":2},{\"__dotNetObject\":1}]"));
        let (one, two) = (counter(), counter());
        let result: Vec<DotNetObjectReference<Counter>> = js::invoke_sync("f", (&one, &two)).expect("the page answers");
        assert!(std::ptr::eq(result[0].value(), two.value()));
        assert!(std::ptr::eq(result[1].value(), one.value()));
        // Also one that was made for nothing but the call.
        let same: DotNetObjectReference<Text> = {
            page.answer(|_, args| ok(args.json.trim_matches(['[', ']'])));
            js::invoke_sync("f", (DotNetObjectReference::new(Text(String::new())),)).expect("the page answers")
        };
        assert_eq!(dispatch::live(), 3);
        drop(same);
        assert_eq!(dispatch::live(), 2);
    });
}

#[test]
fn c103_c107_an_asynchronous_call_is_one_call_with_its_arguments() {
    in_new_guest(|page| {
        let object = page.object(5);
        let running = run({
            let object = object.clone();
            async move { object.invoke::<String>("f", ("a", 2, [3, 4], Some(Bytes(vec![9])))).await }
        });
        let begun = page.begun_one();
        assert_eq!(begun.args, with_bytes("[\"a\",2,[3,4],{\"__byte[]\":0}]", &[&[9]]));
        end_invoke_js(begun.call, ok("\"done\""));
        assert_eq!(running.done(), Ok("done".to_owned()));
        assert_eq!(page.begun(), []);
    });
}

#[test]
fn c111_c113_c117_a_call_with_a_timeout_ends_in_time_or_not() {
    in_new_guest(|page| {
        let in_time = run(js::invoke::<i32>("f", ()).timeout(Duration::from_secs(3600)));
        let late = run(js::invoke_void("slow.work", ()).timeout(Duration::from_millis(20)));
        let late_too = run(js::set("slow.value", 1).timeout(Duration::from_millis(20)));
        let begun = page.begun();
        assert!(page.alarm_is_set());
        end_invoke_js(begun[0].call, ok("5"));
        assert_eq!(in_time.done(), Ok(5));
        while late.waits() || late_too.waits() {
            page.wake();
        }
        assert_failed(late.done(), ErrorKind::TimedOut, &["'slow.work'", "timed out after 20 ms"]);
        assert_failed(late_too.done(), ErrorKind::TimedOut, &["'slow.value'", "20 ms"]);
        let mut cancelled = page.cancelled();
        cancelled.sort_unstable();
        assert_eq!(cancelled, [begun[1].call, begun[2].call]);
        // What comes then is late.
        end_invoke_js(begun[1].call, ok("1"));
        // The timers are gone with their calls.
        page.wake_until_idle();
        assert!(!page.alarm_is_set());
    });
}

#[test]
fn an_end_that_comes_together_with_the_timeout_counts() {
    in_new_guest(|page| {
        let running = run(js::invoke::<i32>("f", ()).timeout(Duration::from_millis(1)));
        let call = page.begun_one().call;
        std::thread::sleep(Duration::from_millis(5));
        end_invoke_js(call, ok("5"));
        assert_eq!(running.done(), Ok(5));
        assert_eq!(page.cancelled(), [] as [u64; 0]);
        // And the other way round.
        let running = run(js::invoke::<i32>("f", ()).timeout(Duration::ZERO));
        let call = page.begun_one().call;
        page.wake_until_idle();
        end_invoke_js(call, ok("5"));
        assert_failed(running.done(), ErrorKind::TimedOut, &["'f'", "0 ms"]);
        assert_eq!(page.cancelled(), [call]);
    });
}

#[test]
fn a_timeout_may_be_longer_than_clocks_go() {
    in_new_guest(|page| {
        let running = run(js::invoke::<i32>("f", ()).timeout(Duration::MAX));
        end_invoke_js(page.begun_one().call, ok("5"));
        assert_eq!(running.done(), Ok(5));
    });
}

#[test]
fn c115_c120_calls_have_ids_of_their_own_and_end_alone() {
    in_new_guest(|page| {
        let one = run(js::invoke::<String>("test identifier 1", ("arg1", 123, true)));
        let other = run(js::invoke::<String>("test identifier 2", ("some other arg",)));
        let [first, second] = page.begun().try_into().expect("two calls");
        assert_eq!(first.args.json, "[\"arg1\",123,true]");
        assert_eq!(second.args.json, "[\"some other arg\"]");
        assert_ne!(first.call, second.call);
        end_invoke_js(second.call, ok("\"my result\""));
        assert!(one.waits());
        assert_eq!(other.done(), Ok("my result".to_owned()));
        end_invoke_js(first.call, ok("\"mine\""));
        assert_eq!(one.done(), Ok("mine".to_owned()));
    });
}

#[test]
fn c118_a_call_that_is_dropped_is_cancelled_at_the_page_once() {
    in_new_guest(|page| {
        // One that was not polled, one that is awaited, and one that has ended.
        drop(js::invoke_void("f", ()));
        let unpolled = page.begun_one().call;
        assert_eq!(page.cancelled(), [unpolled]);
        let task = task::spawn(async { js::invoke_void("f", ()).await });
        dispatch::run_ready();
        let polled = page.begun_one().call;
        task.abort();
        dispatch::run_ready();
        assert_eq!(page.cancelled(), [polled]);
        let call = js::invoke_void("f", ());
        end_invoke_js(page.begun_one().call, ok("null"));
        drop(call);
        assert_eq!(page.cancelled(), [] as [u64; 0]);
    });
}

#[test]
fn a_call_of_the_page_that_is_cancelled_cancels_the_call_to_the_page_that_it_awaits() {
    in_new_guest(|page| {
        assert_eq!(begin(9, "ForwardToPage", "[\"f\"]"), None);
        let call = page.begun_one().call;
        dispatch::cancel_invoke(9);
        assert_eq!(page.cancelled(), [call]);
        assert!(matches!(&page.ended()[..], [(9, Err(error))] if error.kind() == ErrorKind::Cancelled));
        end_invoke_js(call, ok("1"));
        assert_eq!(page.ended(), []);
    });
}

/// What a function of the page returns.
#[js_invokable]
pub async fn forward_to_page(identifier: String) -> Result<Value, Error> {
    js::invoke(&identifier, ()).await
}

#[test]
fn an_error_of_the_page_reaches_the_caller_of_the_method_as_it_is() {
    in_new_guest(|page| {
        assert_eq!(begin(9, "ForwardToPage", "[\"f\"]"), None);
        let error = Error::new(ErrorKind::JsFailed, "no luck").with_detail("Error: no luck\n    at f");
        end_invoke_js(page.begun_one().call, Err(error.clone()));
        assert_eq!(page.ended(), [(9, Err(error))]);
    });
}

#[test]
fn a_detached_call_runs_on_and_is_forgotten() {
    in_new_guest(|page| {
        js::invoke::<i32>("f", ()).detach();
        js::invoke::<i32>("g", ((),)).detach();
        js::invoke::<i32>("refused", json!(1)).detach();
        let [f, g] = page.begun().try_into().expect("two calls");
        end_invoke_js(f.call, ok("1"));
        end_invoke_js(g.call, js_failed("nobody knows"));
        assert_eq!(page.cancelled(), [] as [u64; 0]);
        // With a timeout it does not run forever.
        js::invoke::<i32>("slow", ()).timeout(Duration::from_millis(1)).detach();
        let slow = page.begun_one().call;
        dispatch::run_ready();
        page.wake_until_idle();
        assert_eq!(page.cancelled(), [slow]);
    });
}

#[test]
fn c123_a_failure_is_its_call_s_alone() {
    in_new_guest(|page| {
        let (one, other) = (run(js::invoke::<String>("f", ())), run(js::invoke::<String>("g", ())));
        let [_, second] = page.begun().try_into().expect("two calls");
        end_invoke_js(second.call, js_failed("This is a test exception"));
        assert_failed(other.done(), ErrorKind::JsFailed, &["This is a test exception"]);
        assert!(one.waits());
    });
}

#[test]
fn c121_c124_a_result_of_another_type_fails_its_call_alone() {
    in_new_guest(|page| {
        let (one, other) = (run(js::invoke::<i32>("f", ())), run(js::invoke::<Person>("g", ())));
        let [first, second] = page.begun().try_into().expect("two calls");
        end_invoke_js(first.call, ok("\"not an integer\""));
        let parts = &["The result of the call to 'f' does not fit", "i32"];
        assert_failed(one.done(), ErrorKind::Failed, parts);
        assert!(other.waits());
        end_invoke_js(second.call, ok("{\"intVal\":4}"));
        assert_eq!(other.done(), Ok(Person { int_val: 4, string_val: None }));
        // `null` does not become a number either.
        page.answer(|_, _| ok("null"));
        assert_failed(js::invoke_sync::<i32>("f", ()), ErrorKind::Failed, &["'f' does not fit", "null"]);
        assert_eq!(js::invoke_sync::<Option<i32>>("f", ()), Ok(None));
    });
}

#[test]
fn c125_a_call_ends_once() {
    in_new_guest(|page| {
        let running = run(js::invoke::<i32>("f", ()));
        let call = page.begun_one().call;
        end_invoke_js(call, ok("1"));
        end_invoke_js(call, ok("2"));
        end_invoke_js(call, js_failed("no"));
        assert_eq!(running.done(), Ok(1));
        // Also if it has not been polled yet.
        let call = js::invoke::<i32>("f", ());
        let id = page.begun_one().call;
        end_invoke_js(id, ok("1"));
        end_invoke_js(id, ok("2"));
        assert_eq!(run(call).done(), Ok(1));
        end_invoke_js(0, ok("3"));
        end_invoke_js(u64::MAX, js_failed("no"));
    });
}

#[test]
fn arguments_that_are_no_tuple_are_refused_before_the_page_is_asked() {
    in_new_guest(|page| {
        page.answer(|_, _| panic!("the page was asked"));
        for (args, shown) in [
            (json!("text"), "`\"text\"`"),
            (json!(1), "`1`"),
            (json!({ "a": 1 }), "`{\"a\":1}`"),
            (json!(true), "`true`"),
        ] {
            let parts = &["The arguments of 'f' are a tuple", "`(value,)`", shown];
            assert_failed(run(js::invoke::<i32>("f", &args)).done(), ErrorKind::BadArguments, parts);
            assert_failed(js::invoke_sync::<i32>("f", &args), ErrorKind::BadArguments, parts);
        }
        let long = "ä".repeat(1_000);
        let error = js::invoke_sync::<i32>("f", json!(long)).expect_err("a string is not a tuple");
        assert!(error.message().len() < 200, "{error}");
        assert_eq!(page.begun(), []);
    });
}

#[test]
fn arguments_that_cannot_be_written_leave_nothing_behind() {
    in_new_guest(|page| {
        let unserialisable = || BTreeMap::from([(vec![1], 1)]);
        let kept = counter();
        let stream = DotNetStreamReference::from_bytes([1]);
        for _ in 0..2 {
            let call = js::invoke_void("f", (counter(), &kept, &stream, unserialisable()));
            assert_failed(run(call).done(), ErrorKind::BadArguments, &["The arguments of 'f' cannot be sent", "key"]);
            // The object that is kept got its id, and has it for the next time.
            assert_eq!(dispatch::live(), 1);
        }
        assert_eq!(dotwit::live_references().streams, 0);
        assert_eq!(page.begun(), []);
        // What was not sent can still be.
        let _call = js::invoke_void("f", (&kept, &stream));
        assert_eq!((dispatch::live(), dotwit::live_references().streams), (1, 1));
        // A disposed object says what is wrong, with its own kind.
        kept.dispose();
        let call = run(js::invoke_void("f", (counter(), &kept)));
        assert_failed(call.done(), ErrorKind::NoSuchObject, &["DotNetObjectReference<Counter>", "disposed"]);
        assert_eq!(dispatch::live(), 0);
    });
}

#[test]
fn what_the_arguments_name_lives_until_the_call_has_ended() {
    in_new_guest(|page| {
        let end = |how: fn(&TestPage, u64)| {
            let running = run(js::invoke_void("f", (counter(),)).timeout(Duration::from_secs(3600)));
            assert_eq!(dispatch::live(), 1);
            how(page, page.begun_one().call);
            assert_eq!(dispatch::live(), 0);
            running
        };
        assert_eq!(end(|_, call| end_invoke_js(call, ok("null"))).done(), Ok(()));
        assert!(end(|_, call| end_invoke_js(call, js_failed("no"))).done().is_err());
        // Dropped, and detached.
        let call = js::invoke_void("f", (counter(),));
        assert_eq!(dispatch::live(), 1);
        drop(call);
        assert_eq!(dispatch::live(), 0);
        page.begun();
        js::invoke_void("f", (counter(),)).detach();
        assert_eq!(dispatch::live(), 1);
        end_invoke_js(page.begun_one().call, ok("null"));
        assert_eq!(dispatch::live(), 0);
        // Ended, but not looked at: the result may name it.
        let call = js::invoke::<DotNetObjectReference<Counter>>("f", (counter(),));
        let begun = page.begun_one();
        end_invoke_js(begun.call, ok(begun.args.json.trim_matches(['[', ']'])));
        assert_eq!(dispatch::live(), 1);
        let counter = run(call).done().expect("the object is there");
        assert_eq!(dispatch::live(), 1);
        drop(counter);
        assert_eq!(dispatch::live(), 0);
    });
}

#[test]
fn the_page_can_call_what_the_arguments_name_and_owns_what_it_is_given() {
    in_new_guest(|page| {
        page.answer(|_, args| {
            let args: Value = serde_json::from_str(&args.json).expect("arguments are JSON");
            invoke_on(id(&args[0]), "Increment", "[]")
        });
        let mine = counter();
        assert_eq!(js::invoke_sync("f", (&mine,)), Ok(()));
        assert_eq!(invoke_on(1, "GetCount", "[]"), ok("1"));
        drop(mine);
        assert_fails(invoke_on(1, "GetCount", "[]"), ErrorKind::NoSuchObject, &["'1'"]);
        let given = counter();
        given.give_to_page().expect("there is room");
        assert_eq!(js::invoke_sync("f", (given,)), Ok(()));
        assert_eq!(invoke_on(2, "GetCount", "[]"), ok("1"));
        // Until it forgets the one placeholder that it got, or all of those.
        dispatch::forget(2, 1);
        assert_eq!(dispatch::live(), 0);
        let given = counter();
        given.give_to_page().expect("there is room");
        assert_eq!(js::invoke_sync("f", (&given,)), Ok(()));
        js::invoke_void("f", (given,)).detach();
        end_invoke_js(page.begun_one().call, ok("null"));
        dispatch::forget(3, 1);
        assert_eq!(dispatch::live(), 1);
        dispatch::forget(3, 1);
        assert_eq!(dispatch::live(), 0);
    });
}

#[test]
fn a_call_that_a_lost_connection_ends_has_named_nothing() {
    in_new_guest(|page| {
        page.answer(|_, _| Err(Error::new(ErrorKind::Disconnected, "The page is gone.")));
        let shared = counter();
        shared.give_to_page().expect("there is room");
        let stream = DotNetStreamReference::from_bytes([1]);
        assert_failed(js::invoke_sync::<i32>("f", (&shared, stream)), ErrorKind::Disconnected, &["gone"]);
        assert_eq!(dotwit::live_references().streams, 0);
        // The same later.
        let running = run(js::invoke_void("f", (shared.clone(), DotNetStreamReference::from_bytes([1]))));
        let begun = page.begun_one();
        end_invoke_js(begun.call, Err(Error::new(ErrorKind::Disconnected, "The page is gone.")));
        assert_failed(running.done(), ErrorKind::Disconnected, &[]);
        assert_eq!(dotwit::live_references().streams, 0);
        // So the page forgets it when it has forgotten the one placeholder that did arrive.
        page.answer(|_, _| ok("null"));
        assert_eq!(js::invoke_sync("f", (&shared,)), Ok(()));
        drop(shared);
        assert_eq!(dispatch::live(), 1);
        dispatch::forget(1, 1);
        assert_eq!(dispatch::live(), 0);
    });
}

#[test]
fn what_a_call_has_named_stays_the_pages_whatever_else_it_fails_with() {
    in_new_guest(|page| {
        page.answer(|_, _| Err(Error::new(ErrorKind::Unsupported, "It answers with a promise.")));
        let given = counter();
        given.give_to_page().expect("there is room");
        let stream = DotNetStreamReference::from_bytes([1]);
        assert_failed(js::invoke_sync::<i32>("f", (given, stream)), ErrorKind::Unsupported, &["promise"]);
        assert_eq!((dotwit::live_references().streams, dispatch::live()), (1, 1));
        dispatch::forget(1, 1);
        dispatch::close(2);
        assert_eq!((dotwit::live_references().streams, dispatch::live()), (0, 0));
    });
}

#[test]
fn a_page_that_cannot_answer_at_once_says_so() {
    in_new_guest(|_| {
        assert_failed(js::get_sync::<i32>("p"), ErrorKind::Unsupported, &["cannot answer at once"]);
    });
}

#[test]
fn results_nest_32_deep_and_no_deeper() {
    in_new_guest(|page| {
        let arrays = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        page.answer(move |_, args| ok(arrays(args.json.trim_matches(['[', ']']).parse().expect("a number"))));
        assert!(js::invoke_sync::<Value>("f", (32,)).is_ok());
        let parts = &["The result of the call to 'f'", "nests 33 deep", "32 is the limit"];
        assert_failed(js::invoke_sync::<Value>("f", (33,)), ErrorKind::Failed, parts);
        let parts = &["nests 1000000 deep"];
        assert_failed(js::invoke_sync::<Value>("f", (1_000_000,)), ErrorKind::Failed, parts);
        assert!(js::invoke_sync::<()>("f", (1_000_000,)).is_ok());
    });
}

#[test]
fn a_call_says_what_it_is() {
    in_new_guest(|_| {
        assert_eq!(format!("{:?}", js::invoke_void("a.b", ())), "Call(\"a.b\")");
    });
}
