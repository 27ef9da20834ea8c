//! The SDK for **guests**: WebAssembly components whose Rust functions JavaScript calls by name, as a Blazor page calls
//! .NET.
//!
//! ```
//! use dotwit::prelude::*;
//!
//! dotwit::export!("MyApp"); // the assembly's name, once per component
//!
//! /// Called with `await DotNet.invokeMethodAsync('MyApp', 'ReturnArrayAsync')`.
//! #[js_invokable]
//! pub async fn return_array_async() -> Vec<i32> {
//!     vec![1, 2, 3]
//! }
//! # fn main() {}
//! ```
//!
//! Build it as a `cdylib` for `wasm32-wasip2`, or for `wasm32-wasip1` with `cargo component` (`wasm32-unknown-unknown` has no
//! clock, which tasks need). The `dotwit` command line, a native program and a web page can then call it. The attribute is
//! all that registers a method.
//!
//! # Methods
//!
//! [`js_invokable`] goes on public functions and on `impl` blocks, with or without an id of your own. Parameters are
//! anything that implements `serde::Deserialize` and owns its data. A method returns anything that implements
//! `serde::Serialize`, a `Result` of it with any error that implements `Display`, nothing, or a future of one of these, from
//! an `async fn` or a function that returns one. Asynchronous methods can only be called with `invokeMethodAsync`.
//!
//! Methods of library crates belong to the assembly, too, if the guest names the crate: `use the_library as _;` is enough.
//!
//! # Values
//!
//! Values travel as JSON, as serde writes and reads it. Blazor writes properties in camelCase and reads them in any case; in
//! Rust you ask for it: `#[serde(rename_all = "camelCase")]` on a type, `#[serde(alias = "Name")]` on a field. `NaN` and the
//! infinities become `null`, as in JavaScript. Arguments and results nest at most 32 deep. [`Bytes`] is a `Uint8Array` on the
//! page and travels beside the JSON.
//!
//! Number types:
//!
//! | in Rust | to the page | from the page |
//! | --- | --- | --- |
//! | integers up to 2^53, floats | `number` | `number` |
//! | `i64`, `u64`, `i128`, `u128` beyond | an error that names the integer, unless a `number` holds it exactly | `bigint` |
//! | [`BigInt`] | `bigint` | `bigint`, or a `number` that is an integer up to 2^53 |
//! | `Vec<f32>`, `[i16; 3]` and the like | an array of numbers | an array, or any typed array but `Uint8Array` |
//! | [`TypedArray<f32>`](TypedArray) and the like | `Float32Array` and the like | an array, or any typed array |
//!
//! Blazor silently rounds integers beyond 2^53. A `serde_json::Value` has 64 bits for an integer, and makes a float of a larger
//! `bigint`. If a plain `Vec` reads a typed array that has a `NaN`, the call fails, and the error names its index.
//!
//! # References
//!
//! A [`DotNetObjectReference`] lets the page call the methods of an object; its documentation says which side owns the object.
//!
//! ```
//! use dotwit::prelude::*;
//!
//! pub struct HelloHelper {
//!     name: String,
//! }
//!
//! #[js_invokable]
//! impl HelloHelper {
//!     #[js_invokable]
//!     pub fn get_hello_message(&self) -> String {
//!         format!("Hello, {}!", self.name)
//!     }
//! }
//!
//! /// `const helper = await DotNet.invokeMethodAsync('MyApp', 'CreateHelper', 'Ada')`, and then
//! /// `await helper.invokeMethodAsync('GetHelloMessage')` until `helper.dispose()`.
//! #[js_invokable]
//! pub fn create_helper(name: String) -> DotNetObjectReference<HelloHelper> {
//!     DotNetObjectReference::new(HelloHelper { name })
//! }
//! # dotwit::export!("MyApp");
//! # fn main() {}
//! ```
//!
//! # Calling the page
//!
//! The module [`js`] calls functions of the page, constructs, reads and assigns, by dotted paths, and imports modules.
//!
//! ```
//! use std::time::Duration;
//!
//! use dotwit::prelude::*;
//! # pub struct HelloHelper { name: String }
//! # #[js_invokable]
//! # impl HelloHelper {}
//!
//! /// The page's `sayHello1` calls back: `helper.invokeMethodAsync('GetHelloMessage')`.
//! #[js_invokable]
//! pub async fn say_hello(name: String) -> Result<String, dotwit::Error> {
//!     let helper = DotNetObjectReference::new(HelloHelper { name });
//!     js::invoke("sayHello1", (&helper,)).timeout(Duration::from_secs(5)).await
//! }
//! # dotwit::export!("MyApp");
//! # fn main() {}
//! ```
//!
//! A [`JsObjectReference`] is an object or a function of the page. A call can ask for one as its result, as [`js::import`]
//! does, and an argument is one if the page made it with `DotNet.createJSObjectReference`. It has the same functions as the
//! module, for its own members. When its last clone is dropped, the page may forget the object. Only what is *read* as a
//! reference is kept: in a `serde_json::Value` a placeholder means nothing once the arguments have been read.
//!
//! # Streams
//!
//! What is too large for one message is read in chunks, in both directions. A [`JsStreamReference`] is a file, or something else
//! that the page passed to `DotNet.createJSStreamReference`; [`open_read_stream`](JsStreamReference::open_read_stream) reads
//! it. A [`DotNetStreamReference`] is made of bytes, a reader or a stream, and is a `ReadableStream` on the page.
//!
//! ```
//! use dotwit::prelude::*;
//!
//! /// `await DotNet.invokeMethodAsync('MyApp', 'Shout', DotNet.createJSStreamReference(file))`, and then
//! /// `await result.stream()`.
//! #[js_invokable]
//! pub async fn shout(file: JsStreamReference) -> Result<DotNetStreamReference, dotwit::Error> {
//!     let mut text = file.open_read_stream(10_000_000)?.read_all().await?;
//!     text.make_ascii_uppercase();
//!     Ok(DotNetStreamReference::from_bytes(text))
//! }
//! # dotwit::export!("MyApp");
//! # fn main() {}
//! ```
//!
//! # Errors and panics
//!
//! An error that a method returns rejects its caller's promise, and nothing else; with [`Error`] the method chooses its kind. A
//! panic ends the component: every call that is under way fails with the panic's message, and a host may start it again.
//!
//! # Inside
//!
//! A call comes in through `exports`, and `invoke` finds its method. The closure that the attribute generated reads the
//! arguments with `method::arguments`, calls the method, and `invoke::encode` writes its result; both use `codec`, which turns
//! messages into values and back, for the types of `value`. A call to the page begins in `js`, waits in `pending`, and goes out
//! through `page`. Folders import only those below them, and each says which in its first comment.

// The code that wit-bindgen generates for a component is unsafe.
#![cfg_attr(not(target_family = "wasm"), forbid(unsafe_code))]
#![warn(missing_debug_implementations)]

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
mod codec;
mod error;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod exports;
mod id_map;
mod invoke;
pub mod js;
mod message;
mod method;
mod page;
mod pending;
pub mod task;
mod value;

pub use dotwit_macros::js_invokable;
pub use dotwit_wire::{BigInt, Bytes, Element, Integer, TypedArray};
pub use error::{Error, ErrorKind};
pub use method::Invokable;
pub use value::dotnet_object::DotNetObjectReference;
pub use value::dotnet_stream::DotNetStreamReference;
pub use value::js_object::JsObjectReference;
pub use value::js_stream::{DEFAULT_MAX_ALLOWED_SIZE, JsStream, JsStreamReference};
pub use value::{LiveReferences, live_references};

/// What most modules of a guest need: `use dotwit::prelude::*;`.
pub mod prelude {
    pub use crate::{
        BigInt, Bytes, DotNetObjectReference, DotNetStreamReference, JsObjectReference, JsStreamReference, TypedArray,
        js, js_invokable, task,
    };
}

/// Makes the crate a guest, and names its assembly. Invoke it once per component, at the top level of the crate that is built
/// as a `cdylib`.
///
/// ```
/// dotwit::export!("MyApp");
/// # fn main() {}
/// ```
///
/// A name of white space does not compile:
///
/// ```compile_fail
/// dotwit::export!("  ");
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($name:literal) => {
        const _: () = assert!(!$name.trim_ascii().is_empty(), "an assembly's name cannot be empty or white space");
        $crate::__private::inventory::submit! { $crate::__private::AssemblyName($name) }
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::exports::Component;
    $crate::bindings::generated::export_guest!(Component with_types_in $crate::bindings::generated);
        };
    };
}

/// What generated code and the tests of the dispatcher use. Not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use crate::invoke::encode::{BytesValue, FallibleValue, FutureReply, ImmediateReply, PlainValue, Probe};
    pub use crate::invoke::manifest::describe;
    pub mod dispatch {
        //! The dispatcher.
        pub use crate::invoke::*;
        pub use crate::message::Target;
    }
    pub use crate::message::{Chunk, Message, Outcome};
    pub use crate::method::arguments::{Argument, Arguments};
    pub use crate::method::reply::Reply;
    pub use crate::method::{AssemblyName, InstanceMethod, Invokable, MethodInfo, ObjectType, StaticMethod};
    pub use crate::page::current::install;
    pub use crate::page::{Operation, Page, Request, ResultType};
    pub use inventory;
    pub use std::any::Any;
    pub use std::rc::Rc;
}
