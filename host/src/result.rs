//! The result of a call, and what keeps alive the page's objects that it names.

use std::fmt;
use std::ops::Deref;
use std::sync::Weak;

use crate::bindings::types::Message;
use crate::json::Named;
use crate::shared::Shared;

/// The result of a call: a [`Message`], to which it dereferences.
///
/// A guest releases its references to the page's objects in a result as soon as it runs again, which may be on another thread before
/// the result has been read here. So the session holds these objects from the moment at which the result leaves the guest until this
/// is dropped: until then their releases wait, and the page of a guest that has trapped lives on.
pub struct ResultMessage {
    message: Message,
    _held: Option<Held>,
}

/// The objects of the page that a result names.
struct Held {
    session: Weak<Shared>,
    objects: Vec<i64>,
}

impl ResultMessage {
    /// Holds what a message names. To be called before anything else can enter the guest.
    pub(crate) fn new(session: &Weak<Shared>, message: Message) -> Self {
        let held = Named::js_objects_in(&message.json).and_then(|objects| {
            session.upgrade()?.hold(&objects);
            Some(Held { session: Weak::clone(session), objects })
        });
        Self { message, _held: held }
    }

    /// Returns the message alone. What it names is no longer held.
    pub fn into_message(self) -> Message {
        self.message
    }

    /// Takes the message. What it names is held as long as this.
    pub(crate) fn take(&mut self) -> Message {
        std::mem::replace(&mut self.message, Message { json: String::new(), bytes: Vec::new() })
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
        if let Some(session) = self.session.upgrade() {
            session.release_held(&self.objects);
        }
    }
}

impl fmt::Debug for ResultMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}
