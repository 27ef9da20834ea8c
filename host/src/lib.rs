//! Runs **guests** under wasmtime: WebAssembly components whose methods are called by name, built with the `dotwit` crate.
//!
//! ```no_run
//! # async fn example() -> Result<(), dotwit_host::Error> {
//! use dotwit_host::{Config, DotNetObject, Runtime};
//!
//! let runtime = Runtime::new(Config::default())?; // the engine and its limits: one per program
//! let guest = runtime.load("hello.wasm")?; // compiled and checked: one per file
//! let session = guest.session()?; // running, with memory of its own: one per user
//!
//! let sum: i32 = session.invoke("Hello", "Add", (1, 2))?;
//! let greeting: String = session.invoke_async("Hello", "GreetLater", ("Ada",)).await?;
//!
//! let counter: DotNetObject = session.invoke("Hello", "NewCounter", ())?;
//! let count: u32 = session.invoke(&counter, "Increment", ())?;
//! session.dispose(&counter)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Calls from the guest
//!
//! A guest calls JavaScript functions by name. Here a [`Page`] answers them: a [`NativePage`] with functions of the
//! program's own, or a type that hands the calls on to whatever runs scripts.
//!
//! ```no_run
//! # async fn example(guest: dotwit_host::Guest) -> Result<(), dotwit_host::Error> {
//! use dotwit_host::{DotNetObject, JsObject, NativePage};
//!
//! let window = JsObject::new()
//!     .function("console.log", |(line,): (String,)| Ok(println!("{line}")))
//!     .async_function("readText", |(path,): (String,)| async move { Ok(tokio::fs::read_to_string(path).await?) })
//!     .async_function("sayHello1", |(helper,): (DotNetObject,)| async move {
//!         Ok(helper.invoke_async::<String>("GetHelloMessage", ()).await?)
//!     });
//! let session = guest.session_with_page(NativePage::new(window))?;
//! # Ok(())
//! # }
//! ```
//!
//! Functions called asynchronously run when the guest is off the stack, in the order of the calls, and may use the session
//! like any other code; those called synchronously may not enter the guest again: see [`Session`].
//!
//! # What crosses
//!
//! Arguments and results are whatever serde can serialise as JSON, and these, alone or inside of others:
//!
//! | type | in the guest | on a page in a browser |
//! | --- | --- | --- |
//! | [`Bytes`] | `Bytes` | `Uint8Array` |
//! | [`TypedArray`] | `TypedArray` | `Float32Array` and the like |
//! | [`BigInt`] | `BigInt` | `bigint` |
//! | [`DotNetObject`] | `DotNetObjectReference` | `DotNetObject` |
//! | [`JsObject`] | `JsObjectReference` | any object |
//! | [`JsStream`] | `JsStreamReference` | `DotNet.createJSStreamReference(…)` |
//! | [`DotNetStream`] | `DotNetStreamReference` | `DotNetStream` |
//!
//! An object or a stream of the page lives until the guest drops its references, or is gone. Streams are pulled chunk by
//! chunk, so that neither side holds more than one, and dropping either end stops the other.
//!
//! # What a guest may do
//!
//! Use memory and time up to the limits of [`Config`], read clocks and random numbers, and print: its lines are `tracing`
//! events with the target `dotwit::guest`. It has no network and no input, and no files and no environment but what a server gives to
//! its circuits.
//!
//! # What can go wrong
//!
//! A call that fails fails alone, with an [`Error`] whose [`kind`](Error::kind) tells why. A guest that panics, or exceeds
//! a limit, is gone: each call that is under way ends once with [`ErrorKind::GuestTrapped`] and the reason, and so does
//! each later one. The host goes on, and [`Guest::session`] starts the guest again.
//!
//! # Features
//!
//! None is on by default. `server` is a web server for pages that host guests or have them here, and `tls` its encrypted connections;
//! `typed` links interfaces of a guest's own, with wasmtime's types. The command line, `dotwit`, is a crate of its own: `dotwit-cli`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_debug_implementations, clippy::must_use_candidate)]

mod background;
mod component;
mod config;
mod contract;
mod engine;
mod error;
mod guest;
mod limits;
mod native;
#[cfg(feature = "server")]
pub mod server;
mod session;
#[cfg(feature = "typed")]
pub mod typed;
mod value;

pub use component::componentize::componentize;
pub use config::Config;
pub use contract::manifest::{Assembly, Method, ObjectType, Parameter};
pub use contract::message::{Message, Target};
pub use contract::request::{Operation, Request, ResultType};
pub use dotwit_wire::{BigInt, Bytes, Element, ErrorKind, Integer, TypedArray};
pub use engine::Runtime;
pub use engine::result::ResultMessage;
pub use error::Error;
pub use guest::Guest;
pub use native::NativePage;
pub use native::function::FunctionError;
pub use native::model::{JsObject, JsValue};
pub use native::stream::JsStream;
pub use session::Session;
pub use session::completion::Completion;
pub use session::invocation::MessageCall;
pub use session::object_table::ObjectTable;
pub use session::page::Page;
pub use value::call::Call;
pub use value::object::DotNetObject;
pub use value::stream::DotNetStream;
pub use value::target::IntoTarget;
