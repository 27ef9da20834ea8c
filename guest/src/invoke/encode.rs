//! How a method's result becomes its caller's: awaited or not, taken out of a `Result` or not, serialised or sent as bytes.
//!
//! `#[js_invokable]` sees the names of types, not the types, so method lookup makes the choice ("autoref specialisation"). On
//! `&Probe<T>` the compiler prefers a trait that is implemented for `Probe<T>` to one that is implemented for `&Probe<T>`. Each
//! trait returns a tag whose method does the work: [`FutureTag`] for futures and [`ValueTag`] for other types, and then
//! [`ResultEncoding`] for `Result`s, [`BytesEncoding`] for [`Bytes`] and [`SerdeEncoding`] for other types.

use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;

use dotwit_wire::Bytes;
use serde::Serialize;

use crate::codec::write_result;
use crate::error::Error;
use crate::message::{Message, Outcome};
use crate::method::reply::Reply;

/// Stands for a type in method lookup.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T> Probe<T> {
    /// The probe of the type of `value`.
    pub fn of(_value: &T) -> Self {
        Self(PhantomData)
    }
}

/// Selected for futures.
pub trait FutureReply {
    /// The tag that awaits.
    fn timing(&self) -> FutureTag {
        FutureTag
    }
}

impl<F: Future> FutureReply for Probe<F> {}

/// Selected for types that are not futures.
pub trait ImmediateReply {
    /// The tag that does not await.
    fn timing(&self) -> ValueTag {
        ValueTag
    }
}

impl<T> ImmediateReply for &Probe<T> {}

/// The tag of futures.
#[derive(Debug)]
pub struct FutureTag;

impl FutureTag {
    /// A reply that comes when `future` ends.
    pub fn reply<F>(self, future: F, encode: impl FnOnce(F::Output) -> Outcome + 'static) -> Reply
    where
        F: Future + 'static,
    {
        Reply::pending(async move { encode(future.await) })
    }
}

/// The tag of types that are not futures.
#[derive(Debug)]
pub struct ValueTag;

impl ValueTag {
    /// A reply that is `value`.
    pub fn reply<T>(self, value: T, encode: impl FnOnce(T) -> Outcome) -> Reply {
        Reply::Done(encode(value))
    }
}

/// Selected for `Result`s.
pub trait FallibleValue {
    /// The tag that takes them apart.
    fn encoding(&self) -> ResultEncoding {
        ResultEncoding
    }
}

impl<T, E> FallibleValue for Probe<Result<T, E>> {}

/// Selected for [`Bytes`].
pub trait BytesValue {
    /// The tag that does not copy them.
    fn encoding(&self) -> BytesEncoding {
        BytesEncoding
    }
}

impl BytesValue for Probe<Bytes> {}

/// Selected for types that are neither.
pub trait PlainValue {
    /// The tag that serialises.
    fn encoding(&self) -> SerdeEncoding {
        SerdeEncoding
    }
}

impl<T> PlainValue for &Probe<T> {}

/// The tag of `Result`s.
#[derive(Debug)]
pub struct ResultEncoding;

impl ResultEncoding {
    /// Encodes the value or the error in `result`.
    ///
    /// # Errors
    ///
    /// The method's own error, and those of [`SerdeEncoding::encode`].
    pub fn encode<T: Returnable, E: Display + 'static>(self, result: Result<T, E>) -> Outcome {
        match result {
            Ok(value) => SerdeEncoding.encode(value),
            Err(error) => Err(Error::from_display(&error)),
        }
    }
}

/// The tag of [`Bytes`].
#[derive(Debug)]
pub struct BytesEncoding;

impl BytesEncoding {
    /// Moves the bytes into a message. serde borrows what it serialises, and would copy them.
    ///
    /// # Errors
    ///
    /// None; a `Result` like that of the other tags.
    pub fn encode(self, bytes: Bytes) -> Outcome {
        Ok(Message::from_bytes(bytes.0))
    }
}

/// The tag of types that are neither `Result`s nor [`Bytes`].
#[derive(Debug)]
pub struct SerdeEncoding;

impl SerdeEncoding {
    /// Serialises the value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`](crate::ErrorKind::Failed) if it cannot be serialised or nests too deep, and
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if there is no memory for its text.
    pub fn encode<T: Returnable>(self, value: T) -> Outcome {
        write_result(&value)
    }
}

/// What a method can return, directly or from a future, alone or in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned to JavaScript",
    label = "not serialisable",
    note = "a result implements `serde::Serialize`, or is a `Result` of such a value and an error that implements \
            `Display`, or is a future of one of these"
)]
pub trait Returnable: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize> Returnable for T {}
