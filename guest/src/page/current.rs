//! The page of this thread's guest.

use std::cell::RefCell;
use std::rc::Rc;

use crate::page::Page;

thread_local! {
    static PAGE: RefCell<Option<Rc<dyn Page>>> = RefCell::new(initial());
}

/// The page that is there from the beginning: a component's. An export of the guest's own may ask for it before any export of
/// `dotwit:interop` has been called.
fn initial() -> Option<Rc<dyn Page>> {
    #[cfg(target_family = "wasm")]
    return Some(crate::page::component::start());
    #[cfg(not(target_family = "wasm"))]
    None
}

/// Starts the guest, unless it has started.
#[cfg(target_family = "wasm")]
pub(crate) fn start() {
    PAGE.with(|_| ());
}

/// Makes `page` the page of this thread's guest.
pub fn install(page: Rc<dyn Page>) {
    PAGE.set(Some(page));
}

/// The page.
///
/// # Panics
///
/// If none is installed: outside a component, and outside a test that installs one.
pub(crate) fn page() -> Rc<dyn Page> {
    try_page().expect("a guest's code that reaches the page runs inside a component")
}

/// The page, or `None` if there is none: at the thread's end, what is dropped has no page to tell.
pub(crate) fn try_page() -> Option<Rc<dyn Page>> {
    PAGE.try_with(|page| page.borrow().clone()).ok().flatten()
}
