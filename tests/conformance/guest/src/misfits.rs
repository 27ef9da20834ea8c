//! Methods that take what JSON has no type for.

use std::collections::BTreeMap;

use dotwit::prelude::*;
use serde::{Deserialize, Serialize};

/// One of two.
#[derive(Serialize, Deserialize)]
pub enum Color {
    /// The first.
    Red,
    /// The other one.
    Green,
}

/// The same color.
#[js_invokable]
pub fn echo_color(color: Color) -> Color {
    color
}

/// The same map.
#[js_invokable]
pub fn map_by_number(map: BTreeMap<i32, String>) -> BTreeMap<i32, String> {
    map
}

/// The same number.
#[js_invokable]
pub fn echo_u128(number: u128) -> u128 {
    number
}

/// The same number, if it is one of these.
#[js_invokable]
pub fn echo_f32(number: f32) -> f32 {
    number
}

/// The same text.
#[js_invokable]
pub fn echo_str(text: String) -> String {
    text
}

/// The same numbers.
#[js_invokable]
pub async fn echo_numbers(numbers: Vec<u8>) -> Vec<u8> {
    numbers
}

/// Takes an object of the page.
#[js_invokable]
pub fn take_reference(_object: JsObjectReference) {}
