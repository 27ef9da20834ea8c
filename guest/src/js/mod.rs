//! Calls to the page: its functions, constructors and properties, by dotted paths that start from its global object.
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
//! A [`JsObjectReference`] has the same functions, for its own members.
//!
//! **Arguments** are a tuple of values that implement `serde::Serialize`: `(value,)` for one, `()` for none. A `Vec` is as many
//! arguments as it has elements ([`Arguments`]). Inside them, at any depth, a
//! [`DotNetObjectReference`](crate::DotNetObjectReference) lets the page call back, a [`JsObjectReference`] is the page's own
//! object, and [`Bytes`](crate::Bytes) are a `Uint8Array`. What they name lives until the call has ended, even if nothing else
//! holds it.
//!
//! **Results** are anything that implements `serde::Deserialize`. If a `JsObjectReference` or an `Option` of one is asked for,
//! the page makes a reference of what its function returns; inside other types, a function makes references itself, with
//! `DotNet.createJSObjectReference`. The page awaits promises. If the result does not matter, [`invoke_void`] and the like take
//! the place of [`invoke`], which must know the type that it reads.
//!
//! A [`Call`] begins when it is made, can have a [`timeout`](Call::timeout), and is cancelled by dropping it. The functions with
//! the suffix `_sync` return the result, if the page can answer at once: in a browser and in a native program. Elsewhere they
//! fail with [`Unsupported`](crate::ErrorKind::Unsupported).
//!
//! In a browser, a function of the page runs to its first `await` before the `Call` is returned, and listeners of its
//! `AbortSignal` run while the `Call` is dropped. Either may call the guest synchronously. So do not make or drop a call while
//! something that other methods need, such as a `RefCell`, is borrowed.

mod call;

use serde::Serialize;

use crate::error::Error;
use crate::page::Operation;
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

/// As [`invoke`], but waits for the result.
///
/// # Errors
///
/// Those of a [`Call`], and [`Unsupported`](crate::ErrorKind::Unsupported) if the page cannot answer at once.
pub fn invoke_sync<R: Returned>(identifier: &str, args: impl Arguments) -> Result<R, Error> {
    global().invoke_sync(identifier, args)
}

/// As [`invoke_void`], but waits for the result.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn invoke_void_sync(identifier: &str, args: impl Arguments) -> Result<(), Error> {
    global().invoke_sync(identifier, args)
}

/// As [`construct`], but waits for the result.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn construct_sync(identifier: &str, args: impl Arguments) -> Result<JsObjectReference, Error> {
    global().construct_sync(identifier, args)
}

/// As [`get`], but waits for the result.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn get_sync<R: Returned>(identifier: &str) -> Result<R, Error> {
    global().get_sync(identifier)
}

/// As [`set`], but waits for the result.
///
/// # Errors
///
/// Those of [`invoke_sync`].
pub fn set_sync(identifier: &str, value: impl Serialize) -> Result<(), Error> {
    global().set_sync(identifier, value)
}

/// The page's global object: `window`, in a browser.
#[must_use]
pub fn global() -> JsObjectReference {
    JsObjectReference::GLOBAL
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

    /// As [`invoke`](Self::invoke), but waits for the result.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn invoke_sync<R: Returned>(&self, identifier: &str, args: impl Arguments) -> Result<R, Error> {
        call::invoke_now(self, identifier, Operation::Call, args)
    }

    /// As [`invoke_void`](Self::invoke_void), but waits for the result.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn invoke_void_sync(&self, identifier: &str, args: impl Arguments) -> Result<(), Error> {
        self.invoke_sync(identifier, args)
    }

    /// As [`construct`](Self::construct), but waits for the result.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn construct_sync(&self, identifier: &str, args: impl Arguments) -> Result<JsObjectReference, Error> {
        call::invoke_now(self, identifier, Operation::Construct, args)
    }

    /// As [`get`](Self::get), but waits for the result.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn get_sync<R: Returned>(&self, identifier: &str) -> Result<R, Error> {
        call::invoke_now(self, identifier, Operation::Get, ())
    }

    /// As [`set`](Self::set), but waits for the result.
    ///
    /// # Errors
    ///
    /// Those of [`invoke_sync`](crate::js::invoke_sync).
    pub fn set_sync(&self, identifier: &str, value: impl Serialize) -> Result<(), Error> {
        call::invoke_now(self, identifier, Operation::Set, (value,))
    }
}
