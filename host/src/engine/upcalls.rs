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

    /// Counts the size of a request that will wait, and holds the page's objects that it names. Returns those.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge), where more would wait than fits into a guest's memory.
    fn account(&self, request: &Request) -> Result<Vec<i64>, Error>;

    /// Defers releases of objects of the page, until as many calls of [`release_held`](Self::release_held).
    fn hold(&self, objects: &[i64]);

    /// Ends what [`hold`](Self::hold) began, and makes the releases that it deferred.
    fn release_held(&self, objects: &[i64]);

    /// Tells the page that the guest has given up one reference to an object: now, or when nothing holds it any more.
    fn release(&self, object: i64);
}
