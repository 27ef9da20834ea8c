//! A function of the page that runs until the guest gives it up.

use std::cell::RefCell;

use dotwit::prelude::*;

// ANCHOR: long-running-function
/// The component.
#[derive(Default)]
pub struct LongRunningFunction {
    call: RefCell<Option<js::Call<()>>>,
}

#[js_invokable]
impl LongRunningFunction {
    /// The component, which has nothing to show.
    #[js_invokable("CreateLongRunningFunction")]
    pub fn create(_view: Option<JsObjectReference>) -> DotNetObjectReference<LongRunningFunction> {
        DotNetObjectReference::new(LongRunningFunction::default())
    }

    /// Begins the call. One that is still running is cancelled.
    #[js_invokable]
    pub fn start_task(&self) {
        self.call.replace(Some(js::invoke_void("Helpers.longRunningFn", ())));
    }

    /// Cancels the call, by dropping it.
    #[js_invokable]
    pub fn cancel_task(&self) {
        self.call.take();
    }
}
// ANCHOR_END: long-running-function
