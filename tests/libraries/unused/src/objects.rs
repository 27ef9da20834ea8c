//! Methods of a type.

use dotwit::prelude::*;

/// A number that is not zero.
pub struct NonZero;

#[js_invokable]
impl NonZero {
    /// Whether a number is one.
    #[js_invokable]
    pub fn unused_is_non_zero(number: i32) -> bool {
        number != 0
    }
}
