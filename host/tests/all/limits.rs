//! Each limit, at its number and at one more.

use dotwit_host::{
    Bytes, Config, DotNetStream, Error, ErrorKind, JsObject, JsStream, JsValue, NativePage, Runtime, Session,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::{assert_error, assert_no_page_references, guest_path};

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

fn session(config: Config) -> Session {
    let window = JsObject::new()
        .function("make", |()| Ok(JsObject::new()))
        .function("nest", |(depth,): (usize,)| Ok(nested(depth)))
        .function("count", |args: Vec<Value>| Ok(args.len()))
        .function("take", |(_,): (Value,)| Ok(()))
        .async_function("never", async |()| {
            std::future::pending::<()>().await;
            Ok(())
        });
    let guest = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap();
    guest.session_with_page(NativePage::new(window)).unwrap()
}

fn call<R: DeserializeOwned>(session: &Session, method: &str, args: impl Serialize) -> Result<R, Error> {
    pollster::block_on(session.invoke_async("TestGuest", method, args))
}

#[test]
fn pending_calls_of_the_page() {
    let session = session(Config::new().max_pending_calls(3));
    let begin = || session.invoke::<()>("TestGuest", "CallPageAndForget", ("never", json!([])));
    (0..3).for_each(|_| begin().unwrap());
    let error = call::<Value>(&session, "CallPage", ("count", json!([]))).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["'count'", "3 calls of the page are under way", "3 is the limit"]);
    assert_eq!(session.invoke::<i32>("TestGuest", "CallPageSync", ("count", json!([1]))), Ok(1));
    // More than one too many at once: each is refused, and none is lost.
    let refused: Vec<Value> = call(&session, "CallPageOften", ("count", 2)).unwrap();
    assert_eq!(refused, [json!({"Err": "too-many"}), json!({"Err": "too-many"})]);
}

#[test]
fn pending_calls_made_while_the_guest_is_on_the_stack() {
    let window = JsObject::new().function("begin", |(count,): (usize,)| {
        let session = Session::current().ok_or("no guest has called this")?;
        let calls: Vec<_> = (0..count).map(|_| session.invoke_async::<i32>("TestGuest", "Add", (1, 2))).collect();
        std::thread::spawn(move || {
            let refused = calls.into_iter().filter_map(|call| pollster::block_on(call).err()).last();
            session.invoke::<Value>("TestGuest", "SetPageSync", ("refused", refused.map(|error| error.to_string())))
        });
        Ok(())
    });
    let config = Config::new().max_pending_calls(3);
    let guest = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap();
    for (count, said) in [(3, None), (4, Some("3 is the limit"))] {
        let (sent, refused) = std::sync::mpsc::channel();
        let window = window.clone().setter("refused", move |text: Option<String>| Ok(sent.send(text)?));
        let session = guest.session_with_page(NativePage::new(window)).unwrap();
        session.invoke::<()>("TestGuest", "CallPageSync", ("begin", [count])).unwrap();
        let refused = refused.recv().unwrap();
        match said {
            None => assert_eq!(refused, None),
            Some(said) => assert!(refused.unwrap().contains(said)),
        }
    }
}

#[test]
fn references_to_objects_of_the_page() {
    let session = session(Config::new().max_references(3));
    let objects = |count| (0..count).map(|_| JsObject::new()).collect::<Vec<_>>();
    session.invoke::<()>("TestGuest", "Ignore", (objects(3),)).unwrap();
    let error = session.invoke::<()>("TestGuest", "Ignore", (objects(4),)).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["3 references to objects", "3 is the limit"]);
    assert_no_page_references(&session);
    for kept in 1..=3 {
        assert_eq!(session.invoke::<usize>("TestGuest", "KeepObject", (JsObject::new(),)), Ok(kept));
    }
    let error = call::<Value>(&session, "CallPageForSomeObject", ("make", json!([]))).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["3 is the limit"]);
    session.invoke::<()>("TestGuest", "DropKept", ()).unwrap();
    call::<JsObject>(&session, "CallPageForSomeObject", ("make", json!([]))).unwrap();
}

#[test]
fn open_streams_each_way() {
    let session = session(Config::new().max_streams(3));
    let streams = |count| (0..count).map(|_| JsStream::from_bytes([1])).collect::<Vec<_>>();
    session.invoke::<()>("TestGuest", "Ignore", (streams(3),)).unwrap();
    let error = session.invoke::<()>("TestGuest", "Ignore", (streams(4),)).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["3 streams of the page", "3 is the limit"]);
    assert_no_page_references(&session);

    drop(session.invoke::<Vec<DotNetStream>>("TestGuest", "StreamMany", (3,)).unwrap());
    let error = session.invoke::<Vec<DotNetStream>>("TestGuest", "StreamMany", (4,)).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["3 streams of the guest are open", "3 is the limit"]);
    assert_eq!(session.invoke::<usize>("TestGuest", "LiveStreams", ()), Ok(0));
    let open: Vec<DotNetStream> = session.invoke("TestGuest", "StreamMany", (3,)).unwrap();
    session.open_stream(99).unwrap_err();
    drop(open);
    assert_eq!(session.invoke::<usize>("TestGuest", "LiveStreams", ()), Ok(0));
}

#[test]
fn arguments_of_a_call() {
    let config = Config::new().max_arguments(3);
    let session = session(config);
    let error = session.invoke::<Value>("TestGuest", "Nothing", [0; 4]).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["'Nothing' has 4 arguments", "3 is the limit"]);
    session.invoke::<Value>("TestGuest", "Nothing", [0; 3]).unwrap();
    for method in ["CallPage", "CallPageSync"] {
        assert_eq!(call::<usize>(&session, method, ("count", [0; 3])), Ok(3));
        let error = call::<usize>(&session, method, ("count", [0; 4])).unwrap_err();
        assert_error(&error, ErrorKind::TooMany, &["'count' has 4 arguments", "3 is the limit"]);
    }
    let session = self::session(Config::default());
    session.invoke::<Value>("TestGuest", "Nothing", vec![0; 64]).unwrap();
    let error = session.invoke::<Value>("TestGuest", "Nothing", vec![0; 65]).unwrap_err();
    assert_error(&error, ErrorKind::TooMany, &["65", "64 is the limit"]);
}

#[test]
fn depth_of_a_message() {
    let session = session(Config::new().max_depth(5));
    // The array of the arguments counts, too.
    assert_eq!(session.invoke::<Value>("TestGuest", "Echo", (nested(4),)), Ok(nested(4)));
    let error = session.invoke::<Value>("TestGuest", "Echo", (nested(5),)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["nest 6 deep", "5 is the limit"]);
    for method in ["CallPage", "CallPageSync"] {
        assert_eq!(call::<Value>(&session, method, ("nest", [5])), Ok(nested(5)));
        let error = call::<Value>(&session, method, ("nest", [6])).unwrap_err();
        assert_error(&error, ErrorKind::JsFailed, &["nests 6 deep", "5 is the limit"]);
    }
    let session = self::session(Config::default());
    assert_eq!(session.invoke::<Value>("TestGuest", "Echo", (nested(31),)), Ok(nested(31)));
    let error = session.invoke::<Value>("TestGuest", "Echo", (nested(32),)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["33 deep", "32 is the limit"]);
}

#[test]
fn limits_of_depth_that_cannot_be_kept_are_refused() {
    for max_depth in [0, 101] {
        let error = Runtime::new(Config::new().max_depth(max_depth)).err().unwrap();
        assert_error(&error, ErrorKind::Unsupported, &["max_depth", "from 1 to 100"]);
    }
}

mod wire {
    //! Any value, and any bytes, come back as they went.

    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static SESSION: LazyLock<Session> = LazyLock::new(|| {
        let window = JsObject::new()
            .function("echo", |(value,): (Value,)| Ok(value))
            .function("hand", |(value,): (JsValue,)| Ok(value))
            .function("bytes", |(bytes, _): (Bytes, Value)| Ok(bytes));
        let guest = Runtime::new(Config::default()).unwrap().load(guest_path("test_guest")).unwrap();
        guest.session_with_page(NativePage::new(window)).unwrap()
    });

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(8, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_json(value in json()) {
            let session = &*SESSION;
            prop_assert_eq!(&session.invoke::<Value>("TestGuest", "Echo", (&value,)).unwrap(), &value);
            for function in ["echo", "hand"] {
                for method in ["CallPage", "CallPageSync"] {
                    prop_assert_eq!(&call::<Value>(session, method, (function, (&value,))).unwrap(), &value);
                }
            }
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let session = &*SESSION;
            let bytes = Bytes(bytes);
            prop_assert_eq!(&session.invoke::<Bytes>("TestGuest", "EchoBytes", (&bytes,)).unwrap(), &bytes);
            prop_assert_eq!(&call::<Bytes>(session, "CallPageWithBytes", ("bytes", &bytes)).unwrap(), &bytes);
        }

        #[test]
        fn any_text_is_no_danger(text: String) {
            let session = &*SESSION;
            let target = dotwit_host::Target::from("TestGuest");
            let message = dotwit_host::Message { json: text, bytes: Vec::new() };
            if let Err(error) = session.invoke_message(&target, "Echo", &message) {
                prop_assert_ne!(error.kind(), ErrorKind::GuestTrapped);
            }
        }
    }
}

#[test]
fn messages_that_the_guest_has_no_room_for() {
    const MEMORY: usize = 16 << 20;
    let config = Config::new().max_memory(MEMORY);
    let window = JsObject::new().function("make", |(length,): (usize,)| Ok(Bytes(vec![7; length])));
    let guest = Runtime::new(config).unwrap().load(guest_path("test_guest")).unwrap();
    let session = guest.session_with_page(NativePage::new(window)).unwrap();
    let size = (MEMORY + 16).to_string();
    let refused = |outcome: Result<Value, Error>| {
        assert_error(&outcome.unwrap_err(), ErrorKind::TooLarge, &["The arguments", &size, "is the limit"]);
    };
    let bytes = Bytes(vec![0; MEMORY]);
    refused(session.invoke("TestGuest", "EchoBytes", (&bytes,)));
    refused(call(&session, "EchoBytes", (&bytes,)));
    let text = "x".repeat(MEMORY + 12);
    refused(session.invoke("TestGuest", "Echo", (&text,)));
    refused(call(&session, "Echo", (&text,)));
    for outcome in [
        session.invoke::<Value>("TestGuest", "CallPageSync", ("make", [MEMORY])),
        call(&session, "CallPage", ("make", [MEMORY])),
    ] {
        assert_error(&outcome.unwrap_err(), ErrorKind::TooLarge, &["The result of the page", "is the limit"]);
    }
    // What the guest began with is part of its memory.
    let error = session.invoke::<Value>("TestGuest", "EchoBytes", (Bytes(vec![0; MEMORY - (64 << 10)]),)).unwrap_err();
    assert_error(&error, ErrorKind::TooLarge, &["is the limit"]);
    // The guest is alive.
    assert_eq!(session.invoke("TestGuest", "EchoBytes", (Bytes(vec![1]),)), Ok(Bytes(vec![1])));
}

#[test]
fn results_that_the_guest_has_no_room_to_write() {
    const MIB: usize = 1 << 20;
    // Each has a guest of its own, since memory in pieces may have no room for what would fit into the whole.
    let session = || session(Config::new().max_memory(16 * MIB));
    let (now, later) = (session(), session());
    let outcomes = [now.invoke("TestGuest", "MakeText", (10 * MIB,)), call(&later, "MakeTextLater", (10 * MIB,))];
    for outcome in outcomes {
        let error = Result::<String, _>::unwrap_err(outcome);
        assert_error(&error, ErrorKind::TooLarge, &["cannot be sent", "10485761 bytes or more", "no memory"]);
    }
    // The guests are alive.
    for session in [now, later] {
        assert_eq!(session.invoke("TestGuest", "MakeText", (1,)), Ok("x".to_owned()));
    }
    // What there is room for once is written.
    let text: String = session().invoke("TestGuest", "MakeText", (6 * MIB,)).unwrap();
    assert_eq!(text.len(), 6 * MIB);
}
