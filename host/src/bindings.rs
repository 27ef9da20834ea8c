//! What wasmtime's `bindgen!` makes of `wit/`: the types that cross, the guest's exports, and the traits of its imports.

#![allow(missing_docs, unreachable_pub)]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "guest",
});

pub(crate) use self::dotwit::interop::{page, types};
pub(crate) use self::exports::dotwit::interop::manifest;
