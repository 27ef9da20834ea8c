//! Core modules as components.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::error::{Error, ErrorKind};

/// Turns a core module into a component. The module was built with the `dotwit` crate for `wasm32-wasip1`; its imports of WASI
/// preview 1 are adapted. `name` stands for the module in messages.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let module = std::fs::read("hello.core.wasm")?;
/// std::fs::write("hello.wasm", dotwit_host::componentize("hello.core.wasm", &module)?)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidGuest`] says why the bytes cannot become a component.
pub fn componentize(name: &str, module: &[u8]) -> Result<Vec<u8>, Error> {
    let refused = |what: String| Error::new(ErrorKind::InvalidGuest, format!("'{name}' {what}."));
    if !module.starts_with(b"\0asm") {
        return Err(refused("is not WebAssembly, and a core module is expected".to_owned()));
    }
    if Parser::is_component(module) {
        return Err(refused("is a component already".to_owned()));
    }
    wasmparser::validate(module).map_err(|error| refused(format!("is a damaged module: {error}")))?;
    if !has_component_type(module) {
        return Err(refused(
            "does not say what its component would be: a guest is built with the `dotwit` crate and says \
             `dotwit::export!`"
                .to_owned(),
        ));
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
        })
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| {
            refused(format!("cannot become a component: {}", error.root_cause())).with_detail(format!("{error:?}"))
        })
}

/// Whether a module has the section in which `wit-bindgen` leaves its world.
fn has_component_type(module: &[u8]) -> bool {
    Parser::new(0).parse_all(module).flatten().any(
        |payload| matches!(payload, Payload::CustomSection(section) if section.name().starts_with("component-type")),
    )
}
