//! The guest's way out: what it asks of its page.
//!
//! In a component these are the imports of `dotwit:interop/page`. The rest of the crate knows only the trait [`Page`], so it
//! also runs natively, where a test is the page. This folder imports `message` and `bindings`.

#[cfg(target_family = "wasm")]
mod component;
pub(crate) mod current;
pub(crate) mod handle;

use std::time::Duration;

use crate::message::{Chunk, Message, Outcome};

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

/// How a result is sent: the `result-type` of `dotwit:interop/page`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultType {
    /// As JSON.
    Json,
    /// As a reference to an object of the page.
    Object,
    /// As a reference that can be read as a stream.
    Stream,
    /// Not at all.
    Nothing,
}

/// What a guest asks of a member of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The object of the page that the identifier starts from; 0 is its global object.
    pub target: i64,
    /// The member's dotted path.
    pub identifier: &'a str,
    /// What is done with it.
    pub operation: Operation,
    /// How the result is sent.
    pub result_type: ResultType,
}

/// The page, as the guest sees it. Each function is the one of `dotwit:interop/page` with its name.
pub trait Page {
    /// Does what is asked and returns the outcome.
    fn invoke_js(&self, request: Request<'_>, args: Message) -> Outcome;
    /// Does what is asked without waiting; ends with [`end_invoke_js`](crate::__private::dispatch::end_invoke_js).
    fn begin_invoke_js(&self, call: u64, request: Request<'_>, args: Message);
    /// Cancels a call.
    fn cancel_invoke_js(&self, call: u64);
    /// Gives back one reference to an object of the page.
    fn release_js(&self, object: i64);
    /// Asks for bytes of an object of the page; ends with [`end_read_js`](crate::__private::dispatch::end_read_js).
    fn read_js_stream(&self, call: u64, object: i64, offset: u64, length: u32);
    /// Ends a call that the page began.
    fn end_invoke(&self, call: u64, outcome: Outcome);
    /// Ends a read of a stream of the guest.
    fn end_read(&self, call: u64, outcome: Chunk);
    /// Asks for one [`run_ready`](crate::__private::dispatch::run_ready) after `delay`.
    fn wake_after(&self, delay: Duration);
}
