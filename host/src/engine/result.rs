//! The result of a call, and what keeps alive the page's objects that it names.

use std::fmt;
use std::ops::Deref;
use std::sync::Weak;

use crate::contract::message::Message;
use crate::engine::upcalls::Upcalls;

/// The result of a call: a [`Message`], to which it dereferences.
///
/// A guest releases its references to the page's objects in a result as soon as it runs again, which may be on another thread before
/// the result has been read here. So these objects are held from the moment at which the result leaves the guest until this
/// is dropped: until then their releases are deferred, and the page of a guest that has trapped lives on.
pub struct ResultMessage {
    message: Message,
    _held: Option<Held>,
}

/// The objects of the page that a result names.
struct Held {
    upcalls: Weak<dyn Upcalls>,
    objects: Vec<i64>,
}

impl ResultMessage {
    /// Holds what a message names, if there is a page. It must be made before anything else can enter the guest.
    pub(crate) fn new(upcalls: Option<&Weak<dyn Upcalls>>, message: Message) -> Self {
        let objects: Vec<i64> = message.page_objects().collect();
        let held = upcalls.filter(|_| !objects.is_empty()).and_then(|upcalls| {
            upcalls.upgrade()?.hold(&objects);
            Some(Held { upcalls: Weak::clone(upcalls), objects })
        });
        Self { message, _held: held }
    }

    /// Returns the message alone. What it names is no longer held.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.message
    }

    /// Takes the message. What it names is held as long as this.
    pub(crate) fn take(&mut self) -> Message {
        std::mem::take(&mut self.message)
    }
}

impl Deref for ResultMessage {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(upcalls) = self.upcalls.upgrade() {
            upcalls.release_held(&self.objects);
        }
    }
}

impl fmt::Debug for ResultMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}
