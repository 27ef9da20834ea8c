//! CallDotNetExample1 as of .NET 10: the component brings its JavaScript as a module of its own.

use std::cell::RefCell;

use dotwit::Error;
use dotwit::prelude::*;

// ANCHOR: call-dotnet-example-1-module
/// The array that the module logs.
#[js_invokable]
pub async fn return_array_for_module_async() -> Vec<i32> {
    vec![11, 12, 13]
}

/// The component.
#[derive(Default)]
pub struct CallDotNet1 {
    module: RefCell<Option<JsObjectReference>>,
}

#[js_invokable]
impl CallDotNet1 {
    /// The component, which has nothing to show.
    #[js_invokable("CreateCallDotNet1")]
    pub fn create(_view: Option<JsObjectReference>) -> DotNetObjectReference<CallDotNet1> {
        DotNetObjectReference::new(CallDotNet1::default())
    }

    /// Imports the module and lets it tie itself to the button.
    #[js_invokable]
    pub async fn on_after_render(&self) -> Result<(), Error> {
        let module = js::import("./call-dotnet-example-1-module.js").await?;
        module.invoke_void("addHandlers", ()).await?;
        self.module.replace(Some(module));
        Ok(())
    }

    /// Lets go of the module.
    #[js_invokable]
    pub fn dispose(&self) {
        self.module.take();
    }
}
// ANCHOR_END: call-dotnet-example-1-module
