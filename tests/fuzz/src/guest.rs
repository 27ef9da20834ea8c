//! The guest's decoders: messages with their placeholders, as arguments and as results of the page.
//!
//! Nothing may panic, every call ends, and whatever a message brought is given back: afterwards the guest holds nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use dotwit::__private::dispatch::{self, Target};
use dotwit::__private::{Chunk, Message, Outcome, Page, Request, install};
use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

dotwit::export!("Fuzz");

/// An object of the guest.
pub struct Thing;

#[js_invokable]
impl Thing {
    /// A new thing, which gets the next id.
    #[js_invokable("NewThing")]
    pub fn create() -> DotNetObjectReference<Thing> {
        DotNetObjectReference::new(Thing)
    }
}

/// Everything that a message can carry.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Everything {
    value: Value,
    bytes: Option<Bytes>,
    thing: Option<DotNetObjectReference<Thing>>,
    object: Option<JsObjectReference>,
    #[serde(skip_serializing)]
    stream: Option<JsStreamReference>,
    inner: Vec<Everything>,
}

/// Has a parameter of each kind.
#[js_invokable]
pub fn take(_a: Value, _b: Bytes, _c: DotNetObjectReference<Thing>, _d: JsObjectReference, _e: JsStreamReference) {}

/// Takes what may not be there.
#[js_invokable]
pub fn take_options(_a: Option<Bytes>, _b: Option<JsObjectReference>, _c: Option<JsStreamReference>) {}

/// Returns its argument.
#[js_invokable]
pub fn echo(everything: Everything) -> Everything {
    everything
}

/// Reads nothing.
#[js_invokable]
pub fn ignore() {}

/// Reads the result of a call of the page as each kind.
#[js_invokable]
pub async fn ask(kind: u8) -> Result<(), Error> {
    match kind % 6 {
        0 => js::invoke::<Value>("f", ()).await.map(drop),
        1 => js::invoke::<Bytes>("f", ()).await.map(drop),
        2 => js::invoke::<Option<JsObjectReference>>("f", ()).await.map(drop),
        3 => js::invoke::<JsStreamReference>("f", ()).await.map(drop),
        4 => js::invoke_void("f", ()).await,
        _ => js::invoke::<Everything>("f", ()).await.map(drop),
    }
}

/// A page that counts what the guest holds of it.
#[derive(Default)]
struct Counting {
    asked: RefCell<Vec<u64>>,
    ended: Cell<u32>,
    released: RefCell<HashMap<i64, usize>>,
}

impl Page for Counting {
    fn invoke_js(&self, _request: Request<'_>, _args: Message) -> Outcome {
        Err(Error::new(ErrorKind::Unsupported, "not at once"))
    }
    fn begin_invoke_js(&self, call: u64, _request: Request<'_>, _args: Message) {
        self.asked.borrow_mut().push(call);
    }
    fn cancel_invoke_js(&self, _call: u64) {}
    fn release_js(&self, object: i64) {
        *self.released.borrow_mut().entry(object).or_default() += 1;
    }
    fn read_js_stream(&self, _call: u64, _object: i64, _offset: u64, _length: u32) {}
    fn end_invoke(&self, _call: u64, _outcome: Outcome) {
        self.ended.set(self.ended.get() + 1);
    }
    fn end_read(&self, _call: u64, _outcome: Chunk) {}
    fn wake_after(&self, _delay: Duration) {}
}

/// What the bytes say: a selector, a text, and the byte arrays after it.
fn decode(data: &[u8]) -> (u8, Message) {
    let (selector, rest) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let mut parts = rest.split(|byte| *byte == 0xff);
    let json = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    (selector, Message { json, bytes: parts.map(<[u8]>::to_vec).collect() })
}

fn in_new_guest(run: impl FnOnce(&Counting) + Send + 'static) {
    let guest = std::thread::spawn(|| {
        let page = Rc::new(Counting::default());
        install(Rc::clone(&page) as Rc<dyn Page>);
        run(&page);
        // What a result names is kept until the page, which has it by then, calls again.
        dispatch::run_ready();
        assert_eq!(dotwit::live_references().page_objects, 0, "references to the page are left over");
    });
    guest.join().expect("no message makes a guest panic");
}

fn target() -> Target {
    Target::Assembly("Fuzz".to_owned())
}

/// A call with these arguments.
pub fn arguments(data: &[u8]) {
    let (selector, args) = decode(data);
    in_new_guest(move |_| {
        dispatch::invoke(&target(), "NewThing", Message::from_json("[]")).expect("a thing is made");
        let method = ["Take", "TakeOptions", "Echo", "Ignore"][usize::from(selector % 4)];
        match selector & 0x80 {
            0 => drop(dispatch::invoke(&target(), method, args)),
            _ => drop(dispatch::begin_invoke(1, &target(), method, args)),
        }
        // The only thing is the page's, whatever was said of it.
        assert!(dispatch::live() <= 1);
    });
}

/// A call of the page with this result.
pub fn result(data: &[u8]) {
    let (selector, result) = decode(data);
    in_new_guest(move |page| {
        let ask = Message { json: format!("[{}]", selector & 0x7f), bytes: Vec::new() };
        assert!(dispatch::begin_invoke(1, &target(), "Ask", ask).is_none(), "the page has been asked");
        if selector & 0x80 != 0 {
            dispatch::cancel_invoke(1);
        }
        for call in page.asked.take() {
            dispatch::end_invoke_js(call, Ok(result.clone()));
            // A second end is ignored.
            dispatch::end_invoke_js(call, Ok(Message::from_json("null")));
        }
        assert_eq!(page.ended.get(), 1, "a call ends once");
    });
}
