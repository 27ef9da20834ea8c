//! Calls from the page: what each export of `dotwit:interop/invocation`, `…/references` and `…/streams` does.
//!
//! [`invoke`] and [`begin_invoke`] find the method, read the arguments and call it. A method that returns a future is polled
//! once; if it is not ready then, it becomes a task, which ends the call later. Everything here runs inside [`enter`], which
//! polls tasks before it returns to the page. This folder may import all others but `js` and `exports`.

pub(crate) mod encode;
mod entry;
pub(crate) mod manifest;

use std::cell::RefCell;
use std::collections::HashMap;
use std::task::{Context, Poll, Waker};

use dotwit_wire::limits::MAX_PENDING_CALLS;

use crate::codec::IncomingMessage;
use crate::error::{Error, ErrorKind};
use crate::invoke::entry::enter;
use crate::message::{Chunk, Message, Outcome, Target};
use crate::method::arguments::Arguments;
use crate::method::reply::Reply;
use crate::method::{MethodInfo, registry};
use crate::page::current::page;
use crate::pending;
use crate::task;
use crate::value::{object_table, stream_table};

/// The id that disposes of its target, whatever methods the target has (reserved by Blazor).
const DISPOSE: &str = "__Dispose";

thread_local! {
    /// The calls of the page that have not ended, by their ids.
    static PENDING: RefCell<HashMap<u64, async_task::Task<()>>> = RefCell::new(HashMap::new());
}

/// `invocation.invoke`.
///
/// # Errors
///
/// Those of the call, and [`ErrorKind::Unsupported`] for a method that is asynchronous.
pub fn invoke(target: &Target, method: &str, args: Message) -> Outcome {
    let args = IncomingMessage::from(args);
    enter(|| match start(target, method, args, CallMode::Sync) {
        Ok(Reply::Done(outcome)) => outcome,
        Ok(Reply::Pending(_)) => Err(is_asynchronous(method)),
        Err(error) => Err(error),
    })
}

/// `invocation.begin-invoke`: the outcome if there is one already; otherwise the page's `end-invoke` follows.
#[must_use]
pub fn begin_invoke(call: u64, target: &Target, method: &str, args: Message) -> Option<Outcome> {
    let args = IncomingMessage::from(args);
    enter(|| begin(call, target, method, args))
}

fn begin(call: u64, target: &Target, method: &str, args: IncomingMessage) -> Option<Outcome> {
    let refusal = PENDING.with_borrow(|pending| {
        if pending.contains_key(&call) {
            Some(Error::new(ErrorKind::Protocol, format!("Call {call} is under way: a new call has an id of its own.")))
        } else if pending.len() >= MAX_PENDING_CALLS {
            Some(Error::new(
                ErrorKind::TooMany,
                format!("The call to '{method}' is refused: {MAX_PENDING_CALLS} calls are under way, and {MAX_PENDING_CALLS} is the limit."),
            ))
        } else {
            None
        }
    });
    if let Some(refusal) = refusal {
        return Some(Err(refusal));
    }
    let mut future = match start(target, method, args, CallMode::Async) {
        Ok(Reply::Pending(future)) => future,
        Ok(Reply::Done(outcome)) => return Some(outcome),
        Err(error) => return Some(Err(error)),
    };
    // Most futures are ready at once, and then no task is needed. The others are polled again as a task, with its
    // waker.
    if let Poll::Ready(outcome) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(outcome);
    }
    let task = task::spawn_cancellable(async move {
        let outcome = future.await;
        // What takes the call out of the table ends it: this or `cancel_invoke`.
        if let Some(this) = PENDING.with_borrow_mut(|pending| pending.remove(&call)) {
            this.detach();
            page().end_invoke(call, outcome);
        }
    });
    PENDING.with_borrow_mut(|pending| pending.insert(call, task));
    None
}

/// `invocation.cancel-invoke`.
pub fn cancel_invoke(call: u64) {
    if let Some(task) = PENDING.with_borrow_mut(|pending| pending.remove(&call)) {
        enter(|| drop(task));
        page().end_invoke(call, Err(Error::new(ErrorKind::Cancelled, "The call was cancelled.")));
    }
}

/// `invocation.end-invoke-js`.
pub fn end_invoke_js(call: u64, outcome: Outcome) {
    let outcome = outcome.map(IncomingMessage::from);
    enter(|| pending::end(call, outcome));
}

/// `streams.read`: the bytes if they are there already; otherwise the page's `end-read` follows.
#[must_use]
pub fn read(call: u64, stream: u64, max: u32) -> Option<Chunk> {
    enter(|| stream_table::read(call, stream, max))
}

/// `streams.close`.
pub fn close(stream: u64) {
    enter(|| stream_table::close(stream));
}

/// `streams.end-read-js`.
pub fn end_read_js(call: u64, outcome: Chunk) {
    enter(|| pending::end(call, outcome));
}

/// `invocation.run-ready`.
pub fn run_ready() {
    entry::run_ready();
}

/// `references.release`.
pub fn release(object: u64) {
    enter(|| object_table::release(object));
}

/// `references.forget`.
pub fn forget(object: u64, times: u32) {
    enter(|| object_table::forget(object, times));
}

/// `references.live`.
#[must_use]
pub fn live() -> u32 {
    u32::try_from(object_table::live()).unwrap_or(u32::MAX)
}

/// How many calls and reads have not ended, in both directions, for tests that look for leaks.
#[must_use]
pub fn pending_count() -> usize {
    let of_page = PENDING.with_borrow(HashMap::len) + stream_table::waiting();
    of_page + pending::count::<IncomingMessage>() + pending::count::<Vec<u8>>()
}

/// Whether the caller can wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CallMode {
    Sync,
    Async,
}

/// Finds the method, reads the arguments and calls it.
fn start(target: &Target, method: &str, args: IncomingMessage, mode: CallMode) -> Result<Reply, Error> {
    let refuse = |info: &MethodInfo| {
        if info.is_async && mode == CallMode::Sync { Err(is_asynchronous(method)) } else { Ok(()) }
    };
    match target {
        Target::Assembly(name) => {
            require_name("assembly name", name)?;
            require_name("method identifier", method)?;
            let assembly = registry::assembly()?;
            if assembly.name != name {
                return Err(Error::new(
                    ErrorKind::NoSuchAssembly,
                    format!("There is no loaded assembly with the name '{name}'; this guest is '{}'.", assembly.name),
                ));
            }
            let found = assembly.find(method)?;
            refuse(&found.info)?;
            (found.call)(Arguments::new(method, args))
        }
        Target::Object(id) => {
            let entry = object_table::find(*id)?;
            if method == DISPOSE {
                object_table::release(*id);
                return Ok(Reply::Done(Ok(Message::from_json("null"))));
            }
            require_name("method identifier", method)?;
            let found = registry::find_instance_method(entry.type_name(), entry.methods(), method)?;
            refuse(&found.info)?;
            (found.call)(entry.object(), Arguments::new(method, args))
        }
    }
}

fn require_name(what: &str, name: &str) -> Result<(), Error> {
    if name.chars().all(char::is_whitespace) {
        return Err(Error::new(
            ErrorKind::BadArguments,
            format!("The {what} of a call cannot be empty or whitespace."),
        ));
    }
    Ok(())
}

fn is_asynchronous(method: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("The method '{method}' is asynchronous: call it with invokeMethodAsync, not with invokeMethod."),
    )
}
