//! Several sessions of one guest: what belongs to one names nothing in another.

use std::collections::HashSet;

use dotwit_host::{DotNetObject, Error, ErrorKind, JsObject, JsValue, NativePage, Session};
use serde_json::{Value, json};

use crate::support::{assert_error, session, test_guest};

/// Two sessions, and an object of each that has the same id.
fn two() -> [(Session, DotNetObject); 2] {
    let [one, two] = [1, 1000].map(|count| {
        let session = session();
        let object: DotNetObject = session.invoke("TestGuest", "CreateCounter", (count,)).unwrap();
        (session, object)
    });
    assert_eq!(one.1.id(), two.1.id());
    [one, two]
}

#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert_error(&outcome.unwrap_err(), ErrorKind::NoSuchObject, &["belongs to another session"]);
}

fn count(session: &Session, object: &DotNetObject) -> i64 {
    session.invoke(object, "Increment", (0,)).unwrap()
}

#[test]
fn an_object_of_another_session_is_not_a_target() {
    let [(a, of_a), (b, of_b)] = two();
    refused(b.invoke::<i64>(&of_a, "Increment", (1,)));
    refused(pollster::block_on(b.invoke_async::<i64>(&of_a, "Increment", (1,))));
    refused(b.dispose(&of_a));
    assert_eq!((count(&a, &of_a), count(&b, &of_b)), (1, 1000));
    assert_eq!((a.live_references(), b.live_references()), (Ok(1), Ok(1)));
}

#[test]
fn an_object_of_another_session_is_not_an_argument() {
    let [(a, of_a), (b, of_b)] = two();
    refused(b.invoke::<i64>(&of_b, "AddOther", (&of_a,)));
    refused(pollster::block_on(b.invoke_async::<i64>(&of_b, "AddOther", (&of_a,))));
    let pair = json!({"rest": []});
    refused(b.invoke::<Value>("TestGuest", "Echo", ([(&of_a, &pair)],)));
    // Nor in what has been read without being understood.
    let value: JsValue = a.invoke("TestGuest", "SameCounter", (&of_a,)).unwrap();
    refused(b.invoke::<i64>(&of_b, "AddOther", (&value,)));
    assert_eq!(a.invoke::<i64>(&of_a, "AddOther", (&value,)), Ok(2));
    assert_eq!((count(&a, &of_a), count(&b, &of_b)), (1, 1000));
}

#[test]
fn an_object_of_another_session_is_not_a_result_of_a_page() {
    let [(a, of_a), (_, _)] = two();
    let kept = of_a.clone();
    let got = of_a.clone();
    let window = JsObject::new()
        .function("foreign", move |()| Ok(kept.clone()))
        .getter("foreignProperty", move || Ok(got.clone()))
        .value("foreignValue", JsValue::new(&of_a).unwrap());
    let b = test_guest().session_with_page(NativePage::new(window)).unwrap();
    let _: DotNetObject = b.invoke("TestGuest", "CreateCounter", (1000,)).unwrap();
    for (method, name) in [("GetPage", "foreignProperty"), ("GetPage", "foreignValue")] {
        let error = pollster::block_on(b.invoke_async::<Value>("TestGuest", method, (name,))).unwrap_err();
        assert!(error.message().contains("belongs to another session"), "{error}");
    }
    let args = ("foreign", json!([]));
    let error = pollster::block_on(b.invoke_async::<Value>("TestGuest", "CallPage", args)).unwrap_err();
    assert!(error.message().contains("belongs to another session"), "{error}");
    assert_eq!(count(&a, &of_a), 1);
}

#[test]
fn objects_of_two_sessions_are_not_equal() {
    let [(a, of_a), (_b, of_b)] = two();
    assert_ne!(of_a, of_b);
    let same: DotNetObject = a.invoke("TestGuest", "SameCounter", (&of_a,)).unwrap();
    assert_eq!(of_a, same);
    assert_eq!(HashSet::from([of_a.clone(), of_b, same]).len(), 2);
}

#[test]
fn a_reference_that_was_not_read_from_a_call_names_nothing() {
    let [(a, _), _] = two();
    let object: DotNetObject = serde_json::from_value(json!({"__dotNetObject": 1})).unwrap();
    let error = a.invoke::<i64>(&object, "Increment", (1,)).unwrap_err();
    assert_error(&error, ErrorKind::NoSuchObject, &["not read from the result or the arguments of a call"]);
    assert_error(&object.invoke::<i64>("Increment", (1,)).unwrap_err(), ErrorKind::Disconnected, &["ended"]);
    serde_json::from_value::<DotNetObject>(json!({"__dotNetObject": -1})).unwrap_err();
}
