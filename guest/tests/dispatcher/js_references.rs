//! References to objects of the page: how they are read and written, and when the page hears that one is given up.

use std::cell::RefCell;
use std::collections::BTreeMap;

use dotwit::__private::dispatch::{self, end_invoke_js};
use dotwit::__private::{Message, ResultType};
use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::*;

thread_local! {
    static KEPT: RefCell<Vec<JsObjectReference>> = const { RefCell::new(Vec::new()) };
}

/// Lets go of what the methods of this module have kept.
pub fn let_go() {
    drop(KEPT.take());
}

#[js_invokable]
pub fn same_js_object(object: JsObjectReference) -> JsObjectReference {
    object
}

#[js_invokable]
pub fn maybe_js_object(object: Option<JsObjectReference>) -> bool {
    object.is_some()
}

#[js_invokable]
pub fn keep_js_objects(objects: Vec<JsObjectReference>) -> usize {
    KEPT.with_borrow_mut(|kept| {
        kept.extend(objects);
        kept.len()
    })
}

#[derive(Serialize, Deserialize)]
pub struct Cabinet {
    first: JsObjectReference,
    more: Vec<Option<JsObjectReference>>,
    named: BTreeMap<String, JsObjectReference>,
}

#[js_invokable]
pub fn same_cabinet(cabinet: Cabinet) -> Cabinet {
    cabinet
}

#[js_invokable]
pub fn takes_nothing() {}

#[js_invokable]
pub fn takes_anything(_value: Value) {}

#[js_invokable]
pub async fn takes_nothing_slowly() {
    gate(77).await;
}

#[js_invokable]
pub fn js_object_and_number(_object: JsObjectReference, _number: i32) {}

/// A reference, or something that begins as one.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum EitherObject {
    Both {
        object: JsObjectReference,
        #[expect(dead_code, reason = "it is there to be missing")]
        number: i32,
    },
    Object {
        object: JsObjectReference,
    },
    Other(#[expect(dead_code, reason = "it takes whatever there is")] Value),
}

#[js_invokable]
pub fn keep_either(either: EitherObject) -> &'static str {
    let (object, name) = match either {
        EitherObject::Both { object, .. } => (object, "both"),
        EitherObject::Object { object } => (object, "object"),
        EitherObject::Other(_) => return "other",
    };
    KEPT.with_borrow_mut(|kept| kept.push(object));
    name
}

fn object(id: i64) -> String {
    json!({ "__jsObjectId": id }).to_string()
}

/// Checks that nothing is held, and that since this was last asked the page was given back these objects.
#[track_caller]
fn assert_given_back(page: &TestPage, mut ids: Vec<i64>) {
    // What a result named is given back when that has arrived.
    page.wake_until_idle();
    let mut released = page.released();
    released.sort_unstable();
    ids.sort_unstable();
    assert_eq!(released, ids);
    assert_eq!(dotwit::live_references().page_objects, 0);
}

/// The result of a call to the page that it answers with this text.
fn answered<R: DeserializeOwned + 'static>(page: &TestPage, json: &str) -> Result<R, Error> {
    let running = run(js::invoke::<R>("f", ()));
    end_invoke_js(page.begun_one().call, ok(json));
    running.done()
}

#[test]
fn c83_a_placeholder_without_its_key_is_refused() {
    in_new_guest(|page| {
        let parts = &["argument 1 ('object')", "required property '__jsObjectId' was not found"];
        assert_fails(invoke("SameJsObject", "[{}]"), ErrorKind::BadArguments, parts);
        let error = answered::<JsObjectReference>(page, "{}").expect_err("it is not a placeholder");
        assert!(error.message().contains("required property '__jsObjectId' was not found"), "{error}");
    });
}

#[test]
fn c84_a_placeholder_with_another_key_is_refused_and_given_back() {
    in_new_guest(|page| {
        for args in [
            "[{\"__jsObjectId\":3,\"foo\":2}]",
            "[{\"foo\":2,\"__jsObjectId\":3}]",
            "[{\"__jsStreamReferenceLength\":2,\"__jsObjectId\":3}]",
        ] {
            assert_fails(invoke("SameJsObject", args), ErrorKind::BadArguments, &["unexpected property '"]);
            assert_given_back(page, vec![3]);
        }
    });
}

#[test]
fn c85_a_placeholder_that_is_incomplete_is_refused() {
    in_new_guest(|page| {
        assert_fails(invoke("SameJsObject", "[{\"__jsObjectId\":5"), ErrorKind::BadArguments, &["ends too early"]);
        assert_fails(invoke("SameJsObject", "[{\"__jsObjectId\"}]"), ErrorKind::BadArguments, &["invalid JSON"]);
        assert_fails(invoke("SameJsObject", "[{\"__jsObjectId"), ErrorKind::BadArguments, &["ends too early"]);
        assert_given_back(page, vec![5]);
    });
}

#[test]
fn c86_a_placeholder_with_its_key_twice_is_refused_and_given_back() {
    in_new_guest(|page| {
        let outcome = invoke("SameJsObject", "[{\"__jsObjectId\":3,\"__jsObjectId\":4}]");
        assert_fails(outcome, ErrorKind::BadArguments, &["'__jsObjectId' is there twice"]);
        assert_given_back(page, vec![3, 4]);
    });
}

#[test]
fn c87_c88_a_placeholder_is_read_and_written() {
    in_new_guest(|page| {
        assert_eq!(text(invoke("SameJsObject", &*format!("[{}]", object(3)))), object(3));
        assert_given_back(page, vec![3]);
        let spread = "[ {\n\t\"__jsObjectId\" :\r 4 } ]";
        assert_eq!(text(invoke("SameJsObject", spread)), object(4));
        assert_given_back(page, vec![4]);
        let largest = 9_007_199_254_740_991;
        assert_eq!(text(invoke("SameJsObject", &*format!("[{}]", object(largest)))), object(largest));
        assert_given_back(page, vec![largest]);
    });
}

#[test]
fn c89_minus_one_is_a_null_that_only_an_option_holds() {
    in_new_guest(|page| {
        for null in ["{\"__jsObjectId\":-1}", " { \"__jsObjectId\" : -1 } ", "null"] {
            assert_eq!(text(invoke("MaybeJsObject", &*format!("[{null}]"))), "false");
            let outcome = invoke("SameJsObject", &*format!("[{null}]"));
            assert_fails(outcome, ErrorKind::BadArguments, &["argument 1 ('object')", "is null", "Option"]);
            assert!(matches!(answered::<Option<JsObjectReference>>(page, null), Ok(None)));
            let error = answered::<JsObjectReference>(page, null).expect_err("it is null");
            assert!(error.message().contains("Option"), "{error}");
            assert_eq!(answered(page, &format!("[{null}]")), Ok(json!([null])));
        }
        assert_eq!(text(invoke("MaybeJsObject", &*format!("[{}]", object(3)))), "true");
        assert_given_back(page, vec![3]);
        let many = format!("[{}]", vec!["{\"__jsObjectId\":-1}"; 100_000].join(","));
        assert_eq!(answered::<Vec<Option<JsObjectReference>>>(page, &many).map(|all| all.len()), Ok(100_000));
        let mixed = "[{\"__jsObjectId\":-1},{\"__jsObjectId\":4},{\"__jsObjectId\":-1}]";
        let read: Vec<Option<JsObjectReference>> = answered(page, mixed).expect("they are references");
        assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
        drop(read);
        assert_given_back(page, vec![4]);
        // Only the placeholder is one, and only in full.
        let text_with_it = json!(["{\"__jsObjectId\":-1}", { "__jsObjectId": -1, "more": 1 }, { "__jsObjectId": -10 }]);
        assert_eq!(answered(page, &text_with_it.to_string()), Ok(text_with_it));
        assert_given_back(page, vec![]);
    });
}

#[test]
fn a_placeholder_with_a_wrong_value_is_refused() {
    in_new_guest(|page| {
        for (value, part) in [
            ("\"1\"", "string \"1\""),
            ("null", "null"),
            ("1.5", "floating point"),
            ("[1]", "sequence"),
            ("0", "0 names no"),
        ] {
            let outcome = invoke("SameJsObject", &*format!("[{{\"__jsObjectId\":{value}}}]"));
            assert_fails(outcome, ErrorKind::BadArguments, &["argument 1 ('object')", part]);
        }
        for value in ["1", "\"x\"", "true", "[]"] {
            let outcome = invoke("SameJsObject", &*format!("[{value}]"));
            assert_fails(outcome, ErrorKind::BadArguments, &["DotNet.createJSObjectReference"]);
        }
        assert_given_back(page, vec![]);
    });
}

#[test]
fn nested_references_are_read_and_written() {
    in_new_guest(|page| {
        let [a, b, c] = [1, 2, 3].map(object);
        let cabinet = format!("{{\"first\":{a},\"more\":[{b},null,{a}],\"named\":{{\"ü\":{c}}}}}");
        assert_eq!(text(invoke("SameCabinet", &*format!("[{cabinet}]"))), cabinet);
        // Each placeholder was one share.
        assert_given_back(page, vec![1, 1, 2, 3]);
        let cabinet = format!("{{\"first\":{a},\"more\":[{{\"__jsObjectId\":-1}}],\"named\":{{}}}}");
        let expected = cabinet.replace("{\"__jsObjectId\":-1}", "null");
        assert_eq!(text(invoke("SameCabinet", &*format!("[{cabinet}]"))), expected);
        assert_given_back(page, vec![1]);
    });
}

#[test]
fn c105_c106_a_disposed_reference_is_refused_without_asking_the_page() {
    in_new_guest(|page| {
        page.answer(|_, _| panic!("the page was asked"));
        let one = page.object(5);
        let clone = one.clone();
        one.dispose();
        assert_eq!(page.released(), [5]);
        for disposed in [&one, &clone] {
            let is_refused = |result: Result<(), Error>| {
                assert_fails(
                    result.map(|()| Message::default()),
                    ErrorKind::NoSuchObject,
                    &["JsObjectReference", "disposed"],
                );
            };
            is_refused(disposed.invoke_void_sync("f", ()));
            is_refused(disposed.set_sync("p", 1));
            is_refused(disposed.get_sync("p"));
            is_refused(disposed.construct_sync("C", ()).map(drop));
            is_refused(js::invoke_void_sync("f", (disposed,)));
            is_refused(run(disposed.invoke_void("f", ())).done());
            is_refused(run(disposed.get("p")).done());
            is_refused(run(disposed.invoke::<()>("f", ()).timeout(std::time::Duration::from_secs(1))).done());
            is_refused(run(js::invoke_void("f", ([disposed],))).done());
            assert_eq!(format!("{disposed:?}"), "JsObjectReference(disposed)");
        }
        one.dispose();
        drop((one, clone));
        assert_eq!(page.begun(), []);
        assert_given_back(page, vec![]);
    });
}

#[test]
fn a_reference_is_given_back_with_its_last_clone() {
    in_new_guest(|page| {
        let one = page.object(5);
        assert_eq!(format!("{one:?}"), "JsObjectReference(5)");
        let clone = one.clone();
        drop(one);
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![], 1));
        drop(clone);
        assert_given_back(page, vec![5]);
        // Each message that named it gave a share of its own.
        let (one, other) = (page.object(5), page.object(5));
        one.dispose();
        assert_eq!(page.released(), [5]);
        let _call = other.invoke_void("f", ());
        assert_eq!(page.begun_one().target, 5);
        drop((other, _call));
        assert_given_back(page, vec![5]);
    });
}

#[test]
fn the_global_object_is_never_given_back() {
    in_new_guest(|page| {
        js::global().dispose();
        let _call = js::global().invoke_void("f", (js::global(),));
        let begun = page.begun_one();
        assert_eq!((begun.target, &*begun.args.json), (0, "[{\"__jsObjectId\":0}]"));
        assert_given_back(page, vec![]);
    });
}

#[test]
fn a_call_keeps_its_target_and_its_arguments() {
    in_new_guest(|page| {
        let call = page.object(5).invoke_void("f", (page.object(6),));
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![], 2));
        end_invoke_js(page.begun_one().call, ok("null"));
        assert_eq!(run(call).done(), Ok(()));
        assert_given_back(page, vec![5, 6]);
        page.object(5).set("p", page.object(6)).detach();
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![], 2));
        end_invoke_js(page.begun_one().call, ok("null"));
        assert_given_back(page, vec![5, 6]);
        // At once: when the page has answered.
        page.answer(|_, _| {
            assert_eq!(dotwit::live_references().page_objects, 2);
            ok("null")
        });
        assert_eq!(page.object(5).invoke_void_sync("f", (page.object(6),)), Ok(()));
        assert_given_back(page, vec![5, 6]);
    });
}

#[test]
fn a_returned_reference_is_given_back_when_the_page_has_got_it() {
    in_new_guest(|page| {
        let args = format!("[{}]", object(5));
        assert_eq!(text(invoke("SameJsObject", &*args)), object(5));
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![], 1));
        assert!(page.alarm_is_set(), "the guest asks for a turn in which to give it back");
        // Any call shows that the page has had its turn.
        dispatch::release(1);
        assert_given_back(page, vec![5]);
        // The same at the end of an asynchronous call.
        assert_eq!(begin(1, "SameJsObjectAfterGate", &*args), None);
        invoke("OpenGate", "[78]").expect("gates open");
        assert_eq!(page.ended(), [(1, ok(object(5)))]);
        assert_eq!(page.released(), [] as [i64; 0]);
        assert_given_back(page, vec![5]);
        // One that the guest keeps needs no turn.
        let kept = page.object(6);
        KEPT.with_borrow_mut(|objects| objects.push(kept));
        assert_eq!(text(invoke("FirstKept", "[]")), object(6));
        assert!(!page.alarm_is_set());
        dispatch::release(1);
        KEPT.take();
        assert_given_back(page, vec![6]);
    });
}

#[js_invokable]
pub async fn same_js_object_after_gate(object: JsObjectReference) -> JsObjectReference {
    gate(78).await;
    object
}

#[js_invokable]
pub fn first_kept() -> Option<JsObjectReference> {
    KEPT.with_borrow(|kept| kept.first().cloned())
}

#[test]
fn what_nobody_reads_is_given_back() {
    in_new_guest(|page| {
        let args = format!("[{}]", object(5));
        // By a method that takes nothing, or takes it as something else, at once and later.
        text(invoke("TakesNothing", &*args));
        assert_given_back(page, vec![5]);
        text(invoke("TakesAnything", &*format!("[[{0},{{\"a\":{0}}}]]", object(5))));
        assert_given_back(page, vec![5, 5]);
        assert_eq!(begin(1, "TakesNothingSlowly", &*args), None);
        assert_given_back(page, vec![5]);
        // By calls that fail before a method sees them.
        for (method, args, parts) in [
            ("NoSuchMethod", &*args, "NoSuchMethod"),
            ("", &*args, "empty"),
            ("TakesNothingSlowly", &*args, "asynchronous"),
            ("JsObjectAndNumber", &*args, "expects 2"),
            ("JsObjectAndNumber", &*format!("[{},{{}},{}]", object(5), object(5)), "exactly 2"),
            ("JsObjectAndNumber", &*format!("[{},{}", object(5), object(5)), "too early"),
            ("JsObjectAndNumber", &*format!("{{\"a\":{}}}", object(5)), "JSON array"),
            ("JsObjectAndNumber", &*format!("[{},\"no number\"]", object(5)), "argument 2"),
        ] {
            assert_eq!(page.released(), [] as [i64; 0]);
            let error = invoke(method, args).expect_err("the call fails");
            assert!(error.message().contains(parts), "{error}");
            assert_eq!(page.released(), vec![5; args.matches("__jsObjectId").count()], "{args}");
        }
        assert_fails(invoke_on(99, "F", &*args), ErrorKind::NoSuchObject, &[]);
        assert_fails(begin(1, "TakesNothing", &*args).expect("refused"), ErrorKind::Protocol, &["under way"]);
        assert_given_back(page, vec![5, 5]);
    });
}

#[test]
fn what_a_result_brings_and_nobody_reads_is_given_back() {
    in_new_guest(|page| {
        let brought: &str = &object(5);
        let end = |call: u64| end_invoke_js(call, ok(brought));
        // Unknown calls, cancelled ones, ended ones.
        end(1_000);
        assert_given_back(page, vec![5]);
        let call = js::invoke::<JsObjectReference>("f", ());
        let id = page.begun_one().call;
        drop(call);
        end(id);
        assert_given_back(page, vec![5]);
        let call = js::invoke::<JsObjectReference>("f", ());
        let id = page.begun_one().call;
        end(id);
        end(id);
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![5], 1));
        // Ended and never looked at; looked at and dropped.
        drop(call);
        assert_given_back(page, vec![5]);
        assert!(answered::<JsObjectReference>(page, brought).is_ok());
        assert_given_back(page, vec![5]);
        // Detached, timed out, of another type, or not awaited.
        js::invoke::<JsObjectReference>("f", ()).detach();
        end(page.begun_one().call);
        assert_given_back(page, vec![5]);
        let running = run(js::invoke::<JsObjectReference>("f", ()).timeout(std::time::Duration::ZERO));
        let id = page.begun_one().call;
        page.wake_until_idle();
        assert!(running.done().is_err());
        end(id);
        assert_given_back(page, vec![5]);
        assert!(answered::<i32>(page, brought).is_err());
        assert_given_back(page, vec![5]);
        assert!(answered::<(JsObjectReference, i32)>(page, &format!("[{brought},\"x\"]")).is_err());
        assert_given_back(page, vec![5]);
        assert!(answered::<()>(page, &format!("[{brought},{brought}")).is_ok());
        assert_given_back(page, vec![5, 5]);
        // At once.
        page.answer(|_, _| ok("{\"__jsObjectId\":5}"));
        assert!(js::invoke_sync::<i32>("f", ()).is_err());
        assert_given_back(page, vec![5]);
        assert_eq!(js::invoke_void_sync("f", ()), Ok(()));
        assert_given_back(page, vec![5]);
    });
}

#[test]
fn a_reference_that_serde_tries_more_than_once_is_kept_by_the_one_who_takes_it() {
    in_new_guest(|page| {
        assert_eq!(text(invoke("KeepEither", &*format!("[{{\"object\":{},\"number\":1}}]", object(5)))), "\"both\"");
        assert_eq!(text(invoke("KeepEither", &*format!("[{{\"object\":{}}}]", object(6)))), "\"object\"");
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![], 2));
        KEPT.take();
        assert_given_back(page, vec![5, 6]);
        assert_eq!(text(invoke("KeepEither", &*format!("[[{}]]", object(7)))), "\"other\"");
        assert_given_back(page, vec![7]);
    });
}

#[test]
fn results_of_every_kind_can_have_references() {
    in_new_guest(|page| {
        let found: BTreeMap<String, Vec<JsObjectReference>> =
            answered(page, "{\"a\":[{\"__jsObjectId\":5}],\"b\":[{\"__jsObjectId\":6},{\"__jsObjectId\":5}]}")
                .expect("they are references");
        assert_eq!(found["a"].len() + found["b"].len(), 3);
        assert_eq!(dotwit::live_references().page_objects, 2);
        drop(found);
        assert_given_back(page, vec![5, 5, 6]);
    });
}

#[test]
fn text_that_only_looks_like_a_placeholder_gives_nothing_back() {
    in_new_guest(|page| {
        for args in [
            json!(["{\"__jsObjectId\":5}"]),
            json!(["__jsObjectId"]),
            json!([["__jsObjectId", 5]]),
            json!([{ "x__jsObjectId": 5, "__jsObjectIdx": 6, "__jsObjectId\"": 7 }]),
            json!([{ "__jsObjectId": "5" }]),
            json!([{ "__jsObjectId": 5.5 }]),
            json!([{ "__jsObjectId": [5] }]),
            json!([{ "__jsObjectId": 0 }]),
            json!([{ "__jsObjectId": -5 }]),
        ] {
            let args = Message::from_json(args.to_string());
            text(invoke("TakesAnything", args));
        }
        assert_given_back(page, vec![]);
    });
}

#[test]
fn a_reference_outside_of_a_call_is_no_placeholder() {
    in_new_guest(|page| {
        let one = page.object(5);
        assert!(serde_json::to_string(&one).is_err());
        assert!(serde_json::from_str::<JsObjectReference>(&object(5)).is_err());
        drop(one);
        assert_given_back(page, vec![5]);
    });
}

#[test]
fn a_reference_can_outlive_its_guest() {
    thread_local! {
        static LATE: RefCell<Option<JsObjectReference>> = const { RefCell::new(None) };
    }
    in_new_guest(|page| {
        // Made first, so that it is dropped after what it needs.
        LATE.set(None);
        LATE.set(Some(page.object(5)));
    });
}

#[test]
fn what_is_wanted_follows_from_the_type_that_is_read() {
    in_new_guest(|page| {
        let want = |_: &dyn std::fmt::Debug| page.begun_one().result_type;
        assert_eq!(want(&js::get::<JsObjectReference>("p")), ResultType::Object);
        assert_eq!(want(&js::get::<Option<JsStreamReference>>("p")), ResultType::Stream);
        assert_eq!(want(&js::get::<()>("p")), ResultType::Nothing);
        assert_eq!(want(&js::get::<Option<()>>("p")), ResultType::Json);
    });
}
