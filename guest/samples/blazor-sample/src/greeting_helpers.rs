//! CallDotNetExampleOneHelper: a class of the page keeps a reference to the component.

use std::cell::RefCell;
use std::rc::Rc;

use dotwit::Error;
use dotwit::prelude::*;

// ANCHOR: call-dotnet-example-one-helper
/// The component.
#[derive(Default)]
pub struct CallDotNetExampleOneHelper {
    name: RefCell<Option<String>>,
    obj_ref: RefCell<Option<DotNetObjectReference<CallDotNetExampleOneHelper>>>,
}

#[js_invokable]
impl CallDotNetExampleOneHelper {
    /// The component, which has nothing to show.
    #[js_invokable("CreateCallDotNetExampleOneHelper")]
    pub fn create(_view: Option<JsObjectReference>) -> DotNetObjectReference<CallDotNetExampleOneHelper> {
        DotNetObjectReference::new(CallDotNetExampleOneHelper::default())
    }

    /// What the input field holds now.
    #[js_invokable]
    pub fn set_name(&self, name: Option<String>) {
        self.name.replace(name);
    }

    /// Passes the page's class its helper: this component.
    #[js_invokable]
    pub async fn on_after_render(self: Rc<Self>) -> Result<(), Error> {
        let obj_ref = DotNetObjectReference::from(Rc::clone(&self));
        js::invoke_void("GreetingHelpers.setDotNetHelper", (&obj_ref,)).await?;
        self.obj_ref.replace(Some(obj_ref));
        Ok(())
    }

    /// `Hello, NAME!`
    #[js_invokable]
    pub fn get_hello_message(&self) -> String {
        format!("Hello, {}!", self.name.borrow().as_deref().unwrap_or_default())
    }

    /// `Welcome, NAME!`
    #[js_invokable]
    pub fn get_welcome_message(&self) -> String {
        format!("Welcome, {}!", self.name.borrow().as_deref().unwrap_or_default())
    }

    /// Ends the reference, which would keep the component alive.
    #[js_invokable]
    pub fn dispose(&self) {
        self.obj_ref.take();
    }
}
// ANCHOR_END: call-dotnet-example-one-helper
