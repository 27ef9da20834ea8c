//! Guests with interfaces of their own beside `dotwit:interop`: the sample `typed-interop`, and the tests' guest.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use dotwit_host::typed::State;
use dotwit_host::typed::wasmtime::component::{HasSelf, Linker};
use dotwit_host::typed::wasmtime::{self, Store};
use dotwit_host::{Config, Error, ErrorKind, Guest, JsObject, NativePage, Runtime, Session};

mod bindings {
    #![allow(missing_docs, unreachable_pub)]

    dotwit_host::typed::wasmtime::component::bindgen!({
        path: "../guest/samples/typed-interop/wit",
        world: "typed",
        wasmtime_crate: dotwit_host::typed::wasmtime,
    });
}

mod beside {
    #![allow(missing_docs, unreachable_pub)]

    dotwit_host::typed::wasmtime::component::bindgen!({
        path: "../tests/guest/wit",
        world: "beside",
        wasmtime_crate: dotwit_host::typed::wasmtime,
    });
}

use bindings::Typed;
use bindings::exports::sample::typed::statistics::Summary;
use bindings::sample::typed::display;

/// What each session shows its lines on.
#[derive(Default)]
struct Display {
    lines: Vec<String>,
}

impl display::Host for Display {
    fn digits(&mut self) -> u8 {
        3
    }

    fn show(&mut self, line: String) {
        self.lines.push(line);
    }
}

fn component_of(name: &str) -> PathBuf {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/wasm32-wasip2/release");
    release.join(name).with_extension("wasm")
}

fn component() -> PathBuf {
    component_of("typed_interop")
}

fn guest(runtime: &Runtime) -> Guest {
    let link = |linker: &mut Linker<State>| Typed::add_to_linker::<_, HasSelf<Display>>(linker, State::data);
    runtime.load_typed(component(), link).expect("the guest is built and what it imports is linked")
}

fn summarize(session: &Session, samples: &[f64]) -> Result<Result<Summary, String>, Error> {
    session.typed(|store, exports| {
        let guest = Typed::new(&mut *store, exports)?;
        guest.sample_typed_statistics().call_summarize(store, samples)
    })
}

#[test]
fn one_instance_is_called_with_types_and_by_name() {
    let runtime = Runtime::new(Config::default()).unwrap();
    let guest = guest(&runtime);
    let [session, other] = [guest.session().unwrap(), guest.session().unwrap()];

    let summary = summarize(&session, &[1.0, 4.0, -2.0]).unwrap().unwrap();
    assert_eq!((summary.count, summary.mean, summary.least, summary.greatest), (3, 1.0, -2.0, 4.0));
    assert_eq!(summarize(&session, &[]).unwrap().unwrap_err(), "there are no samples to sum up");
    assert!(summarize(&session, &[f64::NAN]).unwrap().unwrap_err().contains("sample 0"));

    let line: String = session.invoke("TypedInterop", "ShowMean", ([1.0, 2.0],)).unwrap();
    assert_eq!(line, "mean 1.500");
    let lines = |session: &Session| session.typed(|store, _| Ok(store.data_mut().data::<Display>().lines.clone()));
    assert_eq!(lines(&session).unwrap(), ["mean 1.500"]);
    assert!(lines(&other).unwrap().is_empty(), "sessions have data of their own");
}

#[test]
fn a_guest_whose_imports_are_not_linked_is_refused_by_their_name() {
    let runtime = Runtime::new(Config::default()).unwrap();
    let error = runtime.load(component()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidGuest);
    assert!(error.message().contains("sample:typed/display"), "{error}");
}

#[test]
fn a_link_that_fails_says_why() {
    let runtime = Runtime::new(Config::default()).unwrap();
    let twice = |linker: &mut Linker<State>| {
        Typed::add_to_linker::<_, HasSelf<Display>>(linker, State::data)?;
        Typed::add_to_linker::<_, HasSelf<Display>>(linker, State::data)
    };
    let error = runtime.load_typed(component(), twice).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[test]
fn a_call_that_fails_ends_the_guest_like_a_trap() {
    let runtime = Runtime::new(Config::default()).unwrap();
    let session = guest(&runtime).session().unwrap();
    let failed =
        session.typed(|_, _| Err::<(), _>(dotwit_host::typed::wasmtime::format_err!("on purpose"))).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::GuestTrapped);
    assert!(failed.message().contains("on purpose"), "{failed}");
    assert_eq!(summarize(&session, &[1.0]).unwrap_err(), failed);
}

/// Calls the guest's own interface before anything else in a new session. Returns the outcome, and a message for each call of the
/// page's function `hello`.
fn call_first(
    call: impl FnOnce(&beside::exports::test::beside::work::Guest, &mut Store<State>) -> wasmtime::Result<()>,
) -> (Result<(), Error>, mpsc::Receiver<()>) {
    let runtime = Runtime::new(Config::default()).unwrap();
    let guest = runtime.load(component_of("test_guest")).unwrap();
    let (called, calls) = mpsc::channel();
    let window = JsObject::new().function("hello", move |(): ()| Ok(called.send(())?));
    let session = guest.session_with_page(NativePage::new(window)).unwrap();
    let result = session.typed(|store, exports| {
        let guest = beside::Beside::new(&mut *store, exports)?;
        call(guest.test_beside_work(), store)
    });
    // The guest's effects are acted upon while the session lives.
    if result.is_ok() {
        calls.recv_timeout(std::time::Duration::from_secs(60)).expect("the page's function is called");
    }
    (result, calls)
}

#[test]
fn an_export_that_is_called_before_any_other_reaches_the_page() {
    let (result, calls) = call_first(|guest, store| guest.call_call_page(store, "hello"));
    result.unwrap();
    assert!(calls.try_recv().is_err(), "it is called once");
}

#[test]
fn an_export_that_is_called_before_any_other_can_leave_a_task_behind() {
    let (result, _calls) = call_first(|guest, store| guest.call_spawn(store, "hello"));
    result.unwrap();
}

#[test]
fn an_export_that_is_called_before_any_other_says_why_it_panics() {
    let (result, _calls) = call_first(|guest, store| guest.call_panic(store, "on purpose"));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GuestTrapped);
    assert!(error.message().contains("on purpose"), "{error}");
}

#[test]
fn a_panic_of_the_program_beside_a_guest_passes_on_and_what_the_guest_began_is_done() {
    let runtime = Runtime::new(Config::default()).unwrap();
    let guest = runtime.load(component_of("test_guest")).unwrap();
    let (called, calls) = mpsc::channel();
    let window = JsObject::new().function("hello", move |(): ()| Ok(called.send(())?));
    let session = guest.session_with_page(NativePage::new(window)).unwrap();
    let panics = || {
        session.typed(|store, exports| -> wasmtime::Result<()> {
            let guest = beside::Beside::new(&mut *store, exports)?;
            guest.test_beside_work().call_call_page(store, "hello")?;
            panic!("on purpose")
        })
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).unwrap_err();
    calls.recv_timeout(std::time::Duration::from_secs(30)).expect("the page's function is called");
    assert_eq!(session.invoke::<i32>("TestGuest", "Add", (1, 2)), Ok(3));
}
