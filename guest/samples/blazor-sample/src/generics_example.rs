//! GenericsExample: one generic class, two types of object.

use std::cell::RefCell;
use std::fmt::Display;

use dotwit::Error;
use dotwit::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::view::View;

/// The types that the example is shown with, under the names that the documentation prints.
pub trait Named {
    /// The type's name in .NET.
    const NAME: &'static str;
}

impl Named for String {
    const NAME: &'static str = "System.String";
}

impl Named for i32 {
    const NAME: &'static str = "System.Int32";
}

// ANCHOR: generics-example
/// A value that the page updates.
pub struct GenericType<TValue> {
    value: RefCell<TValue>,
}

#[js_invokable]
impl<TValue: Named + Display + Clone + DeserializeOwned + 'static> GenericType<TValue> {
    /// Sets the value and says so on the console.
    #[js_invokable]
    pub fn update(&self, new_value: TValue) {
        println!(".NET: Update: GenericType<{}>: {new_value}", TValue::NAME);
        self.value.replace(new_value);
    }

    /// The same after everybody else had a turn. Nobody waits for it, as with the documentation's `async void`.
    #[js_invokable]
    pub fn update_async(self: std::rc::Rc<Self>, new_value: TValue) {
        task::spawn(async move {
            task::yield_now().await;
            println!(".NET: UpdateAsync: GenericType<{}>: {new_value}", TValue::NAME);
            self.value.replace(new_value);
        });
    }
}

/// An object of each type.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenericTypes {
    generic_type1: DotNetObjectReference<GenericType<String>>,
    generic_type2: DotNetObjectReference<GenericType<i32>>,
}

/// Both objects, as the example begins.
#[js_invokable]
pub fn create_generic_types() -> GenericTypes {
    GenericTypes {
        generic_type1: DotNetObjectReference::new(GenericType { value: "string 0".to_owned().into() }),
        generic_type2: DotNetObjectReference::new(GenericType { value: 0.into() }),
    }
}

/// Whether page and guest can call each other synchronously: in one thread they can, over a network they cannot. In .NET
/// `OperatingSystem.IsBrowser` says so.
fn is_browser() -> bool {
    js::get_sync::<f64>("Math.PI").is_ok()
}

/// The component.
pub struct GenericsExample {
    view: View,
    types: GenericTypes,
}

/// What the component shows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Values {
    generic_type1: String,
    generic_type2: i32,
}

#[js_invokable]
impl GenericsExample {
    /// The component, with two objects of its own.
    #[js_invokable("CreateGenericsExample")]
    pub fn create(view: View) -> DotNetObjectReference<GenericsExample> {
        let example = DotNetObjectReference::new(GenericsExample { view, types: create_generic_types() });
        example.value().show();
        example
    }

    /// Passes both objects to the page's function, and says whether they can be called synchronously.
    #[js_invokable]
    pub async fn invoke_interop(&self) -> Result<(), Error> {
        let GenericTypes { generic_type1, generic_type2 } = &self.types;
        js::invoke_void("invokeMethodsAsync", (is_browser(), generic_type1, generic_type2)).await?;
        self.show();
        Ok(())
    }

    fn show(&self) {
        let generic_type1 = self.types.generic_type1.value().value.borrow().clone();
        let generic_type2 = *self.types.generic_type2.value().value.borrow();
        self.view.show(Values { generic_type1, generic_type2 });
    }
}
// ANCHOR_END: generics-example
