//! Who may have a circuit: the trait that an embedding program implements, and what it answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use axum::http::request::Parts;

/// Decides who may have a circuit, at the start of each and again whenever its page resumes it.
///
/// It is asked before any instance of the guest exists. A refusal reaches the page as one sentence, and does not say more than
/// [`Refusal`] does. The request is the one that opened the WebSocket, with its cookies: a page of another site cannot send them,
/// because its origin is refused first.
///
/// ```
/// use axum::http::request::Parts;
/// use dotwit_host::server::{Auth, Refusal, Subject};
///
/// struct Tickets;
///
/// impl Auth for Tickets {
///     async fn check(&self, _request: &Parts, token: Option<&str>) -> Result<Subject, Refusal> {
///         match token {
///             Some("ticket of Ada") => Ok(Subject::new("ada")),
///             _ => Err(Refusal::new("A ticket is needed.")),
///         }
///     }
/// }
/// ```
pub trait Auth: Send + Sync + 'static {
    /// Returns who asks, or why there is no circuit for them. `token` is what the page gave to `start({ token })`, or the
    /// credentials of an `Authorization: Bearer` header.
    ///
    /// It must not take long: it counts against the time that a page has to say hello.
    fn check(&self, request: &Parts, token: Option<&str>) -> impl Future<Output = Result<Subject, Refusal>> + Send;
}

/// The one for whom a circuit exists. A circuit is resumed only by its own subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    name: String,
    expires: Option<SystemTime>,
}

impl Subject {
    /// Returns a subject by the name under which its circuits are counted and logged.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), expires: None }
    }

    /// Returns the subject of everybody who was not asked for a name: limits for each subject do not hold for it.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("")
    }

    /// Sets when the permission ends: the circuit ends with it, unless its page has resumed with a later one before.
    #[must_use]
    pub fn expires(mut self, at: SystemTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// The name, empty for an anonymous subject.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the permission ends, if it does.
    #[must_use]
    pub fn expiry(&self) -> Option<SystemTime> {
        self.expires
    }
}

/// Why there is no circuit for somebody, in a sentence that the page sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    message: String,
}

impl Refusal {
    /// Returns a refusal with a sentence for the page. It should not tell whether a name exists.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// Lets everybody in: what counts until a program says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Everybody;

impl Auth for Everybody {
    async fn check(&self, _request: &Parts, _token: Option<&str>) -> Result<Subject, Refusal> {
        Ok(Subject::anonymous())
    }
}

/// A future of any type.
type Checking<'a> = Pin<Box<dyn Future<Output = Result<Subject, Refusal>> + Send + 'a>>;

/// An [`Auth`] whose type does not matter.
pub(crate) trait AnyAuth: Send + Sync {
    /// As [`Auth::check`].
    fn check<'a>(&'a self, request: &'a Parts, token: Option<&'a str>) -> Checking<'a>;
}

impl<A: Auth> AnyAuth for A {
    fn check<'a>(&'a self, request: &'a Parts, token: Option<&'a str>) -> Checking<'a> {
        Box::pin(Auth::check(self, request, token))
    }
}
