//! The error of a call.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;

pub use dotwit_wire::ErrorKind;

/// A failed call.
///
/// A method that returns `Result<T, Error>` chooses the kind that its caller sees, also where `?` has put the error into a
/// `Box<dyn std::error::Error>` or a `std::io::Error`. With any other error the kind is [`ErrorKind::Failed`], the message is
/// what its `Display` shows, and the detail is what `{:#}` shows where that is something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
}

impl Error {
    /// An error of this kind. `message` is one sentence for the one who called.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None }
    }

    /// Adds what only developers should see; a server may withhold it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Why the call failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One sentence for the one who called.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More for developers.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The error of a method or a stream, for its caller. `{:#}` is how error types that carry causes show them.
    pub(crate) fn from_display<E: Display + 'static>(error: &E) -> Self {
        if let Some(own) = own_error(error) {
            return own.clone();
        }
        let (message, whole) = (error.to_string(), format!("{error:#}"));
        let failed = Self::new(ErrorKind::Failed, message);
        if whole == failed.message() { failed } else { failed.with_detail(whole) }
    }

    /// Splits the error into what travels.
    #[cfg(target_family = "wasm")]
    pub(crate) fn into_parts(self) -> (ErrorKind, String, Option<String>) {
        (self.kind, self.message, self.detail)
    }

    /// Puts together what has travelled.
    #[cfg(target_family = "wasm")]
    pub(crate) fn from_parts(kind: ErrorKind, message: String, detail: Option<String>) -> Self {
        Self { kind, message, detail }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
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
