//! What a method gives back, turned into what its caller receives.
//!
//! `#[js_invokable]` cannot know a type from its name, so method lookup makes the choice ("autoref specialisation"): on
//! `&Probe<T>` the compiler takes the trait that is implemented for `Probe<T>` if that applies, and the one that is
//! implemented for `&Probe<T>` otherwise. Each gives a tag that knows what to do. First a future is told from a value that
//! is there already, then a `Result`, and bytes alone, from what is merely serialisable.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;

use serde::Serialize;

use crate::bytes::Bytes;
use crate::error::{Error, ErrorKind};
use crate::message::{self, Message};

/// How a call went.
pub type Outcome = Result<Message, Error>;

/// What a method answered.
pub enum Reply {
    /// Its outcome.
    Done(Outcome),
    /// The promise of one.
    Pending(Pin<Box<dyn Future<Output = Outcome>>>),
}

impl Reply {
    /// A reply that comes when a future ends.
    pub fn pending(future: impl Future<Output = Outcome> + 'static) -> Self {
        Self::Pending(Box::pin(future))
    }
}

/// Stands for a type in method lookup.
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    /// Stands for the type of `value`.
    pub fn of(_value: &T) -> Self {
        Self(PhantomData)
    }
}

/// Chosen for futures.
pub trait FutureReply {
    /// The tag that awaits.
    fn timing(&self) -> Later {
        Later
    }
}

impl<F: Future> FutureReply for Probe<F> {}

/// Chosen for what is no future.
pub trait ImmediateReply {
    /// The tag that does not await.
    fn timing(&self) -> Now {
        Now
    }
}

impl<T> ImmediateReply for &Probe<T> {}

/// The result comes later.
pub struct Later;

impl Later {
    /// A reply that comes when `future` ends.
    pub fn reply<F>(self, future: F, encode: impl FnOnce(F::Output) -> Outcome + 'static) -> Reply
    where
        F: Future + 'static,
    {
        Reply::pending(async move { encode(future.await) })
    }
}

/// The result is there.
pub struct Now;

impl Now {
    /// A reply that is `value`.
    pub fn reply<T>(self, value: T, encode: impl FnOnce(T) -> Outcome) -> Reply {
        Reply::Done(encode(value))
    }
}

/// Chosen for `Result`s.
pub trait FallibleValue {
    /// The tag that takes them apart.
    fn encoding(&self) -> Fallible {
        Fallible
    }
}

impl<T, E> FallibleValue for Probe<Result<T, E>> {}

/// Chosen for bytes alone.
pub trait BytesValue {
    /// The tag that sends them as they are.
    fn encoding(&self) -> Whole {
        Whole
    }
}

impl BytesValue for Probe<Bytes> {}

/// Chosen for what is neither.
pub trait PlainValue {
    /// The tag that serialises.
    fn encoding(&self) -> Plain {
        Plain
    }
}

impl<T> PlainValue for &Probe<T> {}

/// The value is a `Result`.
pub struct Fallible;

impl Fallible {
    /// Sends what is inside the `Result`.
    ///
    /// # Errors
    ///
    /// The method's own error, and those of [`Plain::encode`].
    pub fn encode<T: Returnable, E: Display + 'static>(self, result: Result<T, E>) -> Outcome {
        match result {
            Ok(value) => Plain.encode(value),
            Err(error) => Err(method_error(&error)),
        }
    }
}

/// The value is nothing but bytes.
pub struct Whole;

impl Whole {
    /// Sends the bytes without the copy that serde would need, since it borrows what it serialises.
    ///
    /// # Errors
    ///
    /// None; it is a `Result` as with the other tags.
    pub fn encode(self, bytes: Bytes) -> Outcome {
        Ok(bytes.into_message())
    }
}

/// The value is what it is.
pub struct Plain;

impl Plain {
    /// Sends the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] where it cannot be serialised or nests too deep.
    pub fn encode<T: Returnable>(self, value: T) -> Outcome {
        message::write_result(&value)
    }
}

/// What a method can return, now or at its future's end, alone or in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned to JavaScript",
    label = "not serialisable",
    note = "a result implements `serde::Serialize`, or is a `Result` of such a value and an error that implements \
            `Display`, or is a future of one of these"
)]
pub trait Returnable: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Returnable for T {}

/// The error of a method, for its caller. `{:#}` is how error types that carry causes show them.
pub(crate) fn method_error<E: Display + 'static>(error: &E) -> Error {
    if let Some(error) = own_error(error) {
        return error.clone();
    }
    let (message, whole) = (error.to_string(), format!("{error:#}"));
    let failed = Error::new(ErrorKind::Failed, message);
    if whole == failed.message() { failed } else { failed.with_detail(whole) }
}

/// The error of ours that another is, or that `?` has put into another.
fn own_error(error: &dyn Any) -> Option<&Error> {
    type Boxed = Box<dyn StdError>;
    type BoxedForThreads = Box<dyn StdError + Send + Sync>;

    fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
        match error.downcast_ref::<io::Error>() {
            Some(error) => inside(error.get_ref()?),
            None => error.downcast_ref(),
        }
    }

    let own = error.downcast_ref::<Error>();
    own.or_else(|| inside(error.downcast_ref::<io::Error>()?))
        .or_else(|| inside(&**error.downcast_ref::<Boxed>()?))
        .or_else(|| inside(&**error.downcast_ref::<BoxedForThreads>()?))
}
