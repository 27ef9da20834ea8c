//! The dispatcher: what each export of `dotwit:interop/invocation`, `…/references` and `…/streams` does.

use std::cell::RefCell;
use std::collections::HashMap;
use std::task::{Context, Poll, Waker};

use crate::arguments::Arguments;
use crate::dotnet_stream;
use crate::error::{Error, ErrorKind};
use crate::message::{Message, Received};
use crate::objects;
use crate::page::{Piece, page};
use crate::pending;
use crate::registry::{self, MethodInfo};
use crate::reply::{Outcome, Reply};
use crate::task;

/// The id that disposes of its target, whatever methods that has (Blazor's reserved identifier).
const DISPOSE: &str = "__Dispose";

/// How many calls of the page may be under way at once.
pub(crate) const MAX_PENDING: usize = 10_000;

/// What a call is for: the `target` of `dotwit:interop/types`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A static method of the assembly with this name.
    Assembly(String),
    /// A method of the object with this id.
    Object(u64),
}

thread_local! {
    /// The calls that have not ended, by their ids.
    static PENDING: RefCell<HashMap<u64, async_task::Task<()>>> = RefCell::new(HashMap::new());
}

/// `invocation.invoke`.
///
/// # Errors
///
/// Whatever the call fails with; [`ErrorKind::Unsupported`] for a method that is asynchronous.
pub fn invoke(target: &Target, method: &str, args: Message) -> Outcome {
    let args = Received::from(args);
    task::visit(|| match start(target, method, args, Timing::AtOnce) {
        Ok(Reply::Done(outcome)) => outcome,
        Ok(Reply::Pending(_)) => Err(is_asynchronous(method)),
        Err(error) => Err(error),
    })
}

/// `invocation.begin-invoke`: the outcome where there is one already, else the page's `end-invoke` follows.
pub fn begin_invoke(call: u64, target: &Target, method: &str, args: Message) -> Option<Outcome> {
    let args = Received::from(args);
    task::visit(|| begin(call, target, method, args))
}

fn begin(call: u64, target: &Target, method: &str, args: Received) -> Option<Outcome> {
    let refusal = PENDING.with_borrow(|pending| {
        if pending.contains_key(&call) {
            Some(Error::new(ErrorKind::Protocol, format!("Call {call} is under way: a new call has an id of its own.")))
        } else if pending.len() >= MAX_PENDING {
            Some(Error::new(
                ErrorKind::TooMany,
                format!("The call to '{method}' is refused: {MAX_PENDING} calls are under way, and {MAX_PENDING} is the limit."),
            ))
        } else {
            None
        }
    });
    if let Some(refusal) = refusal {
        return Some(Err(refusal));
    }
    let mut future = match start(target, method, args, Timing::Eventually) {
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
        // Whoever takes the call out of the table ends it.
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
        task::visit(|| drop(task));
        page().end_invoke(call, Err(Error::new(ErrorKind::Cancelled, "The call was cancelled.")));
    }
}

/// `invocation.end-invoke-js`.
pub fn end_invoke_js(call: u64, outcome: Outcome) {
    let outcome = outcome.map(Received::from);
    task::visit(|| pending::end(call, outcome));
}

/// `streams.read`: the bytes where they are there already, else the page's `end-read` follows.
pub fn read(call: u64, stream: u64, max: u32) -> Option<Piece> {
    task::visit(|| dotnet_stream::read(call, stream, max))
}

/// `streams.close`.
pub fn close(stream: u64) {
    task::visit(|| dotnet_stream::close(stream));
}

/// `streams.end-read-js`.
pub fn end_read_js(call: u64, outcome: Piece) {
    task::visit(|| pending::end(call, outcome));
}

/// `invocation.run-ready`.
pub fn run_ready() {
    task::run_ready();
}

/// `references.release`.
pub fn release(object: u64) {
    task::visit(|| objects::release(object));
}

/// `references.forget`.
pub fn forget(object: u64, times: u32) {
    task::visit(|| objects::forget(object, times));
}

/// `references.live`.
pub fn live() -> u32 {
    u32::try_from(objects::live()).unwrap_or(u32::MAX)
}

/// How many calls and reads there are that have not ended, in both directions, for tests that look for leaks.
pub fn under_way() -> usize {
    let of_the_page = PENDING.with_borrow(HashMap::len) + dotnet_stream::waiting();
    of_the_page + pending::count::<Received>() + pending::count::<Vec<u8>>()
}

/// Whether a caller can wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    AtOnce,
    Eventually,
}

/// Finds the method, reads the arguments and calls it.
fn start(target: &Target, method: &str, args: Received, timing: Timing) -> Result<Reply, Error> {
    let refuse = |info: &MethodInfo| {
        if info.is_async && timing == Timing::AtOnce { Err(is_asynchronous(method)) } else { Ok(()) }
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
            let entry = objects::find(*id)?;
            if method == DISPOSE {
                objects::release(*id);
                return Ok(Reply::Done(Ok(Message::from("null"))));
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
