//! CallDotNetExample2 to 5: instance methods.

use std::cell::RefCell;

use dotwit::prelude::*;

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

/// The component of example 2: it has a name that its input field sets, which may not have happened yet.
#[derive(Default)]
pub struct CallDotNetExample2 {
    name: RefCell<Option<String>>,
}

#[js_invokable]
impl CallDotNetExample2 {
    /// The component, before a name was entered.
    #[js_invokable("CreateExample2")]
    pub fn create() -> DotNetObjectReference<CallDotNetExample2> {
        DotNetObjectReference::new(CallDotNetExample2::default())
    }

    /// What the input field holds now.
    #[js_invokable]
    pub fn set_name(&self, name: Option<String>) {
        self.name.replace(name);
    }

    /// `Hello, NAME!`, and `Hello, !` before a name was entered.
    #[js_invokable]
    pub fn get_hello_message(&self) -> String {
        format!("Hello, {}!", self.name.borrow().as_deref().unwrap_or_default())
    }
}

/// The component of example 3: the page says which name.
pub struct CallDotNetExample3;

#[js_invokable]
impl CallDotNetExample3 {
    /// The component.
    #[js_invokable("CreateExample3")]
    pub fn create() -> DotNetObjectReference<CallDotNetExample3> {
        DotNetObjectReference::new(CallDotNetExample3)
    }

    /// `Hello, NAME!`, and `Hello, !` without one.
    #[js_invokable]
    pub fn get_hello_message(&self, name: Option<String>) -> String {
        format!("Hello, {}!", name.unwrap_or_default())
    }
}
