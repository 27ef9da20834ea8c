//! Calls that answer at once.

use dotwit_host::{DotNetObject, ErrorKind, Message, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::{assert_error, session, test_guest};

#[test]
fn static_methods_answer_with_their_results() {
    let session = session();
    let sum: i32 = session.invoke("TestGuest", "Add", (1, 2)).unwrap();
    assert_eq!(sum, 3);
    let sum: i32 = session.invoke("TestGuest", "AddAlias", [3, 4]).unwrap();
    assert_eq!(sum, 7);
    let nothing: Option<i32> = session.invoke("TestGuest", "Nothing", ()).unwrap();
    assert_eq!(nothing, None);
}

#[test]
fn values_of_any_kind_and_size_come_back_as_they_went() {
    let session = session();
    for value in [
        json!(null),
        json!([true, 1.5, -7, "text", {"nested": [{}]}]),
        json!("Grüße, 世界 👋🏽 \u{0} \" \\ \u{2028}"),
        json!("x".repeat(1 << 20)),
        json!("é".repeat(1 << 19)),
    ] {
        let echo: Value = session.invoke("TestGuest", "Echo", (&value,)).unwrap();
        assert!(echo == value, "{}", value.to_string().chars().take(80).collect::<String>());
    }
}

#[test]
fn bytes_travel_beside_the_text() {
    let session = session();
    let args = Message { json: r#"[{"__byte[]":0}]"#.to_owned(), bytes: vec![(0..=255).collect()] };
    let target = Target::from("TestGuest");
    let echo = session.invoke_message(&target, "EchoBytes", &args).unwrap();
    assert_eq!(echo.json, r#"{"__byte[]":0}"#);
    assert_eq!(echo.bytes, args.bytes);

    let args = Message {
        json: r#"[{"stringValue":"s","intValue":1,"payload":{"__byte[]":0}}]"#.to_owned(),
        bytes: vec![vec![1, 2, 3]],
    };
    let parcel = session.invoke_message(&target, "Forward", &args).unwrap();
    assert_eq!(parcel.json, r#"{"stringValue":"s","intValue":2,"payload":{"__byte[]":0}}"#);
    assert_eq!(parcel.bytes, [vec![3, 2, 1]]);
}

/// What `CreatePair` returns.
#[derive(Serialize, Deserialize)]
struct Pair {
    first: DotNetObject,
    rest: Vec<DotNetObject>,
}

#[test]
fn objects_are_handed_out_called_passed_nested_and_disposed_of() {
    let session = session();
    let counter: DotNetObject = session.invoke("TestGuest", "CreateCounter", (5,)).unwrap();
    let count: i64 = session.invoke(&counter, "Increment", (2,)).unwrap();
    assert_eq!(count, 7);

    let pair: Value = session.invoke("TestGuest", "CreatePair", (10, 20)).unwrap();
    let sum: i64 = session.invoke("TestGuest", "SumPair", (&pair,)).unwrap();
    assert_eq!(sum, 30);
    let pair: Pair = session.invoke("TestGuest", "CreatePair", (10, 20)).unwrap();
    assert_eq!(session.invoke("TestGuest", "SumPair", (&pair,)), Ok(30));
    let sum: i64 = session.invoke(&pair.first, "AddOther", (&counter,)).unwrap();
    assert_eq!(sum, 17);
    let same: DotNetObject = session.invoke("TestGuest", "SameCounter", (&counter,)).unwrap();
    assert_eq!(same, counter);

    assert_eq!(session.live_references().unwrap(), 5);
    session.dispose(&counter).unwrap();
    session.dispose(&counter).unwrap();
    assert_eq!(session.live_references().unwrap(), 4);
    let error = session.invoke::<i64>(&counter, "Increment", (1,)).unwrap_err();
    assert_error(&error, ErrorKind::NoSuchObject, &[&format!("'{}'", counter.id()), "disposed"]);
}

#[test]
fn generic_types_have_methods_for_each_of_their_types() {
    let session = session();
    let text: DotNetObject = session.invoke("TestGuest", "HoldString", ("a",)).unwrap();
    let number: DotNetObject = session.invoke("TestGuest", "HoldNumber", (1,)).unwrap();
    assert_eq!(session.invoke::<String>(&text, "Replace", ("b",)).unwrap(), "a");
    assert_eq!(session.invoke::<i32>(&number, "Replace", (2,)).unwrap(), 1);
    let error = session.invoke::<i32>(&number, "Replace", ("two",)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["Replace", "argument 1", "string", "i32"]);
}

#[test]
fn a_call_that_does_not_fit_is_refused_and_nothing_else_breaks() {
    let session = session();
    let refused = |target: &Target, method: &str, args: &str| {
        session.invoke_message(target, method, &Message::from_json(args)).unwrap_err()
    };
    let guest = &Target::from("TestGuest");
    assert_error(&refused(&Target::from("Nobody"), "Add", "[]"), ErrorKind::NoSuchAssembly, &["Nobody", "TestGuest"]);
    assert_error(&refused(&Target::from(""), "Add", "[]"), ErrorKind::BadArguments, &["assembly name"]);
    assert_error(&refused(guest, " ", "[]"), ErrorKind::BadArguments, &["method identifier"]);
    assert_error(&refused(guest, "add", "[1,2]"), ErrorKind::NoSuchMethod, &["'add'", "Did you mean 'Add'?"]);
    assert_error(&refused(&Target::Object(99), "Add", "[]"), ErrorKind::NoSuchObject, &["'99'"]);
    assert_error(&refused(guest, "Add", "[1]"), ErrorKind::BadArguments, &["expects 2", "received 1"]);
    assert_error(&refused(guest, "Add", "[1,2,3]"), ErrorKind::BadArguments, &["Number", "exactly 2", "received 3"]);
    assert_error(&refused(guest, "Add", "[1,\"2\"]"), ErrorKind::BadArguments, &["argument 2", "'b'", "i32"]);
    assert_error(&refused(guest, "Add", "[1,null]"), ErrorKind::BadArguments, &["argument 2", "null"]);
    assert_error(&refused(guest, "Add", "null"), ErrorKind::BadArguments, &["JSON array", "'n'"]);
    assert_error(&refused(guest, "Add", ""), ErrorKind::BadArguments, &["is empty"]);
    assert_error(&refused(guest, "Add", "<xml>"), ErrorKind::BadArguments, &["begins with '<'"]);
    assert_error(&refused(guest, "Add", "[1,"), ErrorKind::BadArguments, &["JSON"]);
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    assert_error(&refused(guest, "Echo", &deep), ErrorKind::BadArguments, &["33 deep", "32 is the limit"]);
    assert_error(&refused(guest, "Nest", "[33]"), ErrorKind::Failed, &["33 deep", "32 is the limit"]);
    assert_error(&refused(guest, "Unserialisable", "[]"), ErrorKind::Failed, &["cannot be sent"]);
    assert_error(&refused(guest, "NothingAsync", "[]"), ErrorKind::Unsupported, &["NothingAsync", "invokeMethodAsync"]);
    assert_error(&refused(guest, "Fail", "[]"), ErrorKind::Failed, &["There is no tea left."]);
    let error = refused(guest, "FailAsUnsupported", "[]");
    assert_error(&error, ErrorKind::Unsupported, &["Tea cannot be made here."]);
    assert_eq!(error.detail(), Some("no kettle"));

    let sum: i32 = session.invoke("TestGuest", "Add", (1, 2)).unwrap();
    assert_eq!(sum, 3);
}

#[test]
fn arguments_and_results_that_do_not_fit_rust_types_are_named() {
    let session = session();
    let error = session.invoke::<i32>("TestGuest", "Add", "no array").unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["Add", "no array", "tuple"]);
    let error = session.invoke::<i32>("TestGuest", "EchoString", ("text",)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["EchoString", "i32"]);
}

#[test]
fn the_manifest_tells_what_can_be_called() {
    let [assembly] = test_guest().assemblies() else { panic!("a guest has one assembly") };
    assert_eq!(assembly.name, "TestGuest");
    let add = assembly.methods.iter().find(|method| method.id == "AddAlias").unwrap();
    assert_eq!(add.name, "test_guest::values::add");
    assert_eq!(add.docs.as_deref(), Some("A sum."));
    assert_eq!((add.is_async, add.returns.as_str()), (false, "i32"));
    let parameters: Vec<_> =
        add.parameters.iter().map(|found| (found.name.as_str(), found.type_name.as_str())).collect();
    assert_eq!(parameters, [("a", "i32"), ("b", "i32")]);
    let types: Vec<_> = assembly.types.iter().map(|found| found.name.as_str()).collect();
    // The guest's own, and those of its libraries.
    assert_eq!(types, ["Counter", "Greeter", "Holder<T>", "Holder<T>", "NonZero", "Other"]);
    assert!(assembly.methods.iter().any(|method| method.id == "EchoAfter" && method.is_async));
}

#[test]
fn sessions_share_nothing() {
    let (one, other) = (session(), session());
    let counter: DotNetObject = one.invoke("TestGuest", "CreateCounter", (1,)).unwrap();
    let error = other.invoke::<i64>(&counter, "Increment", (1,)).unwrap_err();
    assert_error(&error, ErrorKind::NoSuchObject, &[]);
    one.invoke::<()>("TestGuest", "Panic", ("x",)).unwrap_err();
    assert_eq!(other.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap(), 3);
}
