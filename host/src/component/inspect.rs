//! Checks that bytes are a guest before they are compiled, and says what they are if not.

use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem, WorldKey};

/// The package that a guest's interfaces belong to.
const PACKAGE: (&str, &str) = ("dotwit", "interop");

/// The version of the package that this host speaks. A guest with the same major and minor version is understood: before
/// 1.0, the minor version is the one that breaks.
const VERSION: (u64, u64) = (0, 1);

/// What a guest exports.
const INTERFACES: [&str; 4] = ["invocation", "references", "streams", "manifest"];

/// Checks that bytes are a guest. The error is the end of a sentence that begins with the guest's name.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let expected = "and a WebAssembly component is expected";
    if bytes.is_empty() {
        return Err(format!("is empty, {expected}"));
    }
    if !bytes.starts_with(b"\0asm") {
        let start: Vec<u8> = bytes.iter().copied().take(16).collect();
        return Err(match std::str::from_utf8(bytes) {
            Ok(text) => format!("is text that begins with {:?}, {expected}", text.chars().take(24).collect::<String>()),
            Err(_) => format!("begins with the bytes {start:02x?}, {expected}"),
        });
    }
    match Parser::new(0).parse_all(bytes).next() {
        Some(Ok(Payload::Version { encoding: Encoding::Module, .. })) => {
            return Err(
                "is a core WebAssembly module, and a component is expected: build it for wasm32-wasip2, or turn \
                        it into a component with `dotwit componentize`"
                    .to_owned(),
            );
        }
        Some(Ok(Payload::Version { encoding: Encoding::Component, .. })) => {}
        Some(Ok(_)) | None => return Err(format!("has no WebAssembly header, {expected}")),
        Some(Err(error)) => return Err(format!("is damaged: {error}")),
    }
    wasmparser::validate(bytes).map_err(|error| format!("is damaged: {error}"))?;
    match wit_component::decode(bytes).map_err(|error| format!("has no readable interfaces: {error:#}"))? {
        DecodedWasm::Component(resolve, world) => check_exports(&resolve, world),
        DecodedWasm::WitPackage(..) => Err("is a WIT package, which has no code".to_owned()),
    }
}

fn check_exports(resolve: &Resolve, world: wit_parser::WorldId) -> Result<(), String> {
    let (major, minor) = VERSION;
    let names = || {
        resolve.worlds[world].exports.iter().map(|(key, item)| match (key, item) {
            (WorldKey::Interface(id), WorldItem::Interface { .. }) => resolve.id_of(*id).unwrap_or_default(),
            (key, _) => resolve.name_world_key(key),
        })
    };
    for interface in INTERFACES {
        let wanted = format!("{}:{}/{interface}", PACKAGE.0, PACKAGE.1);
        let found = names().find_map(|name| {
            let (name, version) = name.split_once('@')?;
            (name == wanted).then(|| version.to_owned())
        });
        match found {
            Some(version) if version.starts_with(&format!("{major}.{minor}.")) => {}
            Some(version) => {
                return Err(format!(
                    "exports {wanted}@{version}, and this host speaks version {major}.{minor} of it: build the guest with \
                     the dotwit of this host"
                ));
            }
            None => {
                let all: Vec<String> = names().collect();
                let exports = if all.is_empty() { "nothing".to_owned() } else { all.join(", ") };
                return Err(format!(
                    "is a component that does not export {wanted}@{major}.{minor}: it exports {exports}. A guest says \
                     `dotwit::export!`"
                ));
            }
        }
    }
    Ok(())
}
