//! Numbers that JSON has no place for.

use dotwit::prelude::*;

/// Numbers of any kind, as floats of 64 bits.
#[js_invokable]
pub fn echo_numbers(numbers: TypedArray<f64>) -> TypedArray<f64> {
    numbers
}

/// An integer, as it came.
#[js_invokable]
pub fn echo_big_int(integer: BigInt<i128>) -> BigInt<i128> {
    integer
}

/// An integer, as a text.
#[js_invokable]
pub fn echo_wide(integer: i128) -> String {
    integer.to_string()
}

/// An object and an integer.
#[js_invokable]
pub fn counter_and_integer(integer: u64) -> (DotNetObjectReference<crate::objects::Counter>, u64) {
    (crate::objects::Counter::create(1), integer)
}
