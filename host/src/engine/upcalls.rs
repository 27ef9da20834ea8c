//! What a guest needs of its driver while it is on the stack.

use crate::contract::message::Message;
use crate::contract::request::Request;
use crate::error::Error;

/// The outcome of a call of the page.
pub(crate) type PageOutcome = Result<Message, Error>;

/// The driver, as the guest reaches it from its imports.
pub(crate) trait Upcalls: Send + Sync {
    /// Answers a synchronous call of the page.
    fn invoke(&self, request: Request) -> PageOutcome;

    /// Takes the size of a request that will wait into account, and holds the page's objects that it names. Returns these.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge), where more waits than a guest's memory can hold.
    fn account(&self, request: &Request) -> Result<Vec<i64>, Error>;

    /// Keeps objects of the page from being released, until as many calls of [`release_held`](Self::release_held).
    fn hold(&self, objects: &[i64]);

    /// Ends what [`hold`](Self::hold) began, and makes up for the releases that it deferred.
    fn release_held(&self, objects: &[i64]);

    /// Tells the page that the guest has given up one reference to an object: now, or when nothing holds it any more.
    fn release(&self, object: i64);
}
