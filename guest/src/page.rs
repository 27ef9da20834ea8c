//! The guest's way out: what it asks of the page.
//!
//! In a component these are the imports of `dotwit:interop/page`. The dispatcher and the executor know only this trait,
//! so they run natively too, where a test is the page.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::message::Message;
use crate::reply::Outcome;

/// What is done with a member of the page: the `operation` of `dotwit:interop/page`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Call it as a function.
    Call,
    /// Construct with it.
    Construct,
    /// Read it.
    Get,
    /// Assign it.
    Set,
}

/// How a result is wanted: the `result-type` of `dotwit:interop/page`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// As JSON.
    Json,
    /// As a reference to an object of the page.
    Object,
    /// As a reference that can be read as a stream.
    Stream,
    /// Not at all.
    Nothing,
}

/// What is asked of a member of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The object of the page that the identifier starts from; 0 is its global object.
    pub target: i64,
    /// The member's dotted path.
    pub identifier: &'a str,
    /// What is done with it.
    pub operation: Operation,
    /// How the result is wanted.
    pub want: Want,
}

/// The page, as the guest sees it. Each function is the one of `dotwit:interop/page` with its name.
pub trait Page {
    /// Does what is asked at once.
    fn invoke_js(&self, request: Request<'_>, args: Message) -> Outcome;
    /// Does what is asked without waiting; ends with [`end_invoke_js`](crate::__private::dispatch::end_invoke_js).
    fn begin_invoke_js(&self, call: u64, request: Request<'_>, args: Message);
    /// Gives a call up.
    fn cancel_invoke_js(&self, call: u64);
    /// Gives up one placeholder's share of an object of the page.
    fn release_js(&self, object: i64);
    /// Asks for bytes of an object of the page; ends with [`end_read_js`](crate::__private::dispatch::end_read_js).
    fn read_js_stream(&self, call: u64, object: i64, offset: u64, length: u32);
    /// Ends a call that the page began.
    fn end_invoke(&self, call: u64, outcome: Outcome);
    /// Ends a read of a stream of the guest.
    fn end_read(&self, call: u64, outcome: Piece);
    /// Asks for one [`run_ready`](crate::__private::dispatch::run_ready) after `delay`.
    fn wake_after(&self, delay: Duration);
}

/// What reading a stream gives.
pub type Piece = Result<Vec<u8>, crate::error::Error>;

thread_local! {
    static PAGE: RefCell<Option<Rc<dyn Page>>> = RefCell::new(own());
}

/// The page that is there from the beginning: a component's. It may be asked for by an export of the guest's own, before any
/// export of `dotwit:interop` has been called.
fn own() -> Option<Rc<dyn Page>> {
    #[cfg(target_family = "wasm")]
    return Some(crate::bindings::start());
    #[cfg(not(target_family = "wasm"))]
    None
}

/// Starts the guest, unless it has started.
#[cfg(target_family = "wasm")]
pub(crate) fn start() {
    PAGE.with(|_| ());
}

/// Makes `page` the page of this thread's guest.
pub fn install(page: Rc<dyn Page>) {
    PAGE.set(Some(page));
}

/// The page.
///
/// # Panics
///
/// Where none is installed: outside of a component, and of a test that is the page.
pub(crate) fn page() -> Rc<dyn Page> {
    try_page().expect("a guest's code that reaches the page runs inside a component")
}

/// The page, where there is one. There is none when the thread ends, and what is dropped then has nobody to tell.
pub(crate) fn try_page() -> Option<Rc<dyn Page>> {
    PAGE.try_with(|page| page.borrow().clone()).ok().flatten()
}
