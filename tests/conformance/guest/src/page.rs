//! Calls of the page.

use std::time::Duration;

use dotwit::prelude::*;
use dotwit::{Error, js};
use serde_json::Value;

/// Calls a function.
#[js_invokable]
pub async fn call(function: String, args: Vec<Value>) -> Result<Value, Error> {
    js::invoke(&function, args).await
}

/// Calls a function at once.
#[js_invokable]
pub fn call_sync(function: String, args: Vec<Value>) -> Result<Value, Error> {
    js::invoke_sync(&function, args)
}

/// Calls a function for no result.
#[js_invokable]
pub async fn call_void(function: String, args: Vec<Value>) -> Result<(), Error> {
    js::invoke_void(&function, args).await
}

/// Calls a function that should give a number.
#[js_invokable]
pub async fn call_for_number(function: String, args: Vec<Value>) -> Result<i32, Error> {
    js::invoke(&function, args).await
}

/// Calls a function with a timeout in milliseconds.
#[js_invokable]
pub async fn call_within(function: String, milliseconds: u64) -> Result<(), Error> {
    js::invoke_void(&function, ()).timeout(Duration::from_millis(milliseconds)).await
}

/// Calls a function and gives up the call.
#[js_invokable]
pub async fn call_and_drop(function: String) {
    let call = js::invoke_void(&function, ());
    task::yield_now().await;
    drop(call);
}

/// Reads a member.
#[js_invokable]
pub async fn get(member: String) -> Result<Value, Error> {
    js::get(&member).await
}

/// Sets a member.
#[js_invokable]
pub async fn set(member: String, value: Value) -> Result<(), Error> {
    js::set(&member, value).await
}

/// Reads a member at once.
#[js_invokable]
pub fn get_sync(member: String) -> Result<Value, Error> {
    js::get_sync(&member)
}

/// Sets a member at once.
#[js_invokable]
pub fn set_sync(member: String, value: Value) -> Result<(), Error> {
    js::set_sync(&member, value)
}

/// Constructs an object that has a method `sum`, and calls it, all at once.
#[js_invokable]
pub fn construct_and_sum_sync(class: String, args: Vec<Value>) -> Result<Value, Error> {
    js::construct_sync(&class, args)?.invoke_sync("sum", ())
}

/// Imports a module and calls a function of it.
#[js_invokable]
pub async fn import_and_call(url: String, function: String, args: Vec<Value>) -> Result<Value, Error> {
    let module = js::import(&url).await?;
    module.invoke(&function, args).await
}
