//! Objects of the page that the guest holds.

use std::cell::Cell;
use std::rc::Rc;

use dotwit_wire::limits::MAX_LIVE_REFERENCES;

use crate::error::{Error, ErrorKind};
use crate::page::current::try_page;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// How many handles have not been given back.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// Refuses a message that brings more references than the guest may hold.
///
/// # Errors
///
/// [`ErrorKind::TooMany`] if the guest holds too many already, those of the message included.
pub(crate) fn check_limit() -> Result<(), Error> {
    let live = live();
    if live <= MAX_LIVE_REFERENCES {
        return Ok(());
    }
    let what = format!(
        "{live} references to objects of the page would be held, and {MAX_LIVE_REFERENCES} is the limit. Drop those that are \
         done with."
    );
    Err(Error::new(ErrorKind::TooMany, what))
}

/// The references to one page object that one message brought. The page keeps the object until the guest has given each of
/// them back.
#[derive(Debug)]
pub(crate) struct Handle {
    id: i64,
    /// How many placeholders of the object the message had; 0 once they are given back.
    ref_count: Cell<u32>,
}

impl Handle {
    /// The handle of an object that a placeholder names.
    pub(crate) fn new(id: i64) -> Rc<Self> {
        LIVE.set(LIVE.get() + 1);
        Rc::new(Self { id, ref_count: Cell::new(1) })
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// Counts another placeholder of the message.
    pub(crate) fn add_ref(&self) {
        self.ref_count.set(self.ref_count.get() + 1);
    }

    pub(crate) fn is_released(&self) -> bool {
        self.ref_count.get() == 0
    }

    /// Gives the references back to the page, once.
    pub(crate) fn release(&self) {
        let count = self.ref_count.take();
        if count == 0 {
            return;
        }
        // This may be a drop, in the middle of anything or at the thread's end, so nothing is borrowed or awaited here.
        let _ = LIVE.try_with(|live| live.set(live.get() - 1));
        if let Some(page) = try_page() {
            (0..count).for_each(|_| page.release_js(self.id));
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.release();
    }
}
