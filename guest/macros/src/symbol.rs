//! Symbols that make the linker keep registrations.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use proc_macro2::TokenStream;
use quote::quote;

/// An item that makes the linker take in the object file that it is compiled into.
///
/// A library crate is an archive of object files, and wasm-ld takes in only those that something refers to. Nothing refers to
/// a registration. On other targets rustc lists `#[used]` items for the linker; for WebAssembly it does not, and asks only for
/// the exports of a `cdylib`. So each registration of a library has an exported symbol beside it in the same object file: one
/// byte of data, which nothing reads.
pub(crate) fn keep() -> TokenStream {
    if is_cdylib(env::args()) {
        // The linker takes in all of the crate's own object files.
        return TokenStream::new();
    }
    let name = unique();
    quote! {
        #[cfg(target_family = "wasm")]
        #[unsafe(export_name = #name)]
        static __KEPT: u8 = 0;
    }
}

/// Whether rustc makes only a `cdylib`, by its arguments as Cargo writes them.
fn is_cdylib(mut arguments: impl Iterator<Item = String>) -> bool {
    let mut kinds = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "--crate-type" {
            kinds.extend(arguments.next());
        }
    }
    kinds == ["cdylib"]
}

/// A name that no other symbol of a component has, in this crate or another, a second version of this one included. Cargo tells
/// versions apart by the metadata that rustc puts into all symbols.
fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = env::var("CARGO_CRATE_NAME").unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    env::var("CARGO_PKG_VERSION").unwrap_or_default().hash(&mut hasher);
    env::args().filter(|argument| argument.contains("metadata=")).for_each(|argument| argument.hash(&mut hasher));
    format!("dotwit:{name}:{:016x}:{number}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn makes_cdylib(arguments: &str) -> bool {
        is_cdylib(arguments.split(' ').map(str::to_owned))
    }

    #[test]
    fn only_what_is_surely_no_library_needs_no_symbol() {
        assert!(makes_cdylib("rustc --crate-name a src/lib.rs --crate-type cdylib --emit=dep-info,link"));
        assert!(!makes_cdylib("rustc --crate-name a src/lib.rs --crate-type lib"));
        assert!(!makes_cdylib("rustc --crate-name a src/lib.rs --crate-type cdylib --crate-type rlib"));
        assert!(!makes_cdylib("rustc --crate-type=cdylib,rlib"));
        assert!(!makes_cdylib("rustc @arguments"));
    }

    #[test]
    fn no_name_comes_twice() {
        assert_ne!(unique(), unique());
    }
}
