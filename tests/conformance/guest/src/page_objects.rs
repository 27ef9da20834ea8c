//! References to objects of the page, kept by name.

use std::cell::RefCell;
use std::collections::HashMap;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind, js};
use serde::Deserialize;
use serde_json::{Value, json};

thread_local! {
    static HELD: RefCell<HashMap<String, JsObjectReference>> = RefCell::default();
}

/// Keeps what there is, and tells whether there is something.
fn hold(name: String, reference: Option<JsObjectReference>) -> bool {
    let found = reference.is_some();
    if let Some(reference) = reference {
        HELD.with_borrow_mut(|held| held.insert(name, reference));
    }
    found
}

fn held_as(name: &str) -> Result<JsObjectReference, Error> {
    HELD.with_borrow(|held| held.get(name).cloned())
        .ok_or_else(|| Error::new(ErrorKind::Failed, format!("Nothing is held as '{name}'.")))
}

/// Keeps what a function of the page returns. Returns whether that is an object.
#[js_invokable("Hold")]
pub async fn hold_result(name: String, function: String, args: Vec<Value>) -> Result<bool, Error> {
    Ok(hold(name, js::invoke(&function, args).await?))
}

/// Keeps what a member has. Whether it has an object.
#[js_invokable]
pub async fn hold_member(name: String, member: String) -> Result<bool, Error> {
    Ok(hold(name, js::get(&member).await?))
}

/// Keeps what is constructed.
#[js_invokable]
pub async fn construct(name: String, class: String, args: Vec<Value>) -> Result<(), Error> {
    hold(name, Some(js::construct(&class, args).await?));
    Ok(())
}

/// Keeps what was passed.
#[js_invokable]
pub fn keep(name: String, object: JsObjectReference) {
    hold(name, Some(object));
}

/// Drops what was kept.
#[js_invokable("Drop")]
pub fn drop_held(name: String) {
    HELD.with_borrow_mut(|held| held.remove(&name));
}

/// Disposes of what stays kept.
#[js_invokable]
pub fn dispose_held(name: String) -> Result<(), Error> {
    held_as(&name)?.dispose();
    Ok(())
}

/// What was kept.
#[js_invokable]
pub fn held(name: String) -> Result<JsObjectReference, Error> {
    held_as(&name)
}

/// Calls a function of what was kept.
#[js_invokable]
pub async fn call_on(name: String, function: String, args: Vec<Value>) -> Result<Value, Error> {
    held_as(&name)?.invoke(&function, args).await
}

/// Reads a member of what was kept.
#[js_invokable]
pub async fn get_on(name: String, member: String) -> Result<Value, Error> {
    held_as(&name)?.get(&member).await
}

/// Sets a member of what was kept.
#[js_invokable]
pub async fn set_on(name: String, member: String, value: Value) -> Result<(), Error> {
    held_as(&name)?.set(&member, value).await
}

/// Sets a member of the page to what was kept.
#[js_invokable]
pub async fn set_held(member: String, name: String) -> Result<(), Error> {
    js::set(&member, held_as(&name)?).await
}

/// Passes what was kept to a function of the page.
#[js_invokable]
pub async fn call_with(function: String, name: String) -> Result<Value, Error> {
    js::invoke(&function, (held_as(&name)?,)).await
}

/// Calls a function of an argument.
#[js_invokable]
pub async fn call_on_argument(object: JsObjectReference, function: String) -> Result<Value, Error> {
    object.invoke(&function, ()).await
}

/// An object of the page inside a value.
#[derive(Deserialize)]
pub struct Nested {
    target: JsObjectReference,
}

/// Calls a function of what is inside an argument.
#[js_invokable]
pub async fn call_on_nested(value: Nested, function: String) -> Result<Value, Error> {
    value.target.invoke(&function, ()).await
}

/// An object of the page inside a result.
#[derive(Deserialize)]
pub struct Point {
    point: JsObjectReference,
}

/// Calls a function of what is inside the result of a function of the page.
#[js_invokable]
pub async fn call_nested_reference(function: String, method: String) -> Result<Value, Error> {
    let result: Point = js::invoke(&function, ()).await?;
    result.point.invoke(&method, ()).await
}

/// Names an object that the page never handed out.
#[js_invokable]
pub async fn pass_unknown(function: String, id: u64) -> Result<Value, Error> {
    js::invoke(&function, (json!({ "__jsObjectId": id }),)).await
}
