//! An interface of the guest's own, which a host may call before anything else.

use dotwit::prelude::*;

/// What `wit-bindgen` makes of `wit/`.
#[allow(unsafe_code, missing_docs, unreachable_pub)]
mod generated {
    wit_bindgen::generate!({ path: "wit", world: "beside" });
    export!(Work);

    pub(crate) use exports::test::beside::work::Guest;

    pub(crate) struct Work;
}

impl generated::Guest for generated::Work {
    fn call_page(identifier: String) {
        js::invoke_void(&identifier, ()).detach();
    }

    fn spawn(identifier: String) {
        task::spawn(async move { js::invoke_void(&identifier, ()).await });
    }

    fn panic(message: String) {
        js::invoke_void("console.log", (&message,)).detach();
        panic!("{message}");
    }
}
