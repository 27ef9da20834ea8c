//! What wasmtime's `bindgen!` makes of `wit/`: the types that cross, the guest's exports, and the traits of its imports.

#![allow(missing_docs, unreachable_pub)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "guest",
    imports: {
        // What a guest may begin without returning is limited.
        "dotwit:interop/page.begin-invoke-js": trappable,
        "dotwit:interop/page.read-js-stream": trappable,
    },
});

pub(crate) use self::dotwit::interop::{page, types};
pub(crate) use self::exports::dotwit::interop::manifest;
