//! The page: who answers the guest's calls to JavaScript.

use std::any::Any;
use std::fmt;
use std::sync::Weak;

use crate::bindings::page as wit;
use crate::bindings::types::Message;
use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::shared::{Job, Shared};

/// Who answers a guest's calls to JavaScript: [`NativePage`](crate::NativePage), or a type of your own that hands them on to
/// a script engine, a socket, or another program.
///
/// A page belongs to one session, which drops it when the session ends or its guest traps, and with it all that the page holds
/// for the guest.
///
/// A guest is never on the stack when [`begin`](Self::begin), [`cancel`](Self::cancel) and [`read`](Self::read) are called.
/// They come one after the other, in the order in which the guest asked, on whatever thread has called the guest last; a page
/// whose answer takes its time keeps the [`Completion`] and returns. [`invoke`](Self::invoke) and
/// [`release`](Self::release) may come while the guest is on the stack: the session then refuses synchronous calls of
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
///             Operation::Call => Ok(Message::from(format!("\"{}\"", request.identifier).as_str())),
///             _ => Err(Error::new(ErrorKind::JsFailed, "There are only functions here.")),
///         }
///     }
///
///     fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
///         completion.end(self.invoke(session, request)); // now, or later from any thread
///     }
/// }
/// ```
pub trait Page: Any + Send + Sync {
    /// Does at once what a guest asks for synchronously.
    ///
    /// # Errors
    ///
    /// What the guest's call fails with: [`ErrorKind::JsFailed`] where the function does, [`ErrorKind::Unsupported`] where it
    /// can only be called asynchronously.
    fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error>;

    /// Begins what a guest asks for. It must not wait. `call` is the call's name, never used again.
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

    /// How many of its objects the guest can name, for reports of leaks.
    fn live_references(&self) -> usize {
        0
    }
}

/// What a guest asks of its page.
#[derive(Clone, Debug)]
pub struct Request {
    /// The object that [`identifier`](Self::identifier) starts from; 0 is the page's global object.
    pub target: i64,
    /// The dotted path to a member.
    pub identifier: String,
    /// What to do with the member.
    pub operation: Operation,
    /// How the result is wanted.
    pub want: Want,
    /// The arguments: a JSON array, and the byte arrays that it names.
    pub args: Message,
}

/// What is done with the member that a [`Request`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It is called as a function.
    Call,
    /// It constructs an object.
    Construct,
    /// It is read.
    Get,
    /// It is assigned.
    Set,
}

/// How the result of a [`Request`] is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// As JSON.
    Json,
    /// As a reference to an object of the page: `{"__jsObjectId": id}`, with the id −1 for none.
    Object,
    /// As a reference that can be read as a stream: the length stands beside it as `"__jsStreamReferenceLength"`.
    Stream,
    /// Not at all.
    Nothing,
}

impl From<wit::Operation> for Operation {
    fn from(operation: wit::Operation) -> Self {
        match operation {
            wit::Operation::Call => Self::Call,
            wit::Operation::Construct => Self::Construct,
            wit::Operation::Get => Self::Get,
            wit::Operation::Set => Self::Set,
        }
    }
}

impl From<wit::ResultType> for Want {
    fn from(want: wit::ResultType) -> Self {
        match want {
            wit::ResultType::Json => Self::Json,
            wit::ResultType::Object => Self::Object,
            wit::ResultType::Stream => Self::Stream,
            wit::ResultType::Nothing => Self::Nothing,
        }
    }
}

/// The duty to end what a guest has begun: a call of its page, or a read. It may be kept and sent to any thread. Dropping it
/// fails the call, so that no guest waits for ever.
#[must_use = "dropping a completion fails the call"]
pub struct Completion<T = Message> {
    session: Weak<Shared>,
    /// How the guest and how the host name the call, until it has ended.
    call: Option<(u64, u64)>,
    job: fn(u64, u64, Result<T, Error>) -> Job,
}

impl<T> Completion<T> {
    pub(crate) fn new(session: Weak<Shared>, call: u64, id: u64, job: fn(u64, u64, Result<T, Error>) -> Job) -> Self {
        Self { session, call: Some((call, id)), job }
    }

    /// Ends the call. The guest learns of it as soon as it is off the stack, in the order in which calls are ended: on this
    /// thread, if nobody else is calling it.
    pub fn end(mut self, outcome: Result<T, Error>) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: Result<T, Error>) {
        if let Some((call, id)) = self.call.take()
            && let Some(session) = self.session.upgrade()
        {
            session.post((self.job)(call, id, outcome));
        }
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        let how = if std::thread::panicking() { "panicked" } else { "dropped the call" };
        let what = format!("The page {how} without an answer.");
        self.finish(Err(Error::new(ErrorKind::JsFailed, what)));
    }
}

impl<T> fmt::Debug for Completion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").finish_non_exhaustive()
    }
}

/// The page of a session that was given none.
pub(crate) struct NoPage;

impl NoPage {
    pub(crate) fn refusal() -> Error {
        let what = "This session has no page whose functions a guest could call: it was started with Guest::session, and \
                    Guest::session_with gives it one.";
        Error::new(ErrorKind::Unsupported, what)
    }
}

impl Page for NoPage {
    fn invoke(&self, session: &Session, request: Request) -> Result<Message, Error> {
        session.shared.give_back(&request.args);
        Err(Self::refusal())
    }

    fn begin(&self, session: &Session, _call: u64, request: Request, completion: Completion) {
        session.shared.give_back(&request.args);
        completion.end(Err(Self::refusal()));
    }

    fn read(&self, _object: i64, _offset: u64, _length: u32, completion: Completion<Vec<u8>>) {
        completion.end(Err(Self::refusal()));
    }
}
