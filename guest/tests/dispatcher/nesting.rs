//! Calls within calls: page → guest → page → guest, while the outer ones are in the middle of something.

use std::cell::RefCell;
use std::rc::Rc;

use dotwit::__private::dispatch::{self, end_invoke_js};
use dotwit::__private::{Chunk, Message, Operation, Outcome, Page, Request, install};
use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::instance_methods::Counter;
use crate::support::*;

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn log(what: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(what.into()));
}

/// Calls the page down to a depth, with bytes and an object each time, and returns the outcome.
#[js_invokable]
pub fn descend(depth: u8, bytes: Bytes) -> Result<(Bytes, DotNetObjectReference<Counter>, Bytes), Error> {
    let object = Counter::create(depth.into());
    let below: Bytes = js::invoke_sync("descend", (&bytes, depth, &object))?;
    Ok((bytes, object, below))
}

/// Something that calls the page while it is written, and is what that answers.
struct CallsOut;

impl Serialize for CallsOut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let answer: Bytes =
            js::invoke_sync("inner", (Counter::create(7), Bytes(vec![7]))).map_err(serde::ser::Error::custom)?;
        answer.serialize(serializer)
    }
}

/// Something that calls the page while it is read.
#[derive(Debug)]
pub struct CallsIn(Bytes);

impl<'de> Deserialize<'de> for CallsIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let own = Bytes::deserialize(deserializer)?;
        let answer: Bytes = js::invoke_sync("inner", (&own,)).map_err(serde::de::Error::custom)?;
        Ok(Self(answer))
    }
}

/// Returns bytes, between which a value calls the page while it is read.
#[js_invokable]
pub fn read_around(
    first: Bytes,
    between: CallsIn,
    object: JsObjectReference,
    last: Bytes,
) -> (Bytes, Bytes, JsObjectReference, Bytes) {
    (first, between.0, object, last)
}

/// Writes and reads what only a message can have, outside of any.
#[js_invokable]
pub fn is_outside_of_messages() -> bool {
    let cannot_read = |text: &str| serde_json::from_str::<Bytes>(text).is_err();
    serde_json::to_string(&Bytes(vec![1])).is_err()
        && serde_json::to_string(&Counter::create(1)).is_err()
        && serde_json::to_string(&DotNetStreamReference::from_bytes([1])).is_err()
        && cannot_read("{\"__byte[]\":0}")
        && serde_json::from_str::<JsObjectReference>("{\"__jsObjectId\":5}").is_err()
}

fn bytes_of(message: &Message) -> Vec<&[u8]> {
    message.bytes.iter().map(Vec::as_slice).collect()
}

#[test]
fn synchronous_calls_nest() {
    in_new_guest(|page| {
        page.answer(|request, args| {
            assert_eq!(request.identifier, "descend");
            let parsed: Value = serde_json::from_str(&args.json).expect("arguments are JSON");
            let (depth, object) = (parsed[1].as_u64().expect("a number"), id(&parsed[2]));
            // The object can be called while the guest is on the stack.
            assert_eq!(text(invoke_on(object, "GetCount", "[]")), depth.to_string());
            assert_eq!(bytes_of(&args), [[u8::try_from(depth).expect("it is small")]]);
            if depth == 0 {
                return Ok(with_bytes("{\"__byte[]\":0}", &[&[0]]));
            }
            let next = u8::try_from(depth - 1).expect("it is small");
            let below = invoke("Descend", with_bytes(&format!("[{next},{{\"__byte[]\":0}}]"), &[&[next]]))?;
            assert_eq!(bytes_of(&below)[0], [next]);
            Ok(with_bytes(
                "{\"__byte[]\":0}",
                &[&[&[u8::try_from(depth).expect("it is small")], &*below.bytes[1]].concat()],
            ))
        });
        let outcome = invoke("Descend", with_bytes("[5,{\"__byte[]\":0}]", &[&[5]])).expect("it works");
        assert_eq!(bytes_of(&outcome), [vec![5], vec![5, 4, 3, 2, 1, 0]]);
        assert_eq!(dispatch::live(), 6);
    });
}

#[test]
fn what_is_written_may_call_the_page_while_it_is() {
    in_new_guest(|page| {
        page.answer(|request, args| match request.identifier {
            "inner" => {
                assert_eq!(bytes_of(&args), [[7]]);
                assert_eq!(text(invoke("IsOutsideOfMessages", "[]")), "true");
                let echoed = invoke("EchoBytes", with_bytes("[{\"__byte[]\":0}]", &[&[8, 8]]))?;
                assert_eq!(bytes_of(&echoed), [[8, 8]]);
                Ok(with_bytes("{\"__byte[]\":0}", &[&[9, 9, 9]]))
            }
            _ => Ok(args),
        });
        let (one, two) = (Counter::create(1), Counter::create(2));
        let (first, second) = (one.clone(), two.clone());
        run(async move {
            let stream = DotNetStreamReference::from_bytes([1]);
            let args = (Bytes(vec![1]), &first, CallsOut, &stream, Bytes(vec![2]), CallsOut, &second);
            js::invoke_void("outer", args).detach();
        })
        .done();
        let begun = page.begun_one();
        let object = |id: u64| json!({ "__dotNetObject": id });
        let byte = |index: u64| json!({ "__byte[]": index });
        // What was made inside is gone; its ids are not used again.
        let expected = json!([byte(0), object(1), byte(1), { "__dotNetStream": 3 }, byte(2), byte(3), object(5)]);
        assert_eq!(serde_json::from_str::<Value>(&begun.args.json).expect("arguments are JSON"), expected);
        assert_eq!(begun.args.bytes, [vec![1], vec![9, 9, 9], vec![2], vec![9, 9, 9]]);
        assert_eq!((dispatch::live(), dotwit::live_references().streams), (2, 1));
    });
}

#[test]
fn what_is_read_may_call_the_page_while_it_is() {
    in_new_guest(|page| {
        page.answer(|_, args| {
            assert_eq!(bytes_of(&args), [[2]]);
            assert_eq!(text(invoke("IsOutsideOfMessages", "[]")), "true");
            assert_eq!(text(invoke("SameJsObject", "[{\"__jsObjectId\":6}]")), "{\"__jsObjectId\":6}");
            Ok(with_bytes("{\"__byte[]\":0}", &[&[9]]))
        });
        let args = "[{\"__byte[]\":0},{\"__byte[]\":1},{\"__jsObjectId\":5},{\"__byte[]\":2}]";
        let outcome = invoke("ReadAround", with_bytes(args, &[&[1], &[2], &[3]])).expect("it works");
        assert_eq!(outcome.json, "[{\"__byte[]\":0},{\"__byte[]\":1},{\"__jsObjectId\":5},{\"__byte[]\":2}]");
        assert_eq!(bytes_of(&outcome), [[1], [9], [3]]);
        page.wake_until_idle();
        let mut released = page.released();
        released.sort_unstable();
        assert_eq!((released, dotwit::live_references().page_objects), (vec![5, 6], 0));
    });
}

#[test]
fn a_failure_inside_leaves_the_outside_as_it_was() {
    in_new_guest(|page| {
        page.answer(|request, args| match request.identifier {
            "inner" => Err(Error::new(ErrorKind::JsFailed, "no")),
            _ => Ok(args),
        });
        let (failed, echoed) = run(async {
            let failed = js::invoke_sync::<Value>("outer", (Bytes(vec![1]), CallsOut));
            (failed, js::invoke_sync::<(Bytes, i32)>("outer", (Bytes(vec![1]), 2)))
        })
        .done();
        let error = failed.expect_err("it cannot be written");
        assert_fails(Err(error), ErrorKind::BadArguments, &["The arguments of 'outer'", "no"]);
        assert_eq!(echoed, Ok((Bytes(vec![1]), 2)));
        let args = with_bytes(
            "[{\"__byte[]\":0},{\"__byte[]\":1},{\"__jsObjectId\":5},{\"__byte[]\":2}]",
            &[&[1], &[2], &[3]],
        );
        assert_fails(invoke("ReadAround", args), ErrorKind::BadArguments, &["argument 2 ('between')", "no"]);
        assert_eq!((page.released(), dotwit::live_references().page_objects, dispatch::live()), (vec![5], 0, 0));
    });
}

/// Starts a task that logs, calls the page, and logs again.
#[js_invokable]
pub fn start_logging(name: String) {
    task::spawn(async move {
        log(format!("{name} begins"));
        let () = js::invoke_sync(&name, ()).expect("the page answers");
        log(format!("{name} ends"));
    });
}

/// As [`start_logging`], and calls the page itself, too.
#[js_invokable]
pub fn start_logging_and_call(name: String) -> Result<(), Error> {
    start_logging(name);
    js::invoke_void_sync("between", ())
}

#[test]
fn a_nested_call_polls_no_task_and_the_outer_one_polls_what_it_made_ready() {
    in_new_guest(|page| {
        page.answer(|request, _| {
            log(format!("page.{}", request.identifier));
            match request.identifier {
                "between" => text(invoke("StartLogging", "[\"two\"]")),
                "one" => text(invoke("StartLogging", "[\"three\"]")),
                _ => String::new(),
            };
            log(format!("page.{} returns", request.identifier));
            ok("null")
        });
        invoke("StartLoggingAndCall", "[\"one\"]").expect("it works");
        assert_eq!(
            LOG.take().join(", "),
            "page.between, page.between returns, \
            one begins, page.one, page.one returns, one ends, \
            two begins, page.two, page.two returns, two ends, \
            three begins, page.three, page.three returns, three ends"
        );
        assert!(!page.alarm_is_set());
    });
}

#[test]
fn a_task_that_a_nested_call_wakes_runs_before_the_page_has_its_turn() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "WaitAtGate", "[5]"), None);
        page.answer(|_, _| {
            text(invoke("OpenGate", "[5]"));
            ok("null")
        });
        invoke("StartLogging", "[\"one\"]").expect("it works");
        assert_eq!(page.ended(), [(1, ok("5"))]);
    });
}

#[test]
fn a_nested_call_can_cancel_another_and_dispose_of_its_object() {
    in_new_guest(|page| {
        let object = id(&json(invoke("CreateCounter", "[1]")));
        assert_eq!(begin(1, "WaitAtGate", "[5]"), None);
        page.answer(move |_, _| {
            dispatch::cancel_invoke(1);
            dispatch::release(object);
            ok("null")
        });
        invoke("StartLogging", "[\"one\"]").expect("it works");
        assert!(matches!(&page.ended()[..], [(1, Err(error))] if error.kind() == ErrorKind::Cancelled));
        assert_eq!((drops(), dispatch::live(), dispatch::pending_count()), (1, 0, 0));
    });
}

/// Waits for the page within a method that the page calls within a function that the guest has called.
#[js_invokable]
pub async fn ask_page(identifier: String) -> Result<Value, Error> {
    js::invoke(&identifier, ()).await
}

#[test]
fn asynchronous_calls_nest() {
    in_new_guest(|page| {
        // Page → guest → page → guest → page, and all the way back.
        assert_eq!(begin(1, "AskPage", "[\"outer\"]"), None);
        let outer = page.begun_one();
        assert_eq!(begin(2, "AskPage", "[\"inner\"]"), None);
        let inner = page.begun_one();
        assert_eq!((&*outer.identifier, &*inner.identifier, outer.operation), ("outer", "inner", Operation::Call));
        end_invoke_js(inner.call, ok("5"));
        assert_eq!(page.ended(), [(2, ok("5"))]);
        end_invoke_js(outer.call, ok("6"));
        assert_eq!(page.ended(), [(1, ok("6"))]);
        assert_eq!(dispatch::pending_count(), 0);
    });
}

/// Something that the page can call and that holds an object of the page.
pub struct Holder {
    held: RefCell<Option<JsObjectReference>>,
}

#[js_invokable]
impl Holder {
    #[js_invokable("HoldJsObject")]
    pub fn create(object: JsObjectReference) -> DotNetObjectReference<Holder> {
        DotNetObjectReference::new(Holder { held: RefCell::new(Some(object)) })
    }

    /// Calls the page with what is held, which is dropped in the meantime.
    #[js_invokable]
    pub fn call_with_held(&self) -> Result<Value, Error> {
        let held = self.held.borrow().clone();
        js::invoke_sync("f", (held,))
    }

    #[js_invokable]
    pub fn let_go(&self) {
        self.held.take();
    }
}

#[test]
fn objects_of_both_sides_are_released_together() {
    in_new_guest(|page| {
        let hold = || id(&json(invoke("HoldJsObject", "[{\"__jsObjectId\":5}]")));
        let holder = hold();
        dispatch::release(holder);
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![5], 0));
        // In the midst of a call that needs both.
        let holder = hold();
        page.answer(move |_, _| {
            text(invoke_on(holder, "LetGo", "[]"));
            dispatch::release(holder);
            assert_eq!(dotwit::live_references().page_objects, 1);
            ok("true")
        });
        assert_eq!(text(invoke_on(holder, "CallWithHeld", "[]")), "true");
        assert_eq!((page.released(), dotwit::live_references().page_objects, dispatch::live()), (vec![5], 0, 0));
    });
}

/// A page that does what pages must not do: it ends what it is asked for before the guest has left the stack.
struct Hasty {
    ended: RefCell<Vec<(u64, Outcome)>>,
}

impl Page for Hasty {
    fn invoke_js(&self, _: Request<'_>, args: Message) -> Outcome {
        Ok(args)
    }

    fn begin_invoke_js(&self, call: u64, _: Request<'_>, args: Message) {
        end_invoke_js(call, Ok(args));
        end_invoke_js(call, ok("late"));
    }

    fn cancel_invoke_js(&self, call: u64) {
        end_invoke_js(call, Err(Error::new(ErrorKind::Cancelled, "cancelled")));
    }

    fn release_js(&self, object: i64) {
        dispatch::release(object.unsigned_abs());
    }

    fn read_js_stream(&self, call: u64, _: i64, _: u64, length: u32) {
        dispatch::end_read_js(call, Ok(vec![1; length as usize]));
    }

    fn end_invoke(&self, call: u64, outcome: Outcome) {
        dispatch::cancel_invoke(call);
        self.ended.borrow_mut().push((call, outcome));
    }

    fn end_read(&self, call: u64, _: Chunk) {
        dispatch::close(call);
    }

    fn wake_after(&self, _: std::time::Duration) {}
}

#[test]
fn a_page_that_answers_too_soon_does_no_harm() {
    in_new_guest(|_| {
        let page = Rc::new(Hasty { ended: RefCell::default() });
        install(Rc::clone(&page) as Rc<dyn Page>);
        assert_eq!(run(js::invoke::<Vec<i32>>("f", (1, 2))).done(), Ok(vec![1, 2]));
        let args = "[{\"__jsStreamReferenceLength\":300000,\"__jsObjectId\":5}]";
        assert_eq!(begin(1, "ReadToEnd", args), Some(ok("300000")));
        assert_eq!(begin(2, "WaitAtGate", "[5]"), None);
        invoke("OpenGate", "[5]").expect("gates open");
        assert_eq!(page.ended.take(), [(2, ok("5"))]);
        assert_eq!((dispatch::pending_count(), dotwit::live_references().page_objects), (0, 0));
    });
}

/// Reads a stream of the page to its end, and returns its length.
#[js_invokable]
pub async fn read_to_end(stream: JsStreamReference) -> Result<usize, Error> {
    stream.open_read_stream(u64::MAX)?.read_all().await.map(|bytes| bytes.len())
}

#[test]
fn calls_can_be_polled_by_any_executor() {
    fn is_future<T: Future<Output = Result<R, Error>> + Unpin, R: DeserializeOwned>(_: &T) {}

    in_new_guest(|page| {
        // Several in one task, ended in another order than they were begun in.
        let running = run(async {
            let (one, two) = (js::invoke::<i32>("f", ()), js::invoke::<i32>("g", ()));
            is_future(&one);
            futures_util::future::join(one, two).await
        });
        let [first, second] = page.begun().try_into().expect("two calls");
        end_invoke_js(second.call, ok("2"));
        assert!(running.waits());
        end_invoke_js(first.call, ok("1"));
        assert_eq!(running.done(), (Ok(1), Ok(2)));
        // The task that polled last is woken.
        let mut call = js::invoke::<i32>("f", ());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::pin::Pin::new(&mut call).poll(&mut cx).is_pending());
        let running = run(call);
        end_invoke_js(page.begun_one().call, ok("3"));
        assert_eq!(running.done(), Ok(3));
    });
}
