//! Byte arrays.

use dotwit::prelude::*;
use dotwit::{Error, js};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The bytes from last to first.
#[js_invokable]
pub fn reverse(mut bytes: Bytes) -> Bytes {
    bytes.reverse();
    bytes
}

/// Bytes with a label.
#[derive(Serialize, Deserialize)]
pub struct Labelled {
    label: String,
    data: Bytes,
}

/// The nested bytes from last to first.
#[js_invokable]
pub fn reverse_nested(value: Labelled) -> Labelled {
    Labelled { data: reverse(value.data), ..value }
}

/// Both the other way round.
#[js_invokable]
pub fn swap(a: Bytes, b: Bytes) -> (Bytes, Bytes) {
    (b, a)
}

/// Passes bytes to a function of the page that returns bytes.
#[js_invokable]
pub async fn call_bytes(function: String, bytes: Bytes) -> Result<Bytes, Error> {
    js::invoke(&function, (bytes,)).await
}

/// Passes several arrays as arguments.
#[js_invokable]
pub async fn sizes(function: String, arrays: Vec<Bytes>) -> Result<Value, Error> {
    js::invoke(&function, arrays).await
}

/// Passes nested bytes to a function of the page that returns nested bytes.
#[js_invokable]
pub async fn call_nested_bytes(function: String, bytes: Bytes) -> Result<Labelled, Error> {
    js::invoke(&function, (Labelled { label: "from the guest".to_owned(), data: bytes },)).await
}
