//! The page, which answers the guest's calls to JavaScript.
//!
//! This file and `core` import each other: a session owns its page, and a page is told which session's guest calls.

use std::sync::Arc;

use crate::contract::message::Message;
use crate::contract::request::Request;
use crate::error::{Error, ErrorKind};
use crate::session::completion::Completion;
use crate::session::core::Session;
use crate::session::object_table::ObjectTable;

/// Answers a guest's calls to JavaScript: [`NativePage`](crate::NativePage), or a type of your own that forwards them to a script
/// engine, a socket, or another program.
///
/// A page belongs to one session, which drops it when the session ends or its guest traps, and with it all that the page holds
/// for the guest.
///
/// A guest is never on the stack when [`begin`](Self::begin), [`cancel`](Self::cancel) and [`read`](Self::read) are called.
/// They are called one after the other, in the order in which the guest asked, on a thread that has called the guest or on one of the
/// host's; a page that cannot answer at once keeps the [`Completion`] and returns. [`invoke`](Self::invoke) and
/// [`release`](Self::release) may be called while the guest is on the stack: the session then refuses synchronous calls of
/// this thread with [`ErrorKind::Reentrant`], and begins asynchronous ones later. A panic in any of them fails the call.
///
/// ```
/// use dotwit_host::{Completion, Error, ErrorKind, Message, Operation, Page, Request, Session};
///
/// /// Answers each call with the name of what was called.
/// struct Echo;
///
/// impl Page for Echo {
///     fn invoke(&self, _session: &Session, request: Request) -> Result<Message, Error> {
///         match request.operation {
///             Operation::Call => Ok(Message::from_json(format!("\"{}\"", request.identifier))),
///             _ => Err(Error::new(ErrorKind::JsFailed, "There are only functions here.")),
///         }
///     }
///
///     fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
///         completion.end(self.invoke(session, request)); // now, or later from any thread
///     }
/// }
/// ```
pub trait Page: Send + Sync + 'static {
    /// Answers a synchronous call.
    ///
    /// # Errors
    ///
    /// What the guest's call fails with: [`ErrorKind::JsFailed`] where the function does, [`ErrorKind::Unsupported`] where it
    /// can only be called asynchronously.
    fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error>;

    /// Begins an asynchronous call. It must not wait. `call` is the call's number, which is never used again.
    fn begin(&self, session: &Session, call: u64, request: Request, completion: Completion);

    /// The guest has given up a call that was begun. How its completion ends no longer matters.
    fn cancel(&self, call: u64) {
        let _ = call;
    }

    /// The guest gives up one of the references to an object: one for each placeholder that it was sent.
    fn release(&self, object: i64) {
        let _ = object;
    }

    /// Reads the `length` bytes from `offset` on of an object that was sent as a stream. It must not wait.
    fn read(&self, object: i64, offset: u64, length: u32, completion: Completion<Vec<u8>>) {
        let _ = (object, offset, length);
        completion.end(Err(Error::new(ErrorKind::Unsupported, "This page has no streams.")));
    }

    /// Returns how many of the page's objects the guest can name, to find leaks.
    fn live_references(&self) -> usize {
        0
    }

    /// Returns the objects that the guest holds, where they are [`JsObject`](crate::JsObject)s: only then can those stand in the
    /// arguments and results of the session. A page that wraps a [`NativePage`](crate::NativePage) returns that one's.
    fn object_table(&self) -> Option<Arc<ObjectTable>> {
        None
    }
}

/// Forwards each method to the page inside.
macro_rules! forward {
    ($($pointer:ident),*) => {$(
        impl<P: Page + ?Sized> Page for $pointer<P> {
            fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error> {
                (**self).invoke(session, request)
            }

            fn begin(&self, session: &Session, call: u64, request: Request, completion: Completion) {
                (**self).begin(session, call, request, completion);
            }

            fn cancel(&self, call: u64) {
                (**self).cancel(call);
            }

            fn release(&self, object: i64) {
                (**self).release(object);
            }

            fn read(&self, object: i64, offset: u64, length: u32, completion: Completion<Vec<u8>>) {
                (**self).read(object, offset, length, completion);
            }

            fn live_references(&self) -> usize {
                (**self).live_references()
            }

            fn object_table(&self) -> Option<Arc<ObjectTable>> {
                (**self).object_table()
            }
        }
    )*};
}

forward!(Arc, Box);

/// The page of a session that was given none.
pub(crate) struct NoPage;

impl Page for NoPage {
    fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error> {
        session.core.give_back(&request.args);
        Err(Error::no_page())
    }

    fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
        session.core.give_back(&request.args);
        completion.end(Err(Error::no_page()));
    }

    fn read(&self, _object: i64, _offset: u64, _length: u32, completion: Completion<Vec<u8>>) {
        completion.end(Err(Error::no_page()));
    }
}
