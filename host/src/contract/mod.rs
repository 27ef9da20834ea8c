//! The contract: what guest and page say to each other.
//!
//! `wit/` is the package `dotwit:interop`. [`message`] has its types as this crate's own, so that generated types are not part of the
//! public API, and [`bindings`] has the rest as wasmtime generates it. [`request`] is what a guest asks of its page, and [`manifest`] what
//! it offers. What guest and host both implement of messages is in the crate `dotwit-wire`. The folder imports nothing of this crate but `error`.

pub(crate) mod bindings;
pub(crate) mod manifest;
pub(crate) mod message;
pub(crate) mod request;
