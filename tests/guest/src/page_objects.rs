//! References to objects of the page: asked for, used, kept, nested, given back.

use std::cell::RefCell;
use std::collections::BTreeMap;

use dotwit::Error;
use dotwit::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Constructs with a member of the page, and passes the object to it.
#[js_invokable]
pub async fn construct_page(identifier: String, args: Value) -> Result<JsObjectReference, Error> {
    js::construct(&identifier, args).await
}

/// The same at once.
#[js_invokable]
pub fn construct_page_sync(identifier: String, args: Value) -> Result<JsObjectReference, Error> {
    js::construct_sync(&identifier, args)
}

/// The object that a function of the page returns, if it is one.
#[js_invokable]
pub async fn call_page_for_object(identifier: String, args: Value) -> Result<Option<JsObjectReference>, Error> {
    js::invoke(&identifier, args).await
}

/// The object that a function of the page returns at once, if it is one.
#[js_invokable]
pub fn call_page_for_object_sync(identifier: String, args: Value) -> Result<Option<JsObjectReference>, Error> {
    js::invoke_sync(&identifier, args)
}

/// The object that a function of the page returns, which must be one.
#[js_invokable]
pub async fn call_page_for_some_object(identifier: String, args: Value) -> Result<JsObjectReference, Error> {
    js::invoke(&identifier, args).await
}

/// The objects in what a function of the page returns.
#[js_invokable]
pub async fn call_page_for_objects(identifier: String) -> Result<BTreeMap<String, Vec<JsObjectReference>>, Error> {
    js::invoke(&identifier, ()).await
}

/// The object that a property of the page is, if it is one.
#[js_invokable]
pub async fn get_page_object(identifier: String) -> Result<Option<JsObjectReference>, Error> {
    js::get(&identifier).await
}

/// The page's global object.
#[js_invokable]
pub fn get_global() -> JsObjectReference {
    js::global()
}

/// Calls a function of the page with an object.
#[js_invokable]
pub async fn call_page_with_object(identifier: String, object: JsObjectReference) -> Result<Value, Error> {
    js::invoke(&identifier, (object,)).await
}

/// Assigns an object to a property of the page.
#[js_invokable]
pub async fn set_page_object(identifier: String, object: Option<JsObjectReference>) -> Result<(), Error> {
    js::set(&identifier, object).await
}

/// Calls a function of an object.
#[js_invokable]
pub async fn call_on(object: JsObjectReference, identifier: String, args: Value) -> Result<Value, Error> {
    object.invoke(&identifier, args).await
}

/// The same at once.
#[js_invokable]
pub fn call_on_sync(object: JsObjectReference, identifier: String, args: Value) -> Result<Value, Error> {
    object.invoke_sync(&identifier, args)
}

/// Constructs with a member of an object.
#[js_invokable]
pub async fn construct_on(
    object: JsObjectReference,
    identifier: String,
    args: Value,
) -> Result<JsObjectReference, Error> {
    object.construct(&identifier, args).await
}

/// The same at once.
#[js_invokable]
pub fn construct_on_sync(
    object: JsObjectReference,
    identifier: String,
    args: Value,
) -> Result<JsObjectReference, Error> {
    object.construct_sync(&identifier, args)
}

/// A property of an object.
#[js_invokable]
pub async fn get_on(object: JsObjectReference, identifier: String) -> Result<Value, Error> {
    object.get(&identifier).await
}

/// The same at once.
#[js_invokable]
pub fn get_on_sync(object: JsObjectReference, identifier: String) -> Result<Value, Error> {
    object.get_sync(&identifier)
}

/// Assigns to a property of an object.
#[js_invokable]
pub async fn set_on(object: JsObjectReference, identifier: String, value: Value) -> Result<(), Error> {
    object.set(&identifier, value).await
}

/// The same at once.
#[js_invokable]
pub fn set_on_sync(object: JsObjectReference, identifier: String, value: Value) -> Result<(), Error> {
    object.set_sync(&identifier, value)
}

/// The same object back.
#[js_invokable]
pub fn same_object(object: JsObjectReference) -> JsObjectReference {
    object
}

/// The same object back, if there is one, later.
#[js_invokable]
pub async fn same_object_later(object: Option<JsObjectReference>) -> Option<JsObjectReference> {
    task::yield_now().await;
    object
}

/// Objects inside a value.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cabinet {
    first: JsObjectReference,
    maybe: Option<JsObjectReference>,
    rest: Vec<JsObjectReference>,
}

/// The same objects back.
#[js_invokable]
pub fn same_cabinet(cabinet: Cabinet) -> Cabinet {
    cabinet
}

/// Looks at none of the objects that come, in a method with a parameter.
#[js_invokable]
pub fn ignore(_anything: Value) {}

/// An object where a number is expected after it.
#[js_invokable]
pub fn object_and_number(_object: JsObjectReference, number: i32) -> i32 {
    number
}

thread_local! {
    static KEPT: RefCell<Vec<JsObjectReference>> = const { RefCell::new(Vec::new()) };
}

fn last_kept() -> Result<JsObjectReference, Error> {
    KEPT.with_borrow(|kept| kept.last().cloned())
        .ok_or_else(|| Error::new(dotwit::ErrorKind::Failed, "No object is kept."))
}

/// Keeps an object. Returns how many are kept.
#[js_invokable]
pub fn keep_object(object: JsObjectReference) -> usize {
    KEPT.with_borrow_mut(|kept| {
        kept.push(object);
        kept.len()
    })
}

/// Calls a function of the object that was kept last.
#[js_invokable]
pub async fn call_on_kept(identifier: String, args: Value) -> Result<Value, Error> {
    last_kept()?.invoke(&identifier, args).await
}

/// The object that was kept last.
#[js_invokable]
pub fn get_kept() -> Result<JsObjectReference, Error> {
    last_kept()
}

/// Disposes of the object that was kept last, and keeps the reference.
#[js_invokable]
pub fn dispose_kept() -> Result<(), Error> {
    last_kept()?.dispose();
    Ok(())
}

/// Lets go of all objects that are kept.
#[js_invokable]
pub fn drop_kept() {
    drop(KEPT.take());
}

/// How many references to objects of the page this guest holds.
#[js_invokable]
pub fn live_page_objects() -> usize {
    dotwit::live_references().page_objects
}
