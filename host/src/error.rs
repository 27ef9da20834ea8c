//! The one error of this crate.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub(crate) use dotwit_wire::ErrorKind;

/// An error of loading a guest, of starting it, or of a call.
///
/// [`kind`](Self::kind) is for programs, `Display` is one sentence for people, and [`detail`](Self::detail) is more for
/// developers: the guest's stack, or the detail of an error of the guest. [`source`](StdError::source) is the
/// error of a library that caused this one, if there is one. Two errors are equal if they say the same, whatever caused them.
///
/// ```no_run
/// # fn example(session: dotwit_host::Session) -> Result<(), dotwit_host::Error> {
/// use dotwit_host::ErrorKind;
///
/// match session.invoke::<i32>("Hello", "Add", (1, 2)) {
///     Ok(sum) => println!("{sum}"),
///     Err(error) if error.kind() == ErrorKind::GuestTrapped => println!("The guest must be started again: {error}"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    detail: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Returns an error with a message of one sentence. A [`Page`](crate::Page) fails the guest's calls with it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: None, source: None }
    }

    /// Returns the failure of a page's own function: what a script's exception is for a browser.
    pub(crate) fn js_failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::JsFailed, message)
    }

    /// Returns the refusal of a session that has no page.
    pub(crate) fn no_page() -> Self {
        let what = "This session has no page whose functions a guest could call: it was started with Guest::session, and \
                    Guest::session_with_page gives it one.";
        Self::new(ErrorKind::Unsupported, what)
    }

    /// Returns the same error with more for developers.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the same error with the error that caused it as its [`source`](StdError::source).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Returns the same error with an error of wasmtime as its source, and that one's backtrace as the detail.
    pub(crate) fn with_cause(self, cause: wasmtime::Error) -> Self {
        let detail = format!("{cause:?}");
        self.with_source(cause).with_detail(detail)
    }

    /// Returns the same error with `prefix` before its message.
    pub(crate) fn with_prefix(mut self, prefix: &str) -> Self {
        self.message.insert_str(0, prefix);
        self
    }

    /// The kind, for programs.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// One sentence that names what was wrong and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More for developers, where there is more.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut error = f.debug_struct("Error");
        error.field("kind", &self.kind).field("message", &self.message);
        if let Some(detail) = &self.detail {
            error.field("detail", detail);
        }
        error.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.message, &self.detail) == (other.kind, &other.message, &other.detail)
    }
}

impl Eq for Error {}

/// Returns the message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
