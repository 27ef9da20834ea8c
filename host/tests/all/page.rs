//! Calls of the guest to its page: functions, errors, cancelling, and pages of other types.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dotwit_host::{
    Bytes, Completion, DotNetObject, Error, ErrorKind, FunctionError, JsObject, JsValue, Message, NativePage,
    Operation, Page, Request, ResultType, Session,
};
use serde_json::{Value, json};

use crate::support::{assert_error, assert_no_page_references, session, test_guest, test_guest_within};

/// A session with this global object.
fn with(window: JsObject) -> Session {
    test_guest().session_with_page(NativePage::new(window)).unwrap()
}

/// Returns the outcome of a call of the page, which must be the same in both ways of calling.
#[track_caller]
fn both(session: &Session, identifier: &str, args: &Value) -> Result<Value, Error> {
    let sync = session.invoke::<Value>("TestGuest", "CallPageSync", (identifier, args));
    let later = pollster::block_on(session.invoke_async::<Value>("TestGuest", "CallPage", (identifier, args)));
    assert_eq!(sync, later, "{identifier}");
    sync
}

#[test]
fn functions_answer_with_their_results() {
    let window = JsObject::new()
        .function("add", |(a, b): (i32, i32)| Ok(a + b))
        .function("deep.er.join", |parts: Vec<String>| Ok(parts.join("-")))
        .function("nothing", |()| Ok(()))
        .function("maybe", |(value,): (Option<i32>,)| Ok(value))
        .function("echo", |(value,): (JsValue,)| Ok(value));
    let session = with(window);
    assert_eq!(both(&session, "add", &json!([1, 2])), Ok(json!(3)));
    assert_eq!(both(&session, "deep.er.join", &json!(["a", "b", "c"])), Ok(json!("a-b-c")));
    assert_eq!(both(&session, "nothing", &json!([])), Ok(Value::Null));
    assert_eq!(both(&session, "maybe", &json!([])), Ok(Value::Null));
    assert_eq!(both(&session, "maybe", &json!([1, 2, 3])), Ok(json!(1)));
    let value = json!({"a": [null, true, -1.5, "é"]});
    assert_eq!(both(&session, "echo", &json!([value])), Ok(value));
}

#[test]
fn asynchronous_functions_are_awaited_wherever_they_go_on() {
    let window = JsObject::new()
        .async_function("ready", async |(value,): (i32,)| Ok(value))
        .async_function("later", async |(value,): (i32,)| {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(value)
        })
        .async_function("hop", async |(value,): (i32,)| Ok(tokio::task::spawn_blocking(move || value).await?));
    let session = with(window);
    for name in ["ready", "later", "hop"] {
        let call = session.invoke_async::<i32>("TestGuest", "CallPageForNumber", (name, [7]));
        assert_eq!(pollster::block_on(call), Ok(7), "{name}");
        let error = session.invoke::<Value>("TestGuest", "CallPageSync", (name, [7])).unwrap_err();
        assert_error(&error, ErrorKind::Unsupported, &[name, "asynchronous"]);
    }
}

#[test]
fn what_is_not_there_fails_in_the_words_of_blazors_page() {
    let window = JsObject::new().value("config.name", "x").getter("now", || Ok(1)).setter("sink", |_: Value| Ok(()));
    let session = with(window);
    for (identifier, message) in [
        ("missing", "The value 'missing' is not a function."),
        ("config.missing", "The value 'config.missing' is not a function."),
        ("config.name", "The value 'config.name' is not a function."),
        ("absent.missing", "Could not find 'absent.missing' ('absent' was undefined)."),
        ("config.name.missing", "Could not find 'config.name.missing' ('name' was undefined)."),
        ("__proto__.constructor", "Could not find '__proto__.constructor' ('__proto__' was undefined)."),
        ("", "The value '' is not a function."),
    ] {
        let error = both(&session, identifier, &json!([])).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::JsFailed, message));
    }
    let get = |identifier: &str| session.invoke::<Value>("TestGuest", "GetPageSync", (identifier,));
    let set = |identifier: &str| session.invoke::<()>("TestGuest", "SetPageSync", (identifier, 1));
    assert_eq!(get("missing").unwrap_err().message(), "The property 'missing' is not defined or is not readable.");
    assert_eq!(get("sink").unwrap_err().message(), "The property 'sink' is not defined or is not readable.");
    assert_eq!(set("now").unwrap_err().message(), "The property 'now' is not writable.");
    let construct = session.invoke::<Value>("TestGuest", "ConstructPageSync", ("config", json!([])));
    assert_eq!(construct.unwrap_err().message(), "The value 'config' is not a function.");
}

#[test]
fn functions_that_fail_tell_the_guest_why_and_harm_nothing_else() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    let window = JsObject::new()
        .function("text", |()| -> Result<(), FunctionError> { Err("no tea".into()) })
        .function("caused", |()| -> Result<(), FunctionError> { Err(Outer(std::io::Error::other("inner")).into()) })
        .function("panics", |()| -> Result<(), FunctionError> { panic!("spilt {}", "tea") })
        .function("typed", |(_,): (i32,)| Ok(()))
        .function("unserialisable", |()| Ok(std::collections::BTreeMap::from([(vec![1], 1)])))
        .async_function("panicsLater", async |()| -> Result<(), FunctionError> {
            tokio::task::yield_now().await;
            panic!("spilt later")
        });
    let session = with(window);
    let failure = |identifier: &str, args: Value| both(&session, identifier, &args).unwrap_err();
    assert_error(&failure("text", json!([])), ErrorKind::JsFailed, &["no tea"]);
    let error = failure("caused", json!([]));
    assert_eq!((error.message(), error.detail()), ("outer", Some("inner")));
    assert_error(&failure("panics", json!([])), ErrorKind::JsFailed, &["'panics' panicked", "spilt tea"]);
    assert_error(&failure("typed", json!(["1"])), ErrorKind::BadArguments, &["'typed'", "argument 1", "i32"]);
    assert_error(&failure("unserialisable", json!([])), ErrorKind::JsFailed, &["cannot be serialised"]);
    let later = session.invoke_async::<Value>("TestGuest", "CallPage", ("panicsLater", json!([])));
    assert_error(&pollster::block_on(later).unwrap_err(), ErrorKind::JsFailed, &["'panicsLater' panicked", "spilt"]);
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)), Ok(3));
}

#[test]
fn values_are_read_and_assigned() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let window = JsObject::new()
        .value("title", "before")
        .value("config", json!({"server": {"port": 80}, "tags": ["a"]}))
        .getter("now", || Ok(42))
        .setter("sink", move |value: Value| {
            sink.lock().unwrap().push(value);
            Ok(())
        });
    let session = with(window.clone());
    let get = |identifier: &str| {
        let sync = session.invoke::<Value>("TestGuest", "GetPageSync", (identifier,)).unwrap();
        let later = session.invoke_async::<Value>("TestGuest", "GetPage", (identifier,));
        assert_eq!(pollster::block_on(later).unwrap(), sync);
        sync
    };
    let set = |identifier: &str, value: Value| {
        session.invoke::<()>("TestGuest", "SetPageSync", (identifier, &value)).unwrap();
        pollster::block_on(session.invoke_async::<()>("TestGuest", "SetPage", (identifier, &value))).unwrap();
    };
    assert_eq!(get("title"), "before");
    assert_eq!(get("now"), 42);
    assert_eq!(get("config"), json!({"server": {"port": 80}, "tags": ["a"]}));
    assert_eq!(get("config.server.port"), 80);
    set("title", json!("after"));
    set("config.server.port", json!(8080));
    set("config.made", json!({"a": 1}));
    set("sink", json!([1]));
    assert_eq!(get("config"), json!({"server": {"port": 8080}, "tags": ["a"], "made": {"a": 1}}));
    assert_eq!(window.get::<String>("title").unwrap(), "after");
    assert_eq!(window.get::<i32>("config.made.a").unwrap(), 1);
    assert_eq!(window.get::<i32>("now").unwrap(), 42);
    assert_eq!(*seen.lock().unwrap(), [json!([1]), json!([1])]);
}

#[test]
fn bytes_travel_as_bytes_both_ways() {
    let window = JsObject::new().function("reverse", |(bytes,): (Bytes,)| {
        let mut bytes = bytes;
        bytes.reverse();
        Ok(bytes)
    });
    let session = with(window.value("stored", json!(null)));
    let bytes = Bytes((0..=255).collect());
    let reversed = Bytes((0..=255).rev().collect());
    let sync: Bytes = session.invoke("TestGuest", "CallPageWithBytesSync", ("reverse", &bytes)).unwrap();
    assert_eq!(sync, reversed);
    let later = session.invoke_async::<Bytes>("TestGuest", "CallPageWithBytes", ("reverse", &bytes));
    assert_eq!(pollster::block_on(later).unwrap(), reversed);
    let echo: Bytes = session.invoke("TestGuest", "EchoBytes", (&Bytes::default(),)).unwrap();
    assert_eq!(echo, Bytes::default());
    let parcel = json!({"stringValue": "s", "intValue": 1, "payload": "AQID"});
    let parcel: JsValue = session.invoke("TestGuest", "Forward", (parcel,)).unwrap();
    assert!(format!("{parcel:?}").contains("__byte[]"), "{parcel:?}");
}

#[test]
fn modules_are_imported_by_their_urls() {
    let scripts = JsObject::new().function("showPrompt", |(text,): (String,)| Ok(format!("{text}!")));
    let page = NativePage::new(JsObject::new()).module("./scripts.js", scripts);
    let session = test_guest().session_with_page(page).unwrap();
    let import = |url: &str| {
        pollster::block_on(session.invoke_async::<Value>("TestGuest", "ImportModule", (url, "showPrompt", ["hi"])))
    };
    assert_eq!(import("./scripts.js"), Ok(json!("hi!")));
    assert_error(&import("./other.js").unwrap_err(), ErrorKind::JsFailed, &["./other.js", "'./scripts.js'"]);
    assert_no_page_references(&session);
}

#[test]
fn calls_go_from_page_to_guest_to_page_to_any_depth() {
    const DEPTH: u32 = 200;
    let window = JsObject::new().async_function("nest", async |(depth,): (u32,)| {
        let session = Session::current().unwrap();
        Ok(session.invoke_async::<u32>("TestGuest", "NestCalls", ("nest", depth)).await?)
    });
    let session = with(window);
    let nested = session.invoke_async::<u32>("TestGuest", "NestCalls", ("nest", DEPTH));
    assert_eq!(pollster::block_on(nested), Ok(DEPTH));
}

#[test]
fn a_function_may_call_the_object_that_it_gets() {
    let window = JsObject::new()
        .async_function("greetLater", async |(greeter, _): (DotNetObject, String)| {
            Ok(greeter.invoke_async::<String>("GetHelloMessageAsync", ()).await?)
        })
        .function("greet", |(greeter, _): (DotNetObject, String)| Ok(greeter.invoke::<String>("GetHelloMessage", ())?))
        .function("wait", |(greeter, _): (DotNetObject, String)| {
            Ok(pollster::block_on(greeter.invoke_async::<String>("GetHelloMessageAsync", ()))?)
        })
        .function("same", |(greeter,): (DotNetObject,)| Ok(greeter));
    let session = with(window);
    for name in ["greetLater", "greet", "wait"] {
        let call = session.invoke_async::<String>("TestGuest", "CallPageWithGreeter", (name, "Amy"));
        assert_eq!(pollster::block_on(call).as_deref(), Ok("Hello, Amy!"), "{name}");
    }
    assert_eq!(pollster::block_on(session.invoke_async("TestGuest", "PageReturnsGreeter", ("same",))), Ok(true));
    assert_eq!(session.live_references(), Ok(0));
}

#[test]
fn a_function_that_waits_lets_the_page_go_on() {
    // The function blocks, and what it waits for needs other functions of the page, one after some time.
    let window = JsObject::new()
        .async_function("later", async |(value,): (u32,)| {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(value)
        })
        .function("sequence", |()| {
            let session = Session::current().unwrap();
            let sequence = session.invoke_async::<u32>("TestGuest", "CallPageInSequence", ("later", 5));
            Ok(pollster::block_on(sequence)?)
        });
    let session = with(window);
    let call = session.invoke_async::<u32>("TestGuest", "CallPageForNumber", ("sequence", json!([])));
    assert_eq!(pollster::block_on(call), Ok(4));
}

#[test]
fn synchronous_calls_into_a_guest_that_is_on_the_stack_are_refused_and_others_begin_later() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let window = JsObject::new().function("nest", move |()| {
        let inner = Session::current().unwrap();
        let refused = inner.invoke::<i32>("TestGuest", "Add", (1, 2)).unwrap_err();
        assert_error(&refused, ErrorKind::Reentrant, &["Add", "on the stack"]);
        assert_eq!(inner.live_references().unwrap_err().kind(), ErrorKind::Reentrant);
        let waits = pollster::block_on(inner.invoke_async::<i32>("TestGuest", "Add", (1, 2))).unwrap_err();
        assert_eq!(waits.kind(), ErrorKind::Reentrant);
        for number in 0..3 {
            let call = inner.invoke_async::<i32>("TestGuest", "Add", (number, 0));
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let sum = pollster::block_on(call).unwrap();
                seen.lock().unwrap().push(sum);
            });
        }
        Ok(seen.lock().unwrap().len())
    });
    let session = with(window);
    assert!(Session::current().is_none());
    let begun: usize = session.invoke("TestGuest", "CallPageSync", ("nest", json!([]))).unwrap();
    assert_eq!(begun, 0, "nothing ends while the guest is on the stack");
    while log.lock().unwrap().len() < 3 {
        std::thread::yield_now();
    }
    let mut ended = log.lock().unwrap().clone();
    ended.sort_unstable();
    assert_eq!(ended, [0, 1, 2]);
}

#[test]
fn functions_begin_in_the_order_in_which_the_guest_calls_them() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (one, other) = (Arc::clone(&log), Arc::clone(&log));
    let window = JsObject::new()
        .function("note", move |(number,): (u32,)| {
            one.lock().unwrap().push(number);
            Ok(number)
        })
        .async_function("noteAsync", move |(number,): (u32,)| {
            let log = Arc::clone(&other);
            async move {
                log.lock().unwrap().push(number);
                tokio::task::yield_now().await;
                Ok(number)
            }
        });
    let session = with(window);
    for name in ["note", "noteAsync"] {
        let calls: Vec<_> =
            (0..4).map(|_| session.invoke_async::<Value>("TestGuest", "CallPageOften", (name, 1_000))).collect();
        for call in calls {
            let results: Value = pollster::block_on(call).unwrap();
            assert_eq!(results[999], json!({"Ok": 999}));
        }
        let order = std::mem::take(&mut *log.lock().unwrap());
        assert_eq!(order.len(), 4_000);
        assert!(order.chunks(1_000).all(|chunk| chunk.iter().copied().eq(0..1_000)), "{name}");
    }
}

/// Counts how often it is dropped.
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn wait_for(count: &AtomicUsize, wanted: usize) {
    while count.load(Ordering::SeqCst) < wanted {
        std::thread::yield_now();
    }
}

/// A window with a function that never ends, and how many of its futures were dropped.
fn never() -> (JsObject, Arc<AtomicUsize>) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&dropped);
    let window = JsObject::new().async_function("never", move |()| {
        let guard = Counts(Arc::clone(&counts));
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
            Ok(())
        }
    });
    (window, dropped)
}

#[test]
fn a_call_that_the_guest_gives_up_is_dropped_at_the_page() {
    let (window, dropped) = never();
    let session = with(window);
    let args = ("never", json!([]), 3);
    pollster::block_on(session.invoke_async::<()>("TestGuest", "CallPageAndDrop", args)).unwrap();
    wait_for(&dropped, 1);
    let args = ("never", json!([]), 5);
    let call = session.invoke_async::<Value>("TestGuest", "CallPageWithTimeout", args);
    assert_error(&pollster::block_on(call).unwrap_err(), ErrorKind::TimedOut, &["never", "5"]);
    wait_for(&dropped, 2);
    // The caller drops the call of the guest, which cancels the call of the page.
    drop(session.invoke_async::<Value>("TestGuest", "CallPage", ("never", json!([]))));
    wait_for(&dropped, 3);
}

#[test]
fn a_session_that_ends_takes_the_pages_work_along() {
    let (window, dropped) = never();
    let session = with(window);
    let calls: Vec<_> =
        (0..10).map(|_| session.invoke_async::<Value>("TestGuest", "CallPage", ("never", json!([])))).collect();
    drop(calls);
    wait_for(&dropped, 10);
    session.invoke::<()>("TestGuest", "CallPageAndForget", ("never", json!([]))).unwrap();
    drop(session);
    wait_for(&dropped, 11);
}

#[test]
fn a_trap_ends_the_pages_work_and_gives_back_its_objects() {
    let (window, dropped) = never();
    let held = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&held);
    let window = window.function("object", move |()| {
        let guard = Counts(Arc::clone(&counts));
        Ok(JsObject::new().function("use", move |()| {
            let _ = &guard;
            Ok(())
        }))
    });
    let session = with(window);
    let call = session.invoke_async::<Value>("TestGuest", "CallPage", ("never", json!([])));
    let object: JsObject =
        pollster::block_on(session.invoke_async("TestGuest", "CallPageForSomeObject", ("object", json!([])))).unwrap();
    session.invoke::<usize>("TestGuest", "KeepObject", (&object,)).unwrap();
    drop(object);
    assert_eq!(session.live_page_references(), 1);
    let error = session.invoke::<()>("TestGuest", "Panic", ("spilt",)).unwrap_err();
    assert_error(&error, ErrorKind::GuestTrapped, &["spilt"]);
    assert_eq!(pollster::block_on(call).unwrap_err(), error);
    wait_for(&dropped, 1);
    wait_for(&held, 1);
    assert_no_page_references(&session);
    assert_eq!(test_guest().session().unwrap().invoke::<i32>("TestGuest", "Add", (1, 2)), Ok(3));
}

#[test]
fn a_session_without_a_page_says_how_to_give_it_one() {
    let session = session();
    assert_error(&both(&session, "alert", &json!([])).unwrap_err(), ErrorKind::Unsupported, &["session_with"]);
}

/// A page that does with each call what its identifier says.
struct Odd {
    kept: Mutex<Vec<Completion>>,
}

impl Page for Odd {
    fn invoke(&self, _session: &Session, request: Request) -> Result<Message, Error> {
        assert_eq!((request.target, request.operation, request.result_type), (0, Operation::Call, ResultType::Json));
        match &*request.identifier {
            "panic" => panic!("odd"),
            "deep" => Ok(Message::from_json(format!("{}{}", "[".repeat(33), "]".repeat(33)).as_str())),
            "noJson" => Ok(Message::from_json("{")),
            _ => Ok(request.args),
        }
    }

    fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
        match &*request.identifier {
            "drop" => drop(completion),
            "keep" => self.kept.lock().unwrap().push(completion),
            "thread" => {
                std::thread::spawn(move || completion.end(Ok(request.args)));
            }
            _ => completion.end(self.invoke(session, request)),
        }
    }
}

#[test]
fn a_page_of_another_make_answers_as_it_likes_and_nothing_hangs() {
    let session = test_guest().session_with_page(Odd { kept: Mutex::default() }).unwrap();
    let call = |identifier: &str| {
        pollster::block_on(session.invoke_async::<Value>("TestGuest", "CallPage", (identifier, json!([1]))))
    };
    assert_eq!(call("echo"), Ok(json!([1])));
    assert_eq!(call("thread"), Ok(json!([1])));
    assert_error(&call("drop").unwrap_err(), ErrorKind::JsFailed, &["dropped the call"]);
    assert_error(&call("panic").unwrap_err(), ErrorKind::JsFailed, &["panicked"]);
    assert_error(&call("deep").unwrap_err(), ErrorKind::JsFailed, &["33 deep", "32 is the limit"]);
    call("noJson").unwrap_err();
    let sync = |identifier: &str| session.invoke::<Value>("TestGuest", "CallPageSync", (identifier, json!([1])));
    assert_eq!(sync("echo"), Ok(json!([1])));
    assert_error(&sync("panic").unwrap_err(), ErrorKind::JsFailed, &["odd"]);
    assert_error(&sync("deep").unwrap_err(), ErrorKind::JsFailed, &["33 deep"]);
    let kept = session.invoke_async::<Value>("TestGuest", "CallPage", ("keep", json!([1])));
    drop(kept);
    let error = session.invoke::<()>("TestGuest", "CallPageSync", ("echo", json!([{"__jsObjectId": 1}]))).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::GuestTrapped, "{error}");
    let object = session.invoke::<()>("TestGuest", "Ignore", (JsObject::new(),)).unwrap_err();
    assert_error(&object, ErrorKind::Unsupported, &["NativePage"]);
}

#[test]
fn the_pages_time_is_not_the_guests() {
    let window = JsObject::new().function("sleep", |(milliseconds,): (u64,)| {
        std::thread::sleep(Duration::from_millis(milliseconds));
        Ok(milliseconds)
    });
    let guest = test_guest_within(Duration::from_secs(3));
    let session = guest.session_with_page(NativePage::new(window)).unwrap();
    assert_eq!(both(&session, "sleep", &json!([3_500])), Ok(json!(3_500)));
    let error = session.invoke::<()>("TestGuest", "LoopForever", ()).unwrap_err();
    assert_error(&error, ErrorKind::GuestTrapped, &["3s"]);
}

#[test]
fn a_page_and_a_guest_that_call_each_other_without_end_leave_the_program_its_threads() {
    let ticks = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&ticks);
    let window = JsObject::new().function("tick", move |(number,): (u32,)| {
        counts.fetch_add(1, Ordering::Relaxed);
        Ok(number)
    });
    let session = with(window);
    let call = session.invoke_async::<Value>("TestGuest", "CallPageInSequence", ("tick", u32::MAX));
    // The call has begun and this thread has come back from it.
    let begun = ticks.load(Ordering::Relaxed);
    while ticks.load(Ordering::Relaxed) < begun + 10_000 {
        std::thread::yield_now();
    }
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)), Ok(3));
    drop(call);
    drop(session);
}
