//! The one error of this crate.

use std::fmt;

use crate::bindings::types;

/// Why something failed: the `error-kind` of `dotwit:interop/types`, and one more for what is no guest at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No guest has an assembly with that name.
    NoSuchAssembly,
    /// The assembly or the object has no invokable method with that id.
    NoSuchMethod,
    /// The object id names nothing: never handed out, or released.
    NoSuchObject,
    /// The arguments do not fit the method, or its result does not fit what was asked for.
    BadArguments,
    /// The method ran and failed, or its result could not be sent; also what a server or a guest could not do.
    Failed,
    /// The guest is gone: it panicked, ran out of memory, stack or time, and can no longer be called.
    GuestTrapped,
    /// The call was cancelled by the one who made it.
    Cancelled,
    /// The call took longer than its time-out.
    TimedOut,
    /// A message or a stream is larger than its limit.
    TooLarge,
    /// There are more arguments, calls, references, streams or sessions than their limit.
    TooMany,
    /// The connection to the other side is gone.
    Disconnected,
    /// This host or this version cannot do that.
    Unsupported,
    /// A synchronous call came while the guest was on the stack.
    Reentrant,
    /// The function of the page failed.
    JsFailed,
    /// The other side broke the contract.
    Protocol,
    /// The file or the bytes are no guest that this host can run.
    InvalidGuest,
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
            Self::InvalidGuest => "invalid-guest",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<types::ErrorKind> for ErrorKind {
    fn from(kind: types::ErrorKind) -> Self {
        match kind {
            types::ErrorKind::NoSuchAssembly => Self::NoSuchAssembly,
            types::ErrorKind::NoSuchMethod => Self::NoSuchMethod,
            types::ErrorKind::NoSuchObject => Self::NoSuchObject,
            types::ErrorKind::BadArguments => Self::BadArguments,
            types::ErrorKind::Failed => Self::Failed,
            types::ErrorKind::GuestTrapped => Self::GuestTrapped,
            types::ErrorKind::Cancelled => Self::Cancelled,
            types::ErrorKind::TimedOut => Self::TimedOut,
            types::ErrorKind::TooLarge => Self::TooLarge,
            types::ErrorKind::TooMany => Self::TooMany,
            types::ErrorKind::Disconnected => Self::Disconnected,
            types::ErrorKind::Unsupported => Self::Unsupported,
            types::ErrorKind::Reentrant => Self::Reentrant,
            types::ErrorKind::JsFailed => Self::JsFailed,
            types::ErrorKind::Protocol => Self::Protocol,
        }
    }
}

/// Whatever can go wrong with a guest: loading it, starting it, or a call.
///
/// [`kind`](Self::kind) is for programs, `Display` is one sentence for people, and [`detail`](Self::detail) is more for
/// developers: a cause, or the guest's stack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
}

impl Error {
    /// An error for the guest's calls, as a [`Page`](crate::Page) gives them.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None }
    }

    /// The same error with more for developers.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same error with its message after `prefix`.
    pub(crate) fn about(mut self, prefix: &str) -> Self {
        self.message.insert_str(0, prefix);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One sentence that names what was wrong and what was expected.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More for developers, where there is more.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl From<types::CallError> for Error {
    fn from(error: types::CallError) -> Self {
        Self { kind: error.kind.into(), message: error.message, detail: error.detail }
    }
}

impl From<Error> for types::CallError {
    fn from(error: Error) -> Self {
        Self { kind: error.kind.into(), message: error.message, detail: error.detail }
    }
}

impl From<ErrorKind> for types::ErrorKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NoSuchAssembly => Self::NoSuchAssembly,
            ErrorKind::NoSuchMethod => Self::NoSuchMethod,
            ErrorKind::NoSuchObject => Self::NoSuchObject,
            ErrorKind::BadArguments => Self::BadArguments,
            // What a guest never hears of a guest's file is a failure like any other.
            ErrorKind::Failed | ErrorKind::InvalidGuest => Self::Failed,
            ErrorKind::GuestTrapped => Self::GuestTrapped,
            ErrorKind::Cancelled => Self::Cancelled,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::TooMany => Self::TooMany,
            ErrorKind::Disconnected => Self::Disconnected,
            ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::Reentrant => Self::Reentrant,
            ErrorKind::JsFailed => Self::JsFailed,
            ErrorKind::Protocol => Self::Protocol,
        }
    }
}
