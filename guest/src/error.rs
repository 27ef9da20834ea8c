//! The error of a call.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{self, Display};
use std::io;

pub use dotwit_wire::ErrorKind;

/// A failed call.
///
/// A method that returns `Result<T, Error>` chooses the kind that its caller sees, also if `?` has put the error into a
/// `Box<dyn std::error::Error>` or a `std::io::Error`. For any other error the kind is [`ErrorKind::Failed`], the message is
/// what `{}` shows, and the detail is what `{:#}` shows if that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
}

impl Error {
    /// An error of this kind. `message` is one sentence for the caller.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None }
    }

    /// Adds a detail for developers, such as a cause; a server may withhold it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Why the call failed.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One sentence for the caller.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More for developers.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The error of a method or a stream, for its caller. Error types that carry causes show them with `{:#}`.
    pub(crate) fn from_display<E: Display + 'static>(error: &E) -> Self {
        if let Some(own) = own_error(error) {
            return own.clone();
        }
        let (message, whole) = (error.to_string(), format!("{error:#}"));
        let failed = Self::new(ErrorKind::Failed, message);
        if whole == failed.message() { failed } else { failed.with_detail(whole) }
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

/// The [`Error`] that another error is, or that `?` has put into it.
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
