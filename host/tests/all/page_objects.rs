//! Objects of the page that a guest holds, and what is left of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dotwit_host::{Config, ErrorKind, JsObject, JsValue, Message, NativePage, Runtime, Session};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{assert_error, assert_no_page_references, guest_path, test_guest};

/// A counter as a script would make it.
fn counter(start: i64) -> JsObject {
    let count = Arc::new(AtomicI64::new(start));
    let read = Arc::clone(&count);
    JsObject::new()
        .function("add", move |(by,): (i64,)| Ok(count.fetch_add(by, Ordering::Relaxed) + by))
        .getter("count", move || Ok(read.load(Ordering::Relaxed)))
        .value("label", "a counter")
}

fn window() -> JsObject {
    let shared = counter(100);
    let same = shared.clone();
    JsObject::new()
        .constructor("Counter", |(start,): (i64,)| Ok(counter(start)))
        .object("shared", shared)
        .function("makeCounter", |(start,): (i64,)| Ok(counter(start)))
        .function("nothing", |()| Ok(None::<JsObject>))
        .function("number", |()| Ok(5))
        .function("plain", |()| Ok(json!({"a": {"b": 1}, "list": [1, 2]})))
        .function("counters", |()| {
            let made = counter(1);
            Ok(std::collections::BTreeMap::from([("counters", vec![made.clone(), made, counter(2)])]))
        })
        .function("isShared", move |(object,): (JsObject,)| Ok(object == same))
        .value("slot", json!(null))
}

/// Objects inside a value.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Cabinet {
    first: JsObject,
    maybe: Option<JsObject>,
    rest: Vec<JsObject>,
}

fn session() -> Session {
    test_guest().session_with_page(NativePage::new(window())).unwrap()
}

/// Calls a method of the guest and awaits it.
fn call<R: serde::de::DeserializeOwned>(
    session: &Session,
    method: &str,
    args: impl serde::Serialize,
) -> Result<R, dotwit_host::Error> {
    pollster::block_on(session.invoke_async("TestGuest", method, args))
}

#[test]
fn objects_are_constructed_called_read_and_assigned() {
    let session = session();
    let made: JsObject = call(&session, "ConstructPage", ("Counter", [5])).unwrap();
    assert_eq!(call::<i64>(&session, "CallOn", (&made, "add", [2])), Ok(7));
    assert_eq!(session.invoke::<i64>("TestGuest", "CallOnSync", (&made, "add", [1])), Ok(8));
    assert_eq!(call::<i64>(&session, "GetOn", (&made, "count")), Ok(8));
    assert_eq!(made.get::<i64>("count"), Ok(8));
    call::<()>(&session, "SetOn", (&made, "label", "mine")).unwrap();
    assert_eq!(made.get::<String>("label").unwrap(), "mine");
    let nested: JsObject = session.invoke("TestGuest", "ConstructPageSync", ("Counter", [1])).unwrap();
    assert_ne!(nested, made);
    let error = call::<Value>(&session, "ConstructOn", (&made, "add", json!([]))).unwrap_err();
    assert_error(&error, ErrorKind::JsFailed, &["The value 'add' is not a function."]);
    assert_no_page_references(&session);
}

#[test]
fn objects_cross_as_themselves_alone_and_inside_of_others() {
    let session = session();
    let shared: JsObject = call::<Option<_>>(&session, "GetPageObject", ("shared",)).unwrap().unwrap();
    assert_eq!(call::<bool>(&session, "CallPageWithObject", ("isShared", &shared)), Ok(true));
    assert_eq!(call::<bool>(&session, "CallPageWithObject", ("isShared", counter(1))), Ok(false));
    let same: JsObject = session.invoke("TestGuest", "SameObject", (&shared,)).unwrap();
    assert_eq!(same, shared);
    let cabinet = Cabinet { first: shared.clone(), maybe: None, rest: vec![shared.clone(), counter(2)] };
    let returned: Cabinet = session.invoke("TestGuest", "SameCabinet", (&cabinet,)).unwrap();
    assert_eq!(returned, cabinet);
    let value: JsValue = session.invoke("TestGuest", "SameCabinet", (&cabinet,)).unwrap();
    let returned: Cabinet = session.invoke("TestGuest", "SameCabinet", (value,)).unwrap();
    assert_eq!(returned, cabinet);
    let counters: std::collections::BTreeMap<String, Vec<JsObject>> =
        call(&session, "CallPageForObjects", ("counters",)).unwrap();
    let [one, two, three] = &counters["counters"][..] else { panic!("{counters:?}") };
    assert_eq!(one, two);
    assert_ne!(one, three);
    let global: JsObject = session.invoke("TestGuest", "GetGlobal", ()).unwrap();
    assert_eq!(global.get::<String>("shared.label").unwrap(), "a counter");
    assert_no_page_references(&session);
    assert_eq!(session.invoke::<usize>("TestGuest", "LivePageObjects", ()), Ok(0));
}

#[test]
fn values_are_references_where_references_are_wanted() {
    let session = session();
    assert_eq!(call::<Option<JsObject>>(&session, "CallPageForObject", ("nothing", json!([]))).unwrap(), None);
    let sync = session.invoke::<Option<JsObject>>("TestGuest", "CallPageForObjectSync", ("nothing", json!([])));
    assert_eq!(sync.unwrap(), None);
    let error = call::<Value>(&session, "CallPageForObject", ("number", json!([]))).unwrap_err();
    assert_error(&error, ErrorKind::JsFailed, &["Cannot create a JSObjectReference from the value '5'."]);
    let plain: JsObject = call(&session, "CallPageForSomeObject", ("plain", json!([]))).unwrap();
    assert_eq!(plain.get::<i32>("a.b"), Ok(1));
    assert_eq!(plain.get::<Value>("").unwrap_err().kind(), ErrorKind::JsFailed);
    let function: JsObject = call::<Option<_>>(&session, "GetPageObject", ("makeCounter",)).unwrap().unwrap();
    call::<()>(&session, "SetPageObject", ("slot", &function)).unwrap();
    assert_eq!(call::<Value>(&session, "GetPage", ("slot",)), Ok(Value::Null));
    let made: JsObject = call(&session, "CallPageForSomeObject", ("slot", [3])).unwrap();
    assert_eq!(made.get::<i64>("count"), Ok(3));
    let error = call::<Value>(&session, "CallPageForStream", ("number", json!([]), 1)).unwrap_err();
    assert_error(&error, ErrorKind::JsFailed, &["Cannot create a JSObjectReference"]);
    let error = call::<Value>(&session, "CallPageForStream", ("plain", json!([]), 1)).unwrap_err();
    assert_error(&error, ErrorKind::JsFailed, &["not a typed array or blob"]);
    assert_no_page_references(&session);
}

#[test]
fn a_reference_counts_once_for_each_placeholder_and_its_id_is_never_used_again() {
    let session = session();
    let shared = window().get::<JsObject>("makeCounter").unwrap();
    assert_eq!(session.invoke::<usize>("TestGuest", "KeepObject", (&shared,)), Ok(1));
    assert_eq!(session.invoke::<usize>("TestGuest", "KeepObject", (&shared,)), Ok(2));
    assert_eq!(session.live_page_references(), 1);
    session.invoke::<()>("TestGuest", "DisposeKept", ()).unwrap();
    session.invoke::<()>("TestGuest", "DropKept", ()).unwrap();
    assert_no_page_references(&session);
    let gone = session.invoke::<Value>("TestGuest", "CallPageSync", ("isShared", json!([{"__jsObjectId": 1}])));
    assert!(gone.unwrap_err().message().contains("ID 1 does not exist"));
}

#[test]
fn objects_that_are_not_read_or_not_sent_leak_nothing() {
    let config = Config::new().max_pending_calls(1);
    let guest = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap();
    let session = guest.session_with_page(NativePage::new(window())).unwrap();
    let object = || JsObject::new();
    session.invoke::<()>("TestGuest", "Ignore", (object(),)).unwrap();
    session.invoke::<()>("TestGuest", "NoSuchMethod", (object(),)).unwrap_err();
    session.invoke::<()>("TestGuest", "Nothing", (object(),)).unwrap();
    session.invoke::<i32>("TestGuest", "ObjectAndNumber", (object(), "no number")).unwrap_err();
    session.invoke::<()>("TestGuest", "Ignore", vec![object(); 65]).unwrap_err();
    session.invoke::<()>("TestGuest", "Ignore", (object(), std::collections::BTreeMap::from([([1], 1)]))).unwrap_err();
    session.invoke::<()>("TestGuest", "Ignore", &object()).unwrap_err();
    session.invoke::<i32>("TestGuest", "SameObject", (object(),)).unwrap_err();
    let never = session.invoke_async::<()>("TestGuest", "Never", ());
    call::<()>(&session, "Ignore", (object(),)).unwrap_err();
    drop(never);
    drop(session.invoke_async::<JsObject>("TestGuest", "SameObjectLater", (object(),)));
    call::<Value>(&session, "CallPageForNumber", ("makeCounter", [1])).unwrap_err();
    assert_no_page_references(&session);
    assert_eq!(session.invoke::<usize>("TestGuest", "LivePageObjects", ()), Ok(0));
    assert_eq!(session.live_references(), Ok(0));
}

#[test]
fn a_hundred_thousand_references_leave_nothing_behind() {
    let session = session();
    let made: Value = call(&session, "CallPageInSequence", ("number", 1_000)).unwrap();
    assert_eq!(made, 5);
    // One after the other at the page, and in one entry at the guest.
    for _ in 0..100 {
        let objects: Vec<JsObject> = (0..1_000).map(|_| JsObject::new()).collect();
        session.invoke::<()>("TestGuest", "Ignore", (&objects,)).unwrap();
    }
    session.invoke::<Value>("TestGuest", "CallPageInSequenceSync", ("makeCounter", 2_000)).unwrap();
    assert_no_page_references(&session);
    assert_eq!(session.invoke::<usize>("TestGuest", "LivePageObjects", ()), Ok(0));
    assert_eq!(session.live_references(), Ok(0));
}

#[test]
fn clones_of_a_page_share_its_members_and_not_its_references() {
    let page = NativePage::new(window());
    let sessions = [page.clone(), page].map(|page| test_guest().session_with_page(page).unwrap());
    session_keeps(&sessions[0]);
    assert_eq!(sessions[0].live_page_references(), 1);
    assert_eq!(sessions[1].live_page_references(), 0);
    call::<()>(&sessions[0], "SetPage", ("slot", "seen")).unwrap();
    assert_eq!(call::<String>(&sessions[1], "GetPage", ("slot",)).as_deref(), Ok("seen"));
}

fn session_keeps(session: &Session) {
    session.invoke::<usize>("TestGuest", "KeepObject", (JsObject::new(),)).unwrap();
}

#[test]
fn what_a_result_names_lives_until_it_is_read_though_other_threads_call_the_guest() {
    const THREADS: usize = 4;
    const ROUNDS: i64 = 300;
    let session = session();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let session = &session;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    // A timer enters the guest on a background thread, and page tasks run on any.
                    let timer = session.invoke_async::<i64>("TestGuest", "EchoAfter", (round, round % 2));
                    let result: JsObject = match thread % 2 {
                        0 => session.invoke("TestGuest", "ConstructPageSync", ("Counter", [round])).unwrap(),
                        _ => call(session, "ConstructPage", ("Counter", [round])).unwrap(),
                    };
                    assert_eq!(result.get::<i64>("count"), Ok(round));
                    let made: std::collections::BTreeMap<String, Vec<JsObject>> =
                        call(session, "CallPageForObjects", ("counters",)).unwrap();
                    assert_eq!(made["counters"].len(), 3);
                    assert_eq!(pollster::block_on(timer), Ok(round));
                }
            });
        }
    });
    assert_eq!(session.invoke::<usize>("TestGuest", "LivePageObjects", ()), Ok(0));
    assert_no_page_references(&session);
}

#[test]
fn a_message_holds_what_it_names_until_it_is_dropped() {
    let session = session();
    let target = dotwit_host::Target::from("TestGuest");
    let message = Message::from_json(r#"["Counter",[5]]"#);
    let result = session.invoke_message(&target, "ConstructPageSync", &message).unwrap();
    // The guest has released its reference when it was called again.
    assert_eq!(session.invoke::<usize>("TestGuest", "LivePageObjects", ()), Ok(0));
    assert_eq!(session.live_page_references(), 1);
    let again =
        session.invoke_message(&target, "SameObject", &Message::from_json(format!("[{}]", result.json))).unwrap();
    drop(result);
    assert_eq!(session.invoke::<usize>("TestGuest", "LivePageObjects", ()), Ok(0));
    assert_eq!(session.live_page_references(), 1);
    let _ = again.into_message();
    assert_no_page_references(&session);
}

#[test]
fn a_result_can_be_read_though_its_guest_has_trapped_since() {
    let session = session();
    let result = session.invoke_async::<JsObject>("TestGuest", "ConstructPage", ("Counter", [5]));
    session.invoke::<()>("TestGuest", "Panic", ("now",)).unwrap_err();
    assert_eq!(pollster::block_on(result).unwrap().get::<i64>("count"), Ok(5));
    assert_no_page_references(&session);
}
