//! What this crate and the adapter say of the contract, compared with `wit/` and with each other.

use std::fs;
use std::path::Path;

use dotwit_wire::{ErrorKind, limits};
use serde_json::{Map, Value, json};
use wit_parser::abi::AbiVariant;
use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind, TypeId, WorldItem};

/// The WIT, with the sizes of its types.
struct Contract {
    resolve: Resolve,
    sizes: SizeAlign,
}

impl Contract {
    fn read() -> Self {
        let mut resolve = Resolve::default();
        resolve.push_path(root().join("wit/dotwit.wit")).expect("the WIT can be read");
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Self { resolve, sizes }
    }

    fn type_named(&self, name: &str) -> TypeId {
        let mut types = self.resolve.types.iter();
        types.find(|(_, definition)| definition.name.as_deref() == Some(name)).expect(name).0
    }

    /// The names of an enum's cases.
    fn cases(&self, name: &str) -> Vec<&str> {
        let TypeDefKind::Enum(cases) = &self.resolve.types[self.type_named(name)].kind else { panic!("{name}") };
        cases.cases.iter().map(|case| &*case.name).collect()
    }

    fn size(&self, ty: &Type) -> usize {
        self.sizes.size(ty).size_wasm32()
    }

    /// The size of a record, if `sized`, and the offsets of its fields, named as in JavaScript.
    fn record(&self, name: &str, sized: bool) -> Value {
        let id = self.type_named(name);
        let TypeDefKind::Record(record) = &self.resolve.types[id].kind else { panic!("{name}") };
        assert_eq!(self.sizes.align(&Type::Id(id)).align_wasm32(), 4, "{name}");
        let mut layout = Map::new();
        if sized {
            layout.insert("size".to_owned(), self.size(&Type::Id(id)).into());
        }
        let offsets = self.sizes.field_offsets(record.fields.iter().map(|field| &field.ty));
        for (field, (offset, _)) in record.fields.iter().zip(offsets) {
            layout.insert(camel_case(&field.name), offset.size_wasm32().into());
        }
        Value::Object(layout)
    }

    /// The size of what a function returns, and the offset of the value of its first case.
    fn result(&self, function: &str) -> Value {
        let ty = self.function(function).result.expect("the function returns something");
        let Type::Id(id) = ty else { panic!("{function}") };
        let (tag, cases) = match &self.resolve.types[id].kind {
            TypeDefKind::Option(value) => (wit_parser::Int::U8, vec![None, Some(value)]),
            TypeDefKind::Result(result) => (wit_parser::Int::U8, vec![result.ok.as_ref(), result.err.as_ref()]),
            _ => panic!("{function}"),
        };
        json!({ "size": self.size(&ty), "value": self.sizes.payload_offset(tag, cases).size_wasm32() })
    }

    /// An export, by the name of its interface and its own: `invocation#invoke`.
    fn function(&self, name: &str) -> &wit_parser::Function {
        let (interface, function) = name.split_once('#').expect(name);
        let (_, world) = self.resolve.worlds.iter().next().expect("there is a world");
        let mut exports = world.exports.values().filter_map(|item| match item {
            WorldItem::Interface { id, .. } => Some(&self.resolve.interfaces[*id]),
            _ => None,
        });
        let found = exports.find(|export| export.name.as_deref() == Some(interface)).expect(interface);
        found.functions.get(function).expect(name)
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

/// A constant of the adapter, wherever it is: `const NAME = ` and a literal of numbers, strings, lists and objects.
fn adapter(name: &str) -> Value {
    fn search(folder: &Path, start: &str) -> Option<String> {
        let mut entries: Vec<_> = fs::read_dir(folder).expect("the adapter can be read").flatten().collect();
        entries.sort_by_key(fs::DirEntry::path);
        entries.iter().find_map(|entry| {
            if entry.path().is_dir() {
                return search(&entry.path(), start);
            }
            let source = fs::read_to_string(entry.path()).ok()?;
            let literal = &source[source.find(start)? + start.len()..];
            Some(literal[..literal.find(";\n")?].to_owned())
        })
    }
    let source = root().join("js-adapter/src");
    let exported = search(&source, &format!("export const {name} = "));
    let literal = exported.or_else(|| search(&source, &format!("const {name} = "))).expect(name);
    let literal = literal.replace("/** @type {const} */ (", "").replace(')', "").replace('\'', "\"");
    // A property's name has no quotes in JavaScript, and a number may have separators.
    let mut json = String::new();
    for (at, part) in literal.split('"').enumerate() {
        if at % 2 == 1 {
            json.extend(["\"", part, "\""]);
            continue;
        }
        let mut rest = part;
        while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
            let length = rest[start..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (word, after) = rest[start..].split_at(length.unwrap_or(rest.len() - start));
            json.push_str(&rest[..start]);
            match after.starts_with(':') {
                true => json.extend(["\"", word, "\""]),
                false => json.push_str(&word.replace('_', "")),
            }
            rest = after;
        }
        json.push_str(rest);
    }
    let json: String = json.split_whitespace().collect();
    serde_json::from_str(&json.replace(",}", "}").replace(",]", "]"))
        .unwrap_or_else(|error| panic!("{name}: {error} in {json}"))
}

#[test]
fn enums_have_the_cases_of_the_wit() {
    let contract = Contract::read();
    let kinds: Vec<&str> = ErrorKind::OF_THE_WIT.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds, contract.cases("error-kind"));
    assert_eq!(adapter("ERROR_KINDS"), json!(kinds));
    assert_eq!(adapter("OPERATIONS"), json!(contract.cases("operation")));
    assert_eq!(adapter("RESULT_TYPES"), json!(contract.cases("result-type")));
}

#[test]
fn the_adapter_reads_records_where_the_canonical_abi_puts_them() {
    let contract = Contract::read();
    let optional = contract.result("invocation#begin-invoke");
    assert_eq!(contract.result("streams#read"), optional);
    assert_eq!(contract.result("manifest#describe"), contract.result("invocation#invoke"));
    let expected = json!({
        "pointer": contract.size(&Type::String) / 2,
        "list": { "size": contract.size(&Type::String) },
        "option": { "value": optional["value"] },
        "message": contract.record("message", false),
        "callError": contract.record("call-error", false),
        "outcome": contract.result("invocation#invoke"),
        "optionalOutcome": optional,
        "assembly": contract.record("assembly", true),
        "objectType": contract.record("object-type", true),
        "method": contract.record("method", true),
        "parameter": contract.record("parameter", true),
    });
    assert_eq!(adapter("LAYOUT"), expected);
}

#[test]
fn the_adapter_calls_exports_with_as_many_parameters_as_the_canonical_abi_has() {
    let contract = Contract::read();
    let functions = adapter("FUNCTIONS");
    let functions = functions.as_object().expect("there are functions");
    let mut count = 0;
    for (name, function) in functions {
        let export = function[0].as_str().expect(name);
        let signature = contract.resolve.wasm_signature(AbiVariant::GuestExport, contract.function(export));
        assert_eq!(function[1], signature.params.len(), "{name}");
        assert!(!signature.indirect_params, "{name}");
        count += 1;
    }
    let (_, world) = contract.resolve.worlds.iter().next().expect("there is a world");
    let exports = world.exports.values().map(|item| match item {
        WorldItem::Interface { id, .. } => contract.resolve.interfaces[*id].functions.len(),
        _ => 1,
    });
    assert_eq!(count, exports.sum::<usize>());
}

#[test]
fn the_adapter_has_the_same_limits() {
    assert_eq!(adapter("MAX_ARGUMENTS"), limits::MAX_ARGUMENTS);
    assert_eq!(adapter("MAX_DEPTH"), limits::MAX_DEPTH);
    assert_eq!(adapter("MAX_PENDING_CALLS"), limits::MAX_PENDING_CALLS);
    assert_eq!(adapter("MAX_LIVE_REFERENCES"), limits::MAX_LIVE_REFERENCES);
    assert_eq!(adapter("MAX_OPEN_STREAMS"), limits::MAX_OPEN_STREAMS);
}
