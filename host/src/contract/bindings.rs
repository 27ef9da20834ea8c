//! What wasmtime's `bindgen!` makes of `wit/`: the guest's exports, and the trait of its imports.

#![allow(missing_docs, unreachable_pub, dead_code)]

/// The interface `types`, for the generated code. It has no functions, so there is nothing to link.
pub mod types {
    use wasmtime::component::{HasData, Linker};

    pub use crate::contract::message::{CallError, Message, Target};

    pub trait Host {}

    impl<T: ?Sized> Host for T {}

    pub trait HostWithStore<T>: HasData {}

    impl<D: HasData, T> HostWithStore<T> for D {}

    #[expect(clippy::unnecessary_wraps, reason = "the generated code expects it")]
    pub fn add_to_linker<T, D: HasData>(_: &mut Linker<T>, _: fn(&mut T) -> D::Data<'_>) -> wasmtime::Result<()> {
        Ok(())
    }
}

wasmtime::component::bindgen!({
    path: "wit",
    world: "guest",
    with: { "dotwit:interop/types": types },
    imports: {
        // How much a guest may begin without returning is limited.
        "dotwit:interop/page.begin-invoke-js": trappable,
        "dotwit:interop/page.read-js-stream": trappable,
    },
});

/// The same exports once more, to be called asynchronously: `bindgen!` makes either kind. Their types are those above.
#[cfg(feature = "server")]
pub(crate) mod asynchronous {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "guest",
        with: {
            "dotwit:interop/types": crate::contract::bindings::types,
            "dotwit:interop/page": crate::contract::bindings::dotwit::interop::page,
        },
        exports: { default: async },
    });
}

pub(crate) use self::dotwit::interop::page;
pub(crate) use self::exports::dotwit::interop::manifest;
