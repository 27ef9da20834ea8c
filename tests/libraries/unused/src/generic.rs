//! Methods among generic code.

use dotwit::prelude::*;
use serde::Serialize;

/// The same value. The method inside has nothing to do with the function's type.
pub fn same<T>(value: T) -> T {
    /// The negative number.
    #[js_invokable]
    #[expect(unreachable_pub, reason = "methods are public, wherever they are")]
    pub fn unused_negative(number: i32) -> i32 {
        -number
    }
    value
}

macro_rules! add {
    ($($name:ident $summand:literal)*) => {$(
        /// A sum.
        #[js_invokable]
        pub fn $name(number: i32) -> i32 {
            number + $summand
        }
    )*};
}

add!(unused_add_one 1 unused_add_two 2);

/// Something generic.
pub struct Holder<T>(T);

#[js_invokable]
impl<T: Serialize + Clone + 'static> Holder<T> {
    /// What it holds.
    #[js_invokable]
    pub fn held(&self) -> T {
        self.0.clone()
    }
}

/// A holder of a number.
#[js_invokable]
pub fn unused_holder(number: i32) -> DotNetObjectReference<Holder<i32>> {
    DotNetObjectReference::new(Holder(number))
}
