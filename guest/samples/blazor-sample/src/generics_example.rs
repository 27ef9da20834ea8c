//! GenericsExample: one generic class, two types of object.

use std::cell::RefCell;
use std::fmt::Display;

use dotwit::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// A value that the page updates.
pub struct GenericType<TValue> {
    value: RefCell<TValue>,
}

#[js_invokable]
impl<TValue: Named + Display + Clone + Serialize + DeserializeOwned + 'static> GenericType<TValue> {
    /// Sets the value and says so on the console.
    #[js_invokable]
    pub fn update(&self, new_value: TValue) {
        println!(".NET: Update: GenericType<{}>: {new_value}", TValue::NAME);
        self.value.replace(new_value);
    }

    /// The same after everybody else had a turn. The caller does not wait for it, as with the documentation's `async void`.
    #[js_invokable]
    pub fn update_async(self: std::rc::Rc<Self>, new_value: TValue) {
        task::spawn(async move {
            task::yield_now().await;
            println!(".NET: UpdateAsync: GenericType<{}>: {new_value}", TValue::NAME);
            self.value.replace(new_value);
        });
    }

    /// The value, for the page to show.
    #[js_invokable]
    pub fn get_value(&self) -> TValue {
        self.value.borrow().clone()
    }
}

/// The two objects of the example, as it begins.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenericsExample {
    generic_type1: DotNetObjectReference<GenericType<String>>,
    generic_type2: DotNetObjectReference<GenericType<i32>>,
}

/// Makes the example's two objects.
#[js_invokable]
pub fn create_generics_example() -> GenericsExample {
    GenericsExample {
        generic_type1: DotNetObjectReference::new(GenericType { value: "string 0".to_owned().into() }),
        generic_type2: DotNetObjectReference::new(GenericType { value: 0.into() }),
    }
}
