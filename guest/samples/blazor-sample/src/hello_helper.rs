//! CallDotNetExample2 to 5: instance methods.

use std::cell::RefCell;
use std::rc::Rc;

use dotwit::Error;
use dotwit::prelude::*;

use crate::view::{Shown, View};

// ANCHOR: call-dotnet-example-2
/// The component of example 2: it has a name that its input field sets, which may not have happened yet.
pub struct CallDotNetExample2 {
    view: View,
    name: RefCell<Option<String>>,
}

#[js_invokable]
impl CallDotNetExample2 {
    /// The component, before a name was entered.
    #[js_invokable("CreateCallDotNetExample2")]
    pub fn create(view: View) -> DotNetObjectReference<CallDotNetExample2> {
        DotNetObjectReference::new(CallDotNetExample2 { view, name: RefCell::default() })
    }

    /// What the input field holds now.
    #[js_invokable]
    pub fn set_name(&self, name: Option<String>) {
        self.name.replace(name);
    }

    /// Passes the page's function a reference to this component, and shows what it returns.
    #[js_invokable]
    pub async fn trigger_dot_net_instance_method(self: Rc<Self>) -> Result<(), Error> {
        let obj_ref = DotNetObjectReference::from(Rc::clone(&self));
        let result: String = js::invoke("sayHello1", (&obj_ref,)).await?;
        self.view.show(Shown { result });
        Ok(())
    }

    /// `Hello, NAME!`, and `Hello, !` before a name was entered.
    #[js_invokable]
    pub fn get_hello_message(&self) -> String {
        format!("Hello, {}!", self.name.borrow().as_deref().unwrap_or_default())
    }
}
// ANCHOR_END: call-dotnet-example-2

// ANCHOR: call-dotnet-example-3
/// The component of example 3: the name travels to the page and comes back as an argument.
pub struct CallDotNetExample3 {
    view: View,
    name: RefCell<Option<String>>,
}

#[js_invokable]
impl CallDotNetExample3 {
    /// The component, before a name was entered.
    #[js_invokable("CreateCallDotNetExample3")]
    pub fn create(view: View) -> DotNetObjectReference<CallDotNetExample3> {
        DotNetObjectReference::new(CallDotNetExample3 { view, name: RefCell::default() })
    }

    /// What the input field holds now.
    #[js_invokable]
    pub fn set_name(&self, name: Option<String>) {
        self.name.replace(name);
    }

    /// Passes the page's function a reference to this component and the name, and shows what it returns.
    #[js_invokable]
    pub async fn trigger_dot_net_instance_method(self: Rc<Self>) -> Result<(), Error> {
        let obj_ref = DotNetObjectReference::from(Rc::clone(&self));
        let name = self.name.borrow().clone();
        let result: String = js::invoke("sayHello2", (&obj_ref, name)).await?;
        self.view.show(Shown { result });
        Ok(())
    }

    /// `Hello, NAME!`, and `Hello, !` without one.
    #[js_invokable]
    pub fn get_hello_message(&self, name: Option<String>) -> String {
        format!("Hello, {}!", name.unwrap_or_default())
    }
}
// ANCHOR_END: call-dotnet-example-3

// ANCHOR: call-dotnet-example-4
// ANCHOR: call-dotnet-example-5
/// Who says hello in examples 4 and 5: the name belongs to the object.
pub struct HelloHelper {
    name: String,
}

#[js_invokable]
impl HelloHelper {
    /// A helper for this name; without one it is called "No Name".
    #[js_invokable("CreateHelloHelper")]
    pub fn create(name: Option<String>) -> DotNetObjectReference<HelloHelper> {
        DotNetObjectReference::new(HelloHelper { name: name.unwrap_or_else(|| "No Name".to_owned()) })
    }

    /// `Hello, NAME!`
    #[js_invokable]
    pub fn get_hello_message(&self) -> String {
        format!("Hello, {}!", self.name)
    }
}
// ANCHOR_END: call-dotnet-example-5

/// What example 4 calls the page with.
pub struct JsInteropClasses3;

impl JsInteropClasses3 {
    /// What a helper for this name says. The page can call the helper until its function has returned.
    pub async fn call_hello_helper_get_hello_message(&self, name: Option<String>) -> Result<String, Error> {
        let obj_ref = HelloHelper::create(name);
        js::invoke("sayHello1", (&obj_ref,)).await
    }
}

/// The component of example 4.
pub struct CallDotNetExample4 {
    view: View,
    name: RefCell<Option<String>>,
    js_interop_classes: JsInteropClasses3,
}

#[js_invokable]
impl CallDotNetExample4 {
    /// The component, before a name was entered.
    #[js_invokable("CreateCallDotNetExample4")]
    pub fn create(view: View) -> DotNetObjectReference<CallDotNetExample4> {
        let js_interop_classes = JsInteropClasses3;
        DotNetObjectReference::new(CallDotNetExample4 { view, name: RefCell::default(), js_interop_classes })
    }

    /// What the input field holds now.
    #[js_invokable]
    pub fn set_name(&self, name: Option<String>) {
        self.name.replace(name);
    }

    /// Shows what the class's helper says.
    #[js_invokable]
    pub async fn trigger_dot_net_instance_method(&self) -> Result<(), Error> {
        let name = self.name.borrow().clone();
        let result = self.js_interop_classes.call_hello_helper_get_hello_message(name).await?;
        self.view.show(Shown { result });
        Ok(())
    }
}
// ANCHOR_END: call-dotnet-example-4

// ANCHOR: call-dotnet-example-5
/// The component of example 5: the same as example 4, without the class.
pub struct CallDotNetExample5 {
    view: View,
    name: RefCell<Option<String>>,
}

#[js_invokable]
impl CallDotNetExample5 {
    /// The component, before a name was entered.
    #[js_invokable("CreateCallDotNetExample5")]
    pub fn create(view: View) -> DotNetObjectReference<CallDotNetExample5> {
        DotNetObjectReference::new(CallDotNetExample5 { view, name: RefCell::default() })
    }

    /// What the input field holds now.
    #[js_invokable]
    pub fn set_name(&self, name: Option<String>) {
        self.name.replace(name);
    }

    /// Makes a helper for this one call and shows what it says. With the method's end it is gone.
    #[js_invokable]
    pub async fn trigger_dot_net_instance_method(&self) -> Result<(), Error> {
        let obj_ref = HelloHelper::create(self.name.borrow().clone());
        let result: String = js::invoke("sayHello1", (&obj_ref,)).await?;
        self.view.show(Shown { result });
        Ok(())
    }
}
// ANCHOR_END: call-dotnet-example-5
