//! Numbers that JSON has no place for.

use std::collections::VecDeque;

use dotwit::prelude::*;
use dotwit::{Error, js};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A vector as it came.
#[js_invokable]
pub fn vector(values: Vec<f64>) -> Vec<f64> {
    values
}

/// A vector of floats of 32 bits as it came.
#[js_invokable]
pub fn vector32(values: Vec<f32>) -> Vec<f32> {
    values
}

/// A vector of integers as it came.
#[js_invokable]
pub fn integers(values: Vec<i32>) -> Vec<i32> {
    values
}

/// Integers of any size as they came, as texts.
#[js_invokable]
pub fn wide_integers(values: Vec<i128>) -> Vec<String> {
    values.iter().map(i128::to_string).collect()
}

/// An array of three.
#[js_invokable]
pub fn three(values: [f32; 3]) -> [f32; 3] {
    values
}

/// A queue, turned by one.
#[js_invokable]
pub fn turn(mut values: VecDeque<f32>) -> VecDeque<f32> {
    values.rotate_left(1);
    values
}

/// Vectors in an object.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    title: String,
    points: Vec<f32>,
    #[serde(default)]
    errors: Option<Vec<f64>>,
    #[serde(default)]
    rows: Vec<Vec<i16>>,
}

/// The chart as it came.
#[js_invokable]
pub fn chart(chart: Chart) -> Chart {
    chart
}

/// A vector whose elements may be missing.
#[js_invokable]
pub fn gaps(values: Vec<Option<f32>>) -> Vec<Option<f32>> {
    values
}

/// What is there, and how much of it.
#[js_invokable]
pub fn count(values: Option<Vec<u8>>) -> Option<usize> {
    values.map(|values| values.len())
}

macro_rules! echo {
    ($($name:ident $type:ty;)*) => {$(
        /// The array as it came.
        #[js_invokable]
        pub fn $name(values: TypedArray<$type>) -> TypedArray<$type> {
            values
        }
    )*};
}

echo! {
    typed_i8 i8;
    typed_u8 u8;
    typed_i16 i16;
    typed_u16 u16;
    typed_i32 i32;
    typed_u32 u32;
    typed_i64 i64;
    typed_u64 u64;
    typed_f32 f32;
    typed_f64 f64;
}

/// The array as it came, later.
#[js_invokable]
pub async fn typed_later(values: TypedArray<f32>) -> TypedArray<f32> {
    task::yield_now().await;
    values
}

/// Typed arrays in an object, beside what else travels as bytes.
#[derive(Serialize, Deserialize)]
pub struct Signal {
    label: String,
    samples: TypedArray<f32>,
    raw: Bytes,
    plain: Vec<f32>,
    more: Vec<TypedArray<i16>>,
    none: Option<TypedArray<f64>>,
    id: BigInt<u64>,
}

/// The signal as it came.
#[js_invokable]
pub fn signal(signal: Signal) -> Signal {
    signal
}

/// Passes a typed array to a function of the page that returns one.
#[js_invokable]
pub async fn call_typed(function: String, values: TypedArray<f32>) -> Result<TypedArray<f32>, Error> {
    js::invoke(&function, (&values,)).await
}

/// The same at once.
#[js_invokable]
pub fn call_typed_sync(function: String, values: TypedArray<f32>) -> Result<TypedArray<f32>, Error> {
    js::invoke_sync(&function, (&values,))
}

/// Passes a typed array to a function of the page, and takes what it returns for a plain vector.
#[js_invokable]
pub async fn call_for_vector(function: String, values: Vec<f32>) -> Result<Vec<f32>, Error> {
    js::invoke(&function, (TypedArray(values),)).await
}

/// An integer as it came.
#[js_invokable]
pub fn signed(value: i64) -> i64 {
    value
}

/// An integer without a sign, from its text.
#[js_invokable]
pub fn unsigned(digits: String) -> u64 {
    digits.parse().unwrap_or_default()
}

/// An integer without a sign, from its text, later.
#[js_invokable]
pub async fn unsigned_later(digits: String) -> u64 {
    task::yield_now().await;
    unsigned(digits)
}

/// An integer in an object, from its text.
#[js_invokable]
pub fn labelled_unsigned(digits: String) -> Value {
    serde_json::json!({ "label": format!("\"{digits}\\"), "values": [1, unsigned(digits)] })
}

/// A float as it came.
#[js_invokable]
pub fn float(value: f64) -> f64 {
    value
}

/// An integer as its text.
#[js_invokable]
pub fn digits_of(value: i64) -> String {
    value.to_string()
}

/// An integer without a sign as its text.
#[js_invokable]
pub fn digits_of_unsigned(value: u64) -> String {
    value.to_string()
}

/// An integer of 128 bits as its text.
#[js_invokable]
pub fn digits_of_wide(value: i128) -> String {
    value.to_string()
}

/// Whatever it is, as JSON in a text.
#[js_invokable]
pub fn json_of(value: Value) -> String {
    value.to_string()
}

/// An integer as it came, exact on the page.
#[js_invokable]
pub fn big(value: BigInt<i64>) -> BigInt<i64> {
    value
}

/// An integer of 128 bits as it came.
#[js_invokable]
pub fn big_wide(value: BigInt<u128>) -> BigInt<u128> {
    value
}

/// One more, in a list.
#[js_invokable]
pub fn bigs(values: Vec<BigInt<u64>>) -> Vec<BigInt<u64>> {
    values.into_iter().map(|BigInt(value)| BigInt(value.wrapping_add(1))).collect()
}

/// Passes an integer to a function of the page for another.
#[js_invokable]
pub async fn call_big(function: String, value: BigInt<i64>) -> Result<BigInt<i64>, Error> {
    js::invoke(&function, (value,)).await
}

/// Passes an integer, from its text, to a function of the page as the number that it is not everywhere.
#[js_invokable]
pub async fn call_unsigned(function: String, digits: String) -> Result<Value, Error> {
    js::invoke(&function, (unsigned(digits),)).await
}

/// The same at once.
#[js_invokable]
pub fn call_unsigned_sync(function: String, digits: String) -> Result<Value, Error> {
    js::invoke_sync(&function, (unsigned(digits),))
}
