//! What this crate, the adapter and `wit/` say the same of, compared with each other.

use std::path::Path;

use dotwit_wire::ErrorKind;
use wit_parser::{Resolve, TypeDefKind};

fn resolve() -> Resolve {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("dotwit.wit");
    resolve.push_path(wit).expect("the WIT can be read");
    resolve
}

#[test]
fn the_kinds_of_errors_are_those_of_the_wit() {
    let resolve = resolve();
    let kinds = resolve.types.iter().find_map(|(_, definition)| match &definition.kind {
        TypeDefKind::Enum(kinds) if definition.name.as_deref() == Some("error-kind") => Some(&kinds.cases),
        _ => None,
    });
    let expected: Vec<&str> = kinds.expect("there is an error-kind").iter().map(|case| &*case.name).collect();
    let kinds: Vec<&str> = ErrorKind::OF_THE_WIT.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds, expected);
}
