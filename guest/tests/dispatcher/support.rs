//! The page that each test is, and what tests say to the guest.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use dotwit::__private::dispatch::{self, Target};
use dotwit::__private::{Chunk, Message, Operation, Outcome, Page, Request, ResultType, install};
use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde_json::Value;

/// Runs a test as the page of a new guest: object ids start at 1, nothing is live and nothing is under way.
pub fn in_new_guest(test: impl FnOnce(&TestPage) + Send + 'static) {
    let thread = std::thread::spawn(|| {
        let page = Rc::new(TestPage::default());
        install(Rc::clone(&page) as Rc<dyn Page>);
        test(&page);
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// How a page answers synchronous calls.
type Function = Rc<dyn Fn(Request<'_>, Message) -> Outcome>;

/// A page that writes down what the guest asks of it.
#[derive(Default)]
pub struct TestPage {
    ended: RefCell<Vec<(u64, Outcome)>>,
    pieces: RefCell<Vec<(u64, Chunk)>>,
    begun: RefCell<Vec<Begun>>,
    cancelled: RefCell<Vec<u64>>,
    released: RefCell<Vec<i64>>,
    reads: RefCell<Vec<Read>>,
    function: RefCell<Option<Function>>,
    asked: RefCell<Vec<Duration>>,
    alarm: Cell<Option<Instant>>,
}

/// A call of the guest that the page has been asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub call: u64,
    pub target: i64,
    pub identifier: String,
    pub operation: Operation,
    pub result_type: ResultType,
    pub args: Message,
}

/// A piece of a stream of the page that it has been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    pub call: u64,
    pub object: i64,
    pub offset: u64,
    pub length: u32,
}

impl Page for TestPage {
    fn invoke_js(&self, request: Request<'_>, args: Message) -> Outcome {
        let function = self.function.borrow().clone();
        match function {
            Some(function) => function(request, args),
            None => Err(Error::new(ErrorKind::Unsupported, "This page cannot answer at once.")),
        }
    }

    fn begin_invoke_js(&self, call: u64, request: Request<'_>, args: Message) {
        let Request { target, identifier, operation, result_type } = request;
        let identifier = identifier.to_owned();
        self.begun.borrow_mut().push(Begun { call, target, identifier, operation, result_type, args });
    }

    fn cancel_invoke_js(&self, call: u64) {
        self.cancelled.borrow_mut().push(call);
    }

    fn release_js(&self, object: i64) {
        self.released.borrow_mut().push(object);
    }

    fn read_js_stream(&self, call: u64, object: i64, offset: u64, length: u32) {
        self.reads.borrow_mut().push(Read { call, object, offset, length });
    }

    fn end_read(&self, call: u64, outcome: Chunk) {
        self.pieces.borrow_mut().push((call, outcome));
    }

    fn end_invoke(&self, call: u64, outcome: Outcome) {
        self.ended.borrow_mut().push((call, outcome));
    }

    fn wake_after(&self, delay: Duration) {
        self.asked.borrow_mut().push(delay);
        self.alarm.set(Some(Instant::now() + delay));
    }
}

impl TestPage {
    /// The calls that have ended since this was last asked, in order.
    pub fn ended(&self) -> Vec<(u64, Outcome)> {
        self.ended.take()
    }

    /// The reads of the guest's streams that have ended since this was last asked.
    pub fn pieces(&self) -> Vec<(u64, Chunk)> {
        self.pieces.take()
    }

    /// The calls that the guest has begun since this was last asked.
    pub fn begun(&self) -> Vec<Begun> {
        self.begun.take()
    }

    /// The one call that the guest has begun since this was last asked.
    #[track_caller]
    pub fn begun_one(&self) -> Begun {
        let mut begun = self.begun();
        assert_eq!(begun.len(), 1, "{begun:?}");
        begun.remove(0)
    }

    /// A reference to an object of this page, which the guest got in an argument.
    pub fn object(&self, id: i64) -> JsObjectReference {
        OBJECT.take();
        invoke("TakeObject", &*format!("[{{\"__jsObjectId\":{id}}}]")).expect("objects can be taken");
        OBJECT.take().expect("the object was taken")
    }

    /// The calls that the guest has cancelled since this was last asked.
    pub fn cancelled(&self) -> Vec<u64> {
        self.cancelled.take()
    }

    /// The objects that the guest has released since this was last asked, each as often as it was.
    pub fn released(&self) -> Vec<i64> {
        self.released.take()
    }

    /// The pieces of the page's streams that the guest has asked for since this was last asked.
    pub fn reads(&self) -> Vec<Read> {
        self.reads.take()
    }

    /// Answers synchronous calls with `function` from now on.
    pub fn answer(&self, function: impl Fn(Request<'_>, Message) -> Outcome + 'static) {
        self.function.replace(Some(Rc::new(function)));
    }

    /// The delays that the guest has asked for since this was last asked.
    pub fn asked(&self) -> Vec<Duration> {
        self.asked.take()
    }

    /// Waits for the guest's alarm and wakes the guest. Returns whether an alarm was set.
    pub fn wake(&self) -> bool {
        let Some(alarm) = self.alarm.take() else { return false };
        std::thread::sleep(alarm.saturating_duration_since(Instant::now()));
        dispatch::run_ready();
        true
    }

    /// Whether the guest's alarm is set.
    pub fn alarm_is_set(&self) -> bool {
        self.alarm.get().is_some()
    }

    /// Wakes the guest until it sets no more alarms.
    pub fn wake_until_idle(&self) {
        while self.wake() {}
    }
}

/// What the guest's own code is doing, begun by [`run`].
pub struct Running<T>(Rc<RefCell<Option<T>>>);

/// Lets the guest's own code do something, up to where it waits.
pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> Running<T> {
    let result = Rc::new(RefCell::new(None));
    let place = Rc::clone(&result);
    // The task is dropped with its test.
    task::spawn(async move {
        let value = future.await;
        place.replace(Some(value));
    });
    dispatch::run_ready();
    Running(result)
}

impl<T> Running<T> {
    /// Whether it still goes on.
    pub fn waits(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// What came of it.
    #[track_caller]
    pub fn done(&self) -> T {
        self.0.take().expect("it has ended")
    }
}

/// What a test passes as a message: a JSON text, or a message with bytes.
pub trait IntoMessage {
    fn into_message(self) -> Message;
}

impl IntoMessage for &str {
    fn into_message(self) -> Message {
        Message::from_json(self)
    }
}

impl IntoMessage for Message {
    fn into_message(self) -> Message {
        self
    }
}

/// The outcome of a call that returned this JSON.
pub fn ok(json: impl Into<String>) -> Outcome {
    Ok(Message::from_json(json))
}

/// A synchronous static call.
pub fn invoke(method: &str, args: impl IntoMessage) -> Outcome {
    dispatch::invoke(&Target::Assembly("Tests".to_owned()), method, args.into_message())
}

/// A synchronous call of an object's method.
pub fn invoke_on(object: u64, method: &str, args: impl IntoMessage) -> Outcome {
    dispatch::invoke(&Target::Object(object), method, args.into_message())
}

/// An asynchronous static call.
pub fn begin(call: u64, method: &str, args: impl IntoMessage) -> Option<Outcome> {
    dispatch::begin_invoke(call, &Target::Assembly("Tests".to_owned()), method, args.into_message())
}

/// An asynchronous call of an object's method.
pub fn begin_on(call: u64, object: u64, method: &str, args: impl IntoMessage) -> Option<Outcome> {
    dispatch::begin_invoke(call, &Target::Object(object), method, args.into_message())
}

/// The JSON of a success.
#[track_caller]
pub fn json(outcome: Outcome) -> Value {
    let message = outcome.unwrap_or_else(|error| panic!("the call failed with {error:?}"));
    serde_json::from_str(&message.json).expect("results are JSON")
}

/// The JSON text of a success.
#[track_caller]
pub fn text(outcome: Outcome) -> String {
    outcome.unwrap_or_else(|error| panic!("the call failed with {error:?}")).json
}

/// The object id in a placeholder.
#[track_caller]
pub fn id(placeholder: &Value) -> u64 {
    assert_eq!(placeholder.as_object().map(serde_json::Map::len), Some(1), "{placeholder} is not a placeholder");
    placeholder["__dotNetObject"].as_u64().unwrap_or_else(|| panic!("{placeholder} is not a placeholder"))
}

/// Checks that a call failed with this kind and with a message that has all these parts.
#[track_caller]
pub fn assert_fails(outcome: Outcome, kind: ErrorKind, parts: &[&str]) -> Error {
    let error = outcome.expect_err("the call succeeded");
    assert_eq!(error.kind(), kind, "{error:?}");
    for part in parts {
        assert!(error.message().contains(part), "{part:?} is missing in {:?}", error.message());
    }
    error
}

/// A message with byte arrays.
pub fn with_bytes(json: &str, bytes: &[&[u8]]) -> Message {
    Message { json: json.to_owned(), bytes: bytes.iter().map(|bytes| bytes.to_vec()).collect() }
}

thread_local! {
    static OBJECT: RefCell<Option<JsObjectReference>> = const { RefCell::new(None) };
    static GATES: RefCell<HashMap<u64, Gate>> = RefCell::new(HashMap::new());
    static DROPPED: Cell<u32> = const { Cell::new(0) };
}

/// Takes an object of the page for [`TestPage::object`].
#[js_invokable]
pub fn take_object(object: JsObjectReference) {
    OBJECT.set(Some(object));
}

#[derive(Default)]
struct Gate {
    open: bool,
    waiting: Option<Waker>,
}

/// Waits for [`open_gate`].
pub fn gate(number: u64) -> impl Future<Output = ()> {
    struct AtGate(u64);

    impl Future for AtGate {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            GATES.with_borrow_mut(|gates| {
                let gate = gates.entry(self.0).or_default();
                if gate.open {
                    return Poll::Ready(());
                }
                gate.waiting = Some(cx.waker().clone());
                Poll::Pending
            })
        }
    }

    AtGate(number)
}

/// Opens a gate for the task that waits at it.
#[js_invokable]
pub fn open_gate(number: u64) {
    let waiting = GATES.with_borrow_mut(|gates| {
        let gate = gates.entry(number).or_default();
        gate.open = true;
        gate.waiting.take()
    });
    if let Some(waker) = waiting {
        waker.wake();
    }
}

/// Closes all gates at which no task waits.
#[js_invokable]
pub fn close_gates() {
    drop(GATES.take());
}

/// Waits at a gate and tells which one it was.
#[js_invokable]
pub async fn wait_at_gate(number: u64) -> u64 {
    let _counted = CountsDrop;
    gate(number).await;
    number
}

/// Counts its end in [`drops`].
pub struct CountsDrop;

impl Drop for CountsDrop {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

/// How many [`CountsDrop`]s this thread has dropped.
pub fn drops() -> u32 {
    DROPPED.get()
}
