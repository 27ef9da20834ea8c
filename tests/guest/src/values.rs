//! Values in and out, at once and later.

use std::fmt;
use std::time::Duration;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Any JSON value, as it came.
#[js_invokable]
pub fn echo(value: Value) -> Value {
    value
}

/// A string, as it came.
#[js_invokable]
pub fn echo_string(text: String) -> String {
    text
}

/// A text of so many characters.
#[js_invokable]
pub fn make_text(length: usize) -> String {
    "x".repeat(length)
}

/// The same later.
#[js_invokable]
pub async fn make_text_later(length: usize) -> String {
    task::yield_now().await;
    make_text(length)
}

/// The sum of the lengths of byte arrays.
#[js_invokable]
pub fn bytes_length(bytes: Vec<Bytes>) -> usize {
    bytes.iter().map(|bytes| bytes.len()).sum()
}

/// A byte array, as it came.
#[js_invokable]
pub fn echo_bytes(bytes: Bytes) -> Bytes {
    bytes
}

/// A sum.
#[js_invokable]
#[js_invokable("AddAlias")]
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

/// Nothing.
#[js_invokable]
pub fn nothing() {}

/// Nothing, in its own time.
#[js_invokable]
pub async fn nothing_async() {}

/// Whether there was something.
#[js_invokable]
pub fn is_some(value: Option<i32>) -> bool {
    value.is_some()
}

/// A value with a name in camelCase and bytes inside.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parcel {
    string_value: String,
    int_value: i32,
    #[serde(default)]
    payload: Option<Bytes>,
}

/// The parcel, with one more and with its payload turned round.
#[js_invokable]
pub fn forward(mut parcel: Parcel) -> Parcel {
    parcel.int_value += 1;
    if let Some(payload) = &mut parcel.payload {
        payload.reverse();
    }
    parcel
}

/// The value after some milliseconds.
#[js_invokable]
pub async fn echo_after(value: Value, milliseconds: u64) -> Value {
    task::sleep(Duration::from_millis(milliseconds)).await;
    value
}

/// The value after some turns of the page.
#[js_invokable]
pub async fn echo_after_yields(value: Value, turns: u32) -> Value {
    for _ in 0..turns {
        task::yield_now().await;
    }
    value
}

/// The value, from a function that returns a future.
#[js_invokable]
#[expect(clippy::manual_async_fn, reason = "functions that return a future are what is tested")]
pub fn echo_by_future(value: Value) -> impl Future<Output = Result<Value, Error>> {
    async move {
        task::yield_now().await;
        Ok(value)
    }
}

/// The value, from a future that is ready.
#[js_invokable]
pub fn echo_ready(value: Value) -> std::future::Ready<Value> {
    std::future::ready(value)
}

/// Never ends.
#[js_invokable]
pub async fn never() {
    std::future::pending::<()>().await;
}

/// An error of the method's own.
#[derive(Debug)]
pub struct OutOfTea;

impl fmt::Display for OutOfTea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("There is no tea left.")
    }
}

/// Fails.
#[js_invokable]
pub fn fail() -> Result<i32, OutOfTea> {
    Err(OutOfTea)
}

/// Fails later.
#[js_invokable]
pub async fn fail_async() -> Result<i32, OutOfTea> {
    task::yield_now().await;
    Err(OutOfTea)
}

/// Fails with a kind of its choice and a detail.
#[js_invokable]
pub fn fail_as_unsupported() -> Result<(), Error> {
    Err(Error::new(ErrorKind::Unsupported, "Tea cannot be made here.").with_detail("no kettle"))
}

/// An array that nests this deep.
#[js_invokable]
pub fn nest(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

/// A value that cannot be serialised: JSON's keys are strings.
#[js_invokable]
pub fn unserialisable() -> std::collections::BTreeMap<Vec<u8>, u8> {
    [(vec![1], 1)].into()
}
