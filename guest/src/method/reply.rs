//! What a method has returned.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::message::Outcome;

/// The outcome of a method, or the promise of one.
pub enum Reply {
    /// The method has ended.
    Done(Outcome),
    /// The method ends when this future does.
    Pending(Pin<Box<dyn Future<Output = Outcome>>>),
}

impl Reply {
    /// A reply that comes when `future` ends.
    pub fn pending(future: impl Future<Output = Outcome> + 'static) -> Self {
        Self::Pending(Box::pin(future))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(outcome) => f.debug_tuple("Done").field(outcome).finish(),
            Self::Pending(_) => f.write_str("Pending"),
        }
    }
}
