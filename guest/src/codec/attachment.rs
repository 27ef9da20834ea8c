//! Things that a message names beside its text, and how long each must live.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::error::ErrorKind;
use crate::page::handle::Handle;

/// Something that a message names by a placeholder: an object or a stream of the guest, or an object of the page. It is told
/// what becomes of the message.
pub(crate) trait Attachment {
    /// The message is being sent as the arguments of a call. The caller keeps the attachment until the call has ended.
    fn sent_in_arguments(&self) {}

    /// The message is being sent as the result of a call, which nothing of the guest waits for.
    fn sent_in_result(self: Rc<Self>) {}

    /// The arguments did not arrive, and there is no page any more that could release the reference.
    fn not_delivered(&self) {}
}

thread_local! {
    /// The objects of the page in results that are on their way to it.
    static RETURNED: RefCell<Vec<Rc<Handle>>> = const { RefCell::new(Vec::new()) };
    /// Whether there are any.
    static HAS_RETURNED: Cell<bool> = const { Cell::new(false) };
}

impl Attachment for Handle {
    /// Keeps the page's object until the page has the result, which is when it next calls.
    fn sent_in_result(self: Rc<Self>) {
        RETURNED.with_borrow_mut(|returned| returned.push(self));
        HAS_RETURNED.set(true);
    }
}

/// Releases what was kept for results on their way to the page.
pub(crate) fn results_have_arrived() {
    if HAS_RETURNED.replace(false) {
        drop(RETURNED.take());
    }
}

/// Whether results on their way to the page are all that keeps some object of the page.
pub(crate) fn results_keep_something() -> bool {
    HAS_RETURNED.get() && RETURNED.with_borrow(|returned| returned.iter().any(|handle| Rc::strong_count(handle) == 1))
}

/// Keeps what a call names until the call has ended, even if the call is all that holds it.
#[derive(Default)]
pub(crate) struct KeepAlive {
    attachments: Vec<Rc<dyn Attachment>>,
    /// The object of the page that the call is for.
    _target: Option<Rc<Handle>>,
}

impl KeepAlive {
    pub(super) fn new(attachments: Vec<Rc<dyn Attachment>>, target: Option<Rc<Handle>>) -> Self {
        Self { attachments, _target: target }
    }

    /// Keeps the object of the page that a call is for.
    pub(crate) fn target(target: Option<Rc<Handle>>) -> Self {
        Self::new(Vec::new(), target)
    }

    /// Takes back the references that the call did not deliver, if its error says that the page is gone and cannot release them.
    pub(crate) fn after_failure(&self, kind: ErrorKind) {
        if kind == ErrorKind::Disconnected {
            self.attachments.iter().for_each(|attachment| attachment.not_delivered());
        }
    }
}
