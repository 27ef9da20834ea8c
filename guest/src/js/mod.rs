//! Calls to the page: its functions, constructors and properties, by their dotted paths, starting from its global
//! object.
//!
//! ```no_run
//! use dotwit::prelude::*;
//!
//! # async fn example() -> Result<(), dotwit::Error> {
//! let sum: i32 = js::invoke("calculator.add", (1, 2)).await?;
//! js::invoke_void("console.log", (format!("It is {sum}."),)).await?;
//!
//! let date = js::construct("Date", (2026, 10, 22)).await?;
//! let day: i32 = date.invoke("getDate", ()).await?;
//!
//! let title: String = js::get("document.title").await?;
//! js::set("document.title", format!("{title} ({day})")).await?;
//!
//! let module = js::import("./scripts.js").await?;
//! module.invoke_void("start", ()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The same can be done with a [`JsObjectReference`], whose members are then meant.
//!
//! **Arguments** are a tuple of what implements `serde::Serialize`: `(value,)` for one, `()` for none. A `Vec` is as many
//! arguments as it has elements ([`Arguments`]). Inside them, at
//! any depth, a [`DotNetObjectReference`](crate::DotNetObjectReference) lets the page call back, a
//! [`JsObjectReference`] is the page's own object, and [`Bytes`](crate::Bytes) are a `Uint8Array`. What they name stays
//! alive until the call has ended, even if it was made only for that.
//!
//! **Results** are whatever implements `serde::Deserialize`. Where it is a `JsObjectReference` or an
//! `Option<JsObjectReference>`, the page makes a reference of what its function returns; elsewhere a function returns
//! references as it made them, with `DotNet.createJSObjectReference`. A promise is awaited. Where the result does not matter,
//! [`invoke_void`] and its relatives take the place of [`invoke`], which must know the type that it reads.
//!
//! A [`Call`] begins when it is made, can have a [`timeout`](Call::timeout), and is cancelled by being dropped. The
//! functions with the suffix `_sync` answer at once where the page can do that, which is in the browser and in a native
//! program; elsewhere they fail with [`Unsupported`](crate::ErrorKind::Unsupported).
//!
//! In a browser, a function of the page runs up to where it first awaits before even a `Call` is returned, and what
//! listens to its `AbortSignal` runs while the `Call` is dropped. Either may call the guest synchronously. So no call
//! should be made or dropped with anything borrowed, such as a `RefCell`, that other methods need.

mod call;

use serde::Serialize;

use crate::error::Error;
use crate::page::Operation;
use crate::page::handle;
pub use crate::value::js_object::JsObjectReference;
pub use call::{Arguments, Call, Returned};

/// Calls a function. [`invoke_void`] is for results that do not matter; `(vec,)` passes a `Vec` as one argument.
pub fn invoke<R: Returned>(identifier: &str, args: impl Arguments) -> Call<R> {
    global().invoke(identifier, args)
}

/// Calls a function whose result does not matter.
pub fn invoke_void(identifier: &str, args: impl Arguments) -> Call<()> {
    global().invoke(identifier, args)
}

/// Makes an object: `new identifier(…args)`.
pub fn construct(identifier: &str, args: impl Arguments) -> Call<JsObjectReference> {
    global().construct(identifier, args)
}

/// Reads a property, which must exist.
pub fn get<R: Returned>(identifier: &str) -> Call<R> {
    global().get(identifier)
}

/// Assigns to a property, which need not exist.
pub fn set(identifier: &str, value: impl Serialize) -> Call<()> {
    global().set(identifier, value)
}

/// Imports an ECMAScript module. A `url` that begins with `./` is relative to the page.
pub fn import(url: &str) -> Call<JsObjectReference> {
    global().invoke("import", (url,))
}

/// As [`invoke`], at once.
///
/// # Errors
///
/// Those of a [`Call`], and [`Unsupported`](crate::ErrorKind::Unsupported) where the page cannot answer at once.
pub fn invoke_sync<R: Returned>(identifier: &str, args: impl Arguments) -> Result<R, Error> {
    global().invoke_sync(identifier, args)
}

/// As [`invoke_void`], at once.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn invoke_void_sync(identifier: &str, args: impl Arguments) -> Result<(), Error> {
    global().invoke_sync(identifier, args)
}

/// As [`construct`], at once.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn construct_sync(identifier: &str, args: impl Arguments) -> Result<JsObjectReference, Error> {
    global().construct_sync(identifier, args)
}

/// As [`get`], at once.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn get_sync<R: Returned>(identifier: &str) -> Result<R, Error> {
    global().get_sync(identifier)
}

/// As [`set`], at once.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn set_sync(identifier: &str, value: impl Serialize) -> Result<(), Error> {
    global().set_sync(identifier, value)
}

/// The page's global object: `window`, in a browser.
pub fn global() -> JsObjectReference {
    JsObjectReference::GLOBAL
}

/// How many references to objects of the page this guest holds, each counted once however many clones it has.
pub fn live_references() -> usize {
    handle::live()
}

impl JsObjectReference {
    /// Calls a function of the object.
    pub fn invoke<R: Returned>(&self, identifier: &str, args: impl Arguments) -> Call<R> {
        Call::begin(self, identifier, Operation::Call, args)
    }

    /// Calls a function of the object whose result does not matter.
    pub fn invoke_void(&self, identifier: &str, args: impl Arguments) -> Call<()> {
        self.invoke(identifier, args)
    }

    /// Makes an object with a constructor that is a member of the object.
    pub fn construct(&self, identifier: &str, args: impl Arguments) -> Call<JsObjectReference> {
        Call::begin(self, identifier, Operation::Construct, args)
    }

    /// Reads a property, which must exist.
    pub fn get<R: Returned>(&self, identifier: &str) -> Call<R> {
        Call::begin(self, identifier, Operation::Get, ())
    }

    /// Assigns to a property, which need not exist.
    pub fn set(&self, identifier: &str, value: impl Serialize) -> Call<()> {
        Call::begin(self, identifier, Operation::Set, (value,))
    }

    /// As [`invoke`](Self::invoke), at once.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn invoke_sync<R: Returned>(&self, identifier: &str, args: impl Arguments) -> Result<R, Error> {
        call::invoke_now(self, identifier, Operation::Call, args)
    }

    /// As [`invoke_void`](Self::invoke_void), at once.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn invoke_void_sync(&self, identifier: &str, args: impl Arguments) -> Result<(), Error> {
        self.invoke_sync(identifier, args)
    }

    /// As [`construct`](Self::construct), at once.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn construct_sync(&self, identifier: &str, args: impl Arguments) -> Result<JsObjectReference, Error> {
        call::invoke_now(self, identifier, Operation::Construct, args)
    }

    /// As [`get`](Self::get), at once.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn get_sync<R: Returned>(&self, identifier: &str) -> Result<R, Error> {
        call::invoke_now(self, identifier, Operation::Get, ())
    }

    /// As [`set`](Self::set), at once.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn set_sync(&self, identifier: &str, value: impl Serialize) -> Result<(), Error> {
        call::invoke_now(self, identifier, Operation::Set, (value,))
    }
}
