//! Why a call failed, as both sides say it.

use std::fmt;

/// Why a call failed: the `error-kind` of `dotwit:interop/types`, which documents each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No guest has an assembly with that name.
    NoSuchAssembly,
    /// No invokable method has that id.
    NoSuchMethod,
    /// The object id names nothing: never handed out, or released.
    NoSuchObject,
    /// The arguments do not fit the method: their number, their types, or their JSON.
    BadArguments,
    /// The method ran and failed, or its result could not be sent.
    Failed,
    /// The guest is gone.
    GuestTrapped,
    /// The call was cancelled by the one who made it.
    Cancelled,
    /// The call took longer than its time-out.
    TimedOut,
    /// A message or a stream is larger than its limit.
    TooLarge,
    /// There are more arguments, calls, references or streams than their limit.
    TooMany,
    /// The connection to the other side is gone.
    Disconnected,
    /// This host or this version cannot do that.
    Unsupported,
    /// A synchronous call came while the guest was on the stack, in a host that does not nest calls.
    Reentrant,
    /// A function of the page threw.
    JsFailed,
    /// The other side broke the contract.
    Protocol,
}

impl ErrorKind {
    /// The kind's name as JavaScript sees it in `DotNetError.kind`: `"no-such-method"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchAssembly => "no-such-assembly",
            Self::NoSuchMethod => "no-such-method",
            Self::NoSuchObject => "no-such-object",
            Self::BadArguments => "bad-arguments",
            Self::Failed => "failed",
            Self::GuestTrapped => "guest-trapped",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed-out",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::Disconnected => "disconnected",
            Self::Unsupported => "unsupported",
            Self::Reentrant => "reentrant",
            Self::JsFailed => "js-failed",
            Self::Protocol => "protocol",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}
