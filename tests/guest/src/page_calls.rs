//! Calls to the page. Its errors come back as they are.

use std::time::Duration;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde_json::Value;

/// What a function of the page returns.
#[js_invokable]
pub async fn call_page(identifier: String, args: Value) -> Result<Value, Error> {
    js::invoke(&identifier, args).await
}

/// What a function of the page returns at once.
#[js_invokable]
pub fn call_page_sync(identifier: String, args: Value) -> Result<Value, Error> {
    js::invoke_sync(&identifier, args)
}

/// Calls a function of the page for nothing but its effect.
#[js_invokable]
pub async fn call_page_void(identifier: String, args: Value) -> Result<(), Error> {
    js::invoke_void(&identifier, args).await
}

/// Calls a function of the page at once, for nothing but its effect.
#[js_invokable]
pub fn call_page_void_sync(identifier: String, args: Value) -> Result<(), Error> {
    js::invoke_void_sync(&identifier, args)
}

/// What a function of the page returns, as a number.
#[js_invokable]
pub async fn call_page_for_number(identifier: String, args: Value) -> Result<i32, Error> {
    js::invoke(&identifier, args).await
}

/// A property of the page.
#[js_invokable]
pub async fn get_page(identifier: String) -> Result<Value, Error> {
    js::get(&identifier).await
}

/// A property of the page, at once.
#[js_invokable]
pub fn get_page_sync(identifier: String) -> Result<Value, Error> {
    js::get_sync(&identifier)
}

/// Assigns to a property of the page.
#[js_invokable]
pub async fn set_page(identifier: String, value: Value) -> Result<(), Error> {
    js::set(&identifier, value).await
}

/// Assigns to a property of the page, at once.
#[js_invokable]
pub fn set_page_sync(identifier: String, value: Value) -> Result<(), Error> {
    js::set_sync(&identifier, value)
}

/// Bytes through a function of the page, as an argument and inside another.
#[js_invokable]
pub async fn call_page_with_bytes(identifier: String, bytes: Bytes) -> Result<Bytes, Error> {
    let nested = std::collections::BTreeMap::from([("bytes", &bytes)]);
    js::invoke(&identifier, (&bytes, nested)).await
}

/// Bytes through a function of the page, at once.
#[js_invokable]
pub fn call_page_with_bytes_sync(identifier: String, bytes: Bytes) -> Result<Bytes, Error> {
    js::invoke_sync(&identifier, (bytes,))
}

/// What a function of the page returns within some milliseconds.
#[js_invokable]
pub async fn call_page_with_timeout(identifier: String, args: Value, milliseconds: u64) -> Result<Value, Error> {
    js::invoke(&identifier, args).timeout(Duration::from_millis(milliseconds)).await
}

/// Begins a call of the page and drops it after some turns.
#[js_invokable]
pub async fn call_page_and_drop(identifier: String, args: Value, turns: u32) {
    let call = js::invoke_void(&identifier, args);
    for _ in 0..turns {
        task::yield_now().await;
    }
    drop(call);
}

/// Begins a call of the page and leaves it to itself.
#[js_invokable]
pub fn call_page_and_forget(identifier: String, args: Value) {
    js::invoke_void(&identifier, args).detach();
}

/// Calls a function of the page with each of the numbers below `count`, all at once, and returns what they return, with
/// the kind of its error for each that fails.
#[js_invokable]
pub async fn call_page_often(identifier: String, count: u32) -> Vec<Result<Value, String>> {
    let calls: Vec<js::Call<Value>> = (0..count).map(|number| js::invoke(&identifier, (number,))).collect();
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        results.push(call.await.map_err(|error| error.kind().to_string()));
    }
    results
}

/// Calls a function of the page with each of the numbers below `count`, one after the other, and returns the last result.
#[js_invokable]
pub async fn call_page_in_sequence(identifier: String, count: u32) -> Result<Value, Error> {
    let mut last = Value::Null;
    for number in 0..count {
        last = js::invoke(&identifier, (number,)).await?;
    }
    Ok(last)
}

/// The same with synchronous calls.
#[js_invokable]
pub fn call_page_in_sequence_sync(identifier: String, count: u32) -> Result<Value, Error> {
    (0..count).try_fold(Value::Null, |_, number| js::invoke_sync(&identifier, (number,)))
}

/// What a function of a module returns.
#[js_invokable]
pub async fn import_module(url: String, function: String, args: Value) -> Result<Value, Error> {
    js::import(&url).await?.invoke(&function, args).await
}

/// Greets.
pub struct Greeter {
    name: String,
}

#[js_invokable]
impl Greeter {
    /// A greeting.
    #[js_invokable]
    pub fn get_hello_message(&self) -> String {
        format!("Hello, {}!", self.name)
    }

    /// A greeting, later.
    #[js_invokable]
    pub async fn get_hello_message_async(self: std::rc::Rc<Self>) -> String {
        task::yield_now().await;
        self.get_hello_message()
    }

    /// What a function of the page returns that gets a greeter and a name: guest → page → guest and back.
    #[js_invokable("CallPageWithGreeter")]
    pub async fn call_page(identifier: String, name: String) -> Result<Value, Error> {
        js::invoke(&identifier, (DotNetObjectReference::new(Greeter { name: name.clone() }), name)).await
    }

    /// The same at once.
    #[js_invokable("CallPageWithGreeterSync")]
    pub fn call_page_sync(identifier: String, name: String) -> Result<Value, Error> {
        let greeter = DotNetObjectReference::new(Greeter { name: name.clone() });
        js::invoke_sync(&identifier, (greeter, name))
    }

    /// Passes the page a greeter to keep.
    #[js_invokable("GiveGreeterToPage")]
    pub async fn give_to_page(identifier: String, name: String) -> Result<(), Error> {
        let greeter = DotNetObjectReference::new(Greeter { name });
        greeter.give_to_page()?;
        js::invoke_void(&identifier, (greeter,)).await
    }

    /// Whether a function of the page that gets a greeter returns the same one.
    #[js_invokable("PageReturnsGreeter")]
    pub async fn page_returns(identifier: String) -> Result<bool, Error> {
        let greeter = DotNetObjectReference::new(Greeter { name: String::new() });
        let same: DotNetObjectReference<Greeter> = js::invoke(&identifier, (&greeter,)).await?;
        Ok(std::ptr::eq(same.value(), greeter.value()))
    }
}

/// Calls the page down to `depth`: a function of the page that is called with it calls this with one less. Returns the
/// depth.
#[js_invokable]
pub async fn nest_calls(identifier: String, depth: u32) -> Result<u32, Error> {
    if depth == 0 {
        return Ok(0);
    }
    let below: u32 = js::invoke(&identifier, (depth - 1,)).await?;
    Ok(below + 1)
}

/// The same with synchronous calls.
#[js_invokable]
pub fn nest_calls_sync(identifier: String, depth: u32) -> Result<u32, Error> {
    if depth == 0 {
        return Ok(0);
    }
    let below: u32 = js::invoke_sync(&identifier, (depth - 1,))?;
    Ok(below + 1)
}

/// Calls a function of the page with something that cannot be sent, after a reference that could be.
#[js_invokable]
pub async fn call_page_unserialisable(identifier: String) -> Result<(), Error> {
    let greeter = DotNetObjectReference::new(Greeter { name: String::new() });
    js::invoke_void(&identifier, (greeter, std::collections::BTreeMap::from([(vec![1], 1)]))).await
}

/// The kind, message and detail of the error that a call of the page fails with.
#[js_invokable]
pub async fn describe_page_error(identifier: String, args: Value) -> Result<(String, String, Option<String>), Error> {
    match js::invoke::<Value>(&identifier, args).await {
        Ok(value) => Err(Error::new(ErrorKind::Failed, format!("The call succeeded with {value}."))),
        Err(error) => Ok((error.kind().to_string(), error.message().to_owned(), error.detail().map(str::to_owned))),
    }
}
