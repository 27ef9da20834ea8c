//! An instance without a session: it is told tasks, and its effects are read.

use std::path::Path;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use wasmtime::component::Component;

use crate::config::Config;
use crate::contract::message::{Message, Target};
use crate::contract::request::Request;
use crate::engine::Runtime;
use crate::engine::effects::{GuestTask, Outcome, PageTask, Settled, Waiter};
use crate::engine::instance::{Instance, PreparedGuest};
use crate::engine::upcalls::{PageOutcome, Upcalls};
use crate::error::{Error, ErrorKind};

/// A driver that answers nothing, and notes what the guest tells it while it is on the stack.
#[derive(Default)]
struct Driver {
    held: Mutex<Vec<i64>>,
}

impl Upcalls for Driver {
    fn invoke(&self, request: Request) -> PageOutcome {
        Ok(Message::from_json(format!("\"{}\"", request.identifier)))
    }

    fn account(&self, _: &Request) -> Result<Vec<i64>, Error> {
        Ok(Vec::new())
    }

    fn hold(&self, objects: &[i64]) {
        self.held.lock().extend(objects);
    }

    fn release_held(&self, objects: &[i64]) {
        self.held.lock().retain(|object| !objects.contains(object));
    }

    fn release(&self, _: i64) {}
}

fn start(driver: &Arc<Driver>) -> Instance {
    let runtime = Runtime::new(Config::new().max_sessions(1).max_pending_calls(2)).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/wasm32-wasip2/release/test_guest.wasm");
    assert!(path.exists(), "{} is missing: run `cargo xtask guests`", path.display());
    let component = Component::from_file(&runtime.engine, path).unwrap();
    let prepared = PreparedGuest::new(&component, &runtime.linker).unwrap();
    let mut instance = Instance::new(&runtime, &prepared, None).unwrap();
    let driver: Weak<dyn Upcalls> = Arc::downgrade(&(Arc::clone(driver) as Arc<dyn Upcalls>));
    instance.attach(driver);
    instance
}

/// A task that begins a call, and where its outcome goes.
fn begin(call: u64, method: &str, args: &str) -> (GuestTask, oneshot::Receiver<Outcome>) {
    let (caller, outcome) = oneshot::channel();
    let waiter = Some(Waiter::Caller(caller));
    let (target, args) = (Target::from("TestGuest"), Message::from_json(args));
    (GuestTask::BeginCall { call, target, method: method.to_owned(), args, waiter }, outcome)
}

/// The outcomes of the calls that have ended.
fn settled(settled: Vec<Settled>) -> Vec<Result<String, ErrorKind>> {
    let outcome = |settled| match settled {
        Settled::Call { outcome, .. } => outcome.map(|result| result.json.clone()).map_err(|error| error.kind()),
        Settled::Read { outcome, .. } => outcome.map(|bytes| format!("{bytes:?}")).map_err(|error| error.kind()),
    };
    settled.into_iter().map(outcome).collect()
}

#[test]
fn a_call_that_is_ready_ends_with_its_entry() {
    let driver = Arc::default();
    let mut instance = start(&driver);
    instance.run(begin(1, "Add", "[1,2]").0);
    let effects = instance.take_effects();
    assert_eq!(settled(effects.settled), [Ok("3".to_owned())]);
    assert!(effects.page.is_empty() && effects.guest.is_empty() && effects.alarm.is_none());
}

#[test]
fn a_call_of_the_page_is_an_effect_and_its_end_a_task() {
    let driver = Arc::default();
    let mut instance = start(&driver);
    instance.run(begin(1, "CallPage", r#"["double",[4]]"#).0);
    let mut effects = instance.take_effects();
    assert!(effects.settled.is_empty());
    let Some(PageTask::Begin { call, id, request, .. }) = effects.page.pop() else { panic!("the page is not called") };
    assert_eq!((&*request.identifier, &*request.args.json), ("double", "[4]"));

    // Nobody awaits an end of another number any more.
    let outcome = Ok(Message::from_json(r#"{"__jsObjectId":7}"#));
    instance.run(GuestTask::EndPageCall { call, id: id + 1, outcome });
    let effects = instance.take_effects();
    assert!(effects.settled.is_empty());
    assert_eq!(effects.undelivered, [Message::from_json(r#"{"__jsObjectId":7}"#)]);

    instance.run(GuestTask::EndPageCall { call, id, outcome: Ok(Message::from_json("8")) });
    assert_eq!(settled(instance.take_effects().settled), [Ok("8".to_owned())]);
}

#[test]
fn calls_beyond_the_limit_and_calls_given_up_do_not_reach_the_guest() {
    let driver = Arc::default();
    let mut instance = start(&driver);
    let (task, waiting) = begin(1, "CallPage", r#"["f",[]]"#);
    instance.run(task);
    let (task, given_up) = begin(2, "CallPage", r#"["g",[]]"#);
    drop(given_up);
    instance.run(task);
    let effects = instance.take_effects();
    assert_eq!((effects.page.len(), effects.undelivered.len()), (1, 1));

    let (task, _waiting) = begin(3, "CallPage", r#"["g",[]]"#);
    instance.run(task);
    let (task, _refused) = begin(4, "CallPage", r#"["h",[]]"#);
    instance.run(task);
    let effects = instance.take_effects();
    assert_eq!(settled(effects.settled), [Err(ErrorKind::TooMany)]);
    drop(waiting);
}

#[test]
fn what_a_result_names_is_held_until_the_result_is_dropped() {
    let driver = Arc::default();
    let mut instance = start(&driver);
    instance.run(begin(1, "CallPageForSomeObject", r#"["make",[]]"#).0);
    let Some(PageTask::Begin { call, id, .. }) = instance.take_effects().page.pop() else { panic!("no call") };
    let object = Ok(Message::from_json(r#"{"__jsObjectId":7}"#));
    instance.run(GuestTask::EndPageCall { call, id, outcome: object });
    let effects = instance.take_effects();
    assert_eq!(*driver.held.lock(), [7]);
    drop(effects);
    assert!(driver.held.lock().is_empty());
}

#[test]
fn a_trap_ends_all_that_is_under_way_once() {
    let driver = Arc::default();
    let mut instance = start(&driver);
    let (task, _waiting) = begin(1, "CallPage", r#"["f",[]]"#);
    instance.run(task);
    let Some(PageTask::Begin { call, id, .. }) = instance.take_effects().page.pop() else { panic!("no call") };
    instance.run(begin(2, "Panic", r#"["gone"]"#).0);
    let effects = instance.take_effects();
    assert_eq!(settled(effects.settled), [Err(ErrorKind::GuestTrapped), Err(ErrorKind::GuestTrapped)]);
    assert!(matches!(effects.page[..], [PageTask::Drop]));

    instance.run(begin(3, "Add", "[1,2]").0);
    instance.run(GuestTask::EndPageCall { call, id, outcome: Ok(Message::from_json("1")) });
    let effects = instance.take_effects();
    assert_eq!(settled(effects.settled), [Err(ErrorKind::GuestTrapped)]);
    assert!(effects.page.is_empty());
}

#[test]
fn a_guest_that_sleeps_asks_for_an_alarm() {
    let driver = Arc::default();
    let mut instance = start(&driver);
    instance.run(begin(1, "EchoAfter", "[1,1]").0);
    let effects = instance.take_effects();
    assert!(effects.settled.is_empty() && effects.alarm.is_some());
    let mut ended = Vec::new();
    while ended.is_empty() {
        instance.run(GuestTask::RunReady);
        ended = settled(instance.take_effects().settled);
    }
    assert!(ended[0].is_ok());
}
