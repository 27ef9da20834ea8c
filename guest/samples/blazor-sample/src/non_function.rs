//! Call JS Example 11: a function that the page does not have.

use dotwit::prelude::*;

use crate::view::{Shown, View};

// ANCHOR: call-js-example-11
/// The component.
pub struct CallJsExample11 {
    view: View,
}

#[js_invokable]
impl CallJsExample11 {
    /// The component, before the function was called.
    #[js_invokable("CreateCallJsExample11")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample11> {
        DotNetObjectReference::new(CallJsExample11 { view })
    }

    /// Calls the function and shows why that fails.
    #[js_invokable]
    pub async fn catch_undefined_js_function(&self) {
        let result = match js::invoke::<String>("nonFunction", ()).await {
            Ok(text) => text,
            Err(error) => error.message().to_owned(),
        };
        self.view.show(Shown { result });
    }
}
// ANCHOR_END: call-js-example-11
