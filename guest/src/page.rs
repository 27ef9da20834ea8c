//! The guest's way out: what it asks of the page.
//!
//! In a component these are the imports of `dotwit:interop/page`. The dispatcher and the executor know only this trait, so
//! they run natively too, where a test is the page.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::reply::Outcome;

/// The page, as the guest sees it.
pub trait Page {
    /// Ends a call that the page began.
    fn end_invoke(&self, call: u64, outcome: Outcome);
    /// Asks for one [`run_ready`](crate::__private::dispatch::run_ready) after `delay`.
    fn wake_after(&self, delay: Duration);
}

thread_local! {
    static PAGE: RefCell<Option<Rc<dyn Page>>> = const { RefCell::new(None) };
}

/// Makes `page` the page of this thread's guest.
pub fn install(page: Rc<dyn Page>) {
    PAGE.set(Some(page));
}

/// The page.
///
/// # Panics
///
/// Where none is installed: outside of a component, and of a test that is the page.
pub(crate) fn page() -> Rc<dyn Page> {
    PAGE.with_borrow(|page| page.clone()).expect("a guest's code that reaches the page runs inside a component")
}
