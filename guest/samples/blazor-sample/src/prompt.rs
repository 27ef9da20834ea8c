//! Call JS Example 6: a module of the page that the component imports.

use std::cell::RefCell;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};

use crate::view::{Shown, View};

// ANCHOR: call-js-example-6
/// The component.
pub struct CallJsExample6 {
    view: View,
    module: RefCell<Option<JsObjectReference>>,
}

#[js_invokable]
impl CallJsExample6 {
    /// The component, before its module was imported.
    #[js_invokable("CreateCallJsExample6")]
    pub fn create(view: View) -> DotNetObjectReference<CallJsExample6> {
        DotNetObjectReference::new(CallJsExample6 { view, module: RefCell::default() })
    }

    /// Imports the module.
    #[js_invokable]
    pub async fn on_after_render(&self) -> Result<(), Error> {
        let module = js::import("./call-js-example-6.js").await?;
        self.module.replace(Some(module));
        Ok(())
    }

    /// Asks the page's reader and shows the answer: a text, or nothing where the prompt was cancelled.
    #[js_invokable]
    pub async fn trigger_prompt(&self) -> Result<(), Error> {
        let module = self.module.borrow().clone();
        let module = module.ok_or_else(|| Error::new(ErrorKind::Failed, "The module was not imported yet."))?;
        let result: Option<String> = module.invoke("showPrompt", ("Provide some text",)).await?;
        self.view.show(Shown { result });
        Ok(())
    }

    /// Lets go of the module.
    #[js_invokable]
    pub fn dispose(&self) {
        self.module.take();
    }
}
// ANCHOR_END: call-js-example-6
