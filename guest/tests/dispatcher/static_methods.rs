//! Static methods: which one a call finds, and what it is told when it finds none.

use std::cell::Cell;

use dotwit::__private::Message;
use dotwit::__private::dispatch::{self, Target};
use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::*;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestDto {
    pub string_val: String,
    pub int_val: i32,
}

thread_local! {
    static DID_INVOKE: Cell<bool> = const { Cell::new(false) };
}

/// Not marked.
#[expect(dead_code)]
pub fn static_without_attribute() {}

#[js_invokable("InvocableStaticVoid")]
pub fn invocable_static_void() {
    DID_INVOKE.set(true);
}

#[js_invokable("InvocableStaticNonVoid")]
pub fn invocable_static_non_void() -> TestDto {
    TestDto { string_val: "Test".to_owned(), int_val: 456 }
}

#[js_invokable]
pub fn invokable_method_without_custom_identifier() -> TestDto {
    TestDto { string_val: "InvokableMethodWithoutCustomIdentifier".to_owned(), int_val: 456 }
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum DtoOrReference {
    Dto(TestDto),
    Reference(DotNetObjectReference<Holder>),
}

pub struct Holder {
    dto: TestDto,
}

#[js_invokable]
impl Holder {
    #[js_invokable("CreateHolder")]
    pub fn create(string_val: String, int_val: i32) -> DotNetObjectReference<Self> {
        let dto = TestDto { string_val, int_val };
        DotNetObjectReference::new(Self { dto })
    }

    #[js_invokable]
    pub fn int_val_of_holder(&self) -> i32 {
        self.dto.int_val
    }

    /// Not marked.
    #[expect(dead_code)]
    pub fn instance_without_attribute(&self) {}

    /// `Self` in a static method's signature is the type.
    #[js_invokable]
    pub fn int_val_of(holder: DotNetObjectReference<Self>) -> i32 {
        holder.value().dto.int_val
    }
}

#[js_invokable("InvocableStaticWithParams")]
pub fn invocable_static_with_params(
    dto: TestDto,
    increments: Vec<i32>,
    holder: DotNetObjectReference<Holder>,
) -> [DtoOrReference; 2] {
    let sum: i32 = increments.iter().sum();
    let dto = TestDto { string_val: dto.string_val.to_uppercase(), int_val: dto.int_val + sum };
    let seen =
        TestDto { string_val: holder.value().dto.string_val.to_uppercase(), int_val: holder.value().dto.int_val + sum };
    let seen = DotNetObjectReference::new(Holder { dto: seen });
    [DtoOrReference::Dto(dto), DtoOrReference::Reference(seen)]
}

#[js_invokable("StaticAlias1")]
#[js_invokable("StaticAlias2")]
pub fn method_with_two_aliases() -> i32 {
    42
}

#[js_invokable]
#[js_invokable("Grüße 🎉")]
pub fn method_with_an_alias_and_its_name() -> i32 {
    43
}

mod private_module {
    use dotwit::prelude::*;

    #[js_invokable]
    pub fn method_of_a_private_module() -> i32 {
        44
    }
}

#[test]
fn c21_an_empty_assembly_name_is_refused() {
    in_new_guest(|_| {
        for name in ["", " ", "\t\n"] {
            let outcome =
                dispatch::invoke(&Target::Assembly(name.to_owned()), "InvocableStaticVoid", Message::from_json("[]"));
            assert_fails(outcome, ErrorKind::BadArguments, &["assembly name", "empty or whitespace"]);
        }
    });
}

#[test]
fn c22_an_empty_method_identifier_is_refused() {
    in_new_guest(|_| {
        let holder = id(&json(invoke("CreateHolder", "[\"a\",1]")));
        for name in ["", " ", "\u{a0}"] {
            let parts = &["method identifier", "empty or whitespace"];
            assert_fails(invoke(name, "[]"), ErrorKind::BadArguments, parts);
            assert_fails(invoke_on(holder, name, "[]"), ErrorKind::BadArguments, parts);
        }
    });
}

#[test]
fn c23_methods_of_an_assembly_that_is_not_there_cannot_be_called() {
    in_new_guest(|_| {
        for name in ["Some.Fake.Assembly", "tests", "Tests ", "1"] {
            let outcome =
                dispatch::invoke(&Target::Assembly(name.to_owned()), "InvocableStaticVoid", Message::from_json("[]"));
            let parts = &["no loaded assembly", &format!("'{name}'"), "'Tests'"];
            assert_fails(outcome, ErrorKind::NoSuchAssembly, parts);
        }
    });
}

#[test]
fn c24_methods_that_are_not_marked_or_not_static_cannot_be_called() {
    in_new_guest(|_| {
        for method in [
            "StaticWithoutAttribute",
            "static_without_attribute",
            "InstanceWithoutAttribute",
            // An instance method is marked, but not static.
            "IntValOfHolder",
        ] {
            let parts = &["The assembly 'Tests'", "does not contain a public method", &format!("'{method}'")];
            assert_fails(invoke(method, "[]"), ErrorKind::NoSuchMethod, parts);
        }
    });
}

// Where Blazor asks for a public type, dotwit asks for a `pub` function and leaves its modules alone: Rust programs say
// `mod`, not `pub mod`, for what no other crate uses.
#[test]
fn c24_methods_of_a_private_module_can_be_called() {
    in_new_guest(|_| assert_eq!(text(invoke("MethodOfAPrivateModule", "[]")), "44"));
}

#[test]
fn c25_a_static_void_method_runs_and_gives_null() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("InvocableStaticVoid", "null")), "null");
        assert!(DID_INVOKE.get());
    });
}

#[test]
fn c26_a_static_method_gives_the_json_of_its_result() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("InvocableStaticNonVoid", "null")), r#"{"stringVal":"Test","intVal":456}"#);
    });
}

#[test]
fn c27_the_id_is_the_name_in_pascal_case_unless_given() {
    in_new_guest(|_| {
        let result = json(invoke("InvokableMethodWithoutCustomIdentifier", "null"));
        assert_eq!(result["stringVal"], "InvokableMethodWithoutCustomIdentifier");
    });
}

#[test]
fn c28_a_static_method_takes_an_object_an_array_and_a_reference_and_gives_back_camel_case_and_a_placeholder() {
    in_new_guest(|_| {
        let holder = id(&json(invoke("CreateHolder", r#"["My string",1]"#)));
        let args = format!(r#"[{{"stringVal":"My string","intVal":1}},[100,200],{{"__dotNetObject":{holder}}}]"#);
        let result = json(invoke("InvocableStaticWithParams", &*args));
        assert_eq!(result[0], json!({"stringVal": "MY STRING", "intVal": 301}));
        assert_eq!(result[1], json!({"__dotNetObject": holder + 1}));
        assert_eq!(text(invoke_on(holder + 1, "IntValOfHolder", "[]")), "301");
    });
}

#[test]
fn c29_a_reference_for_a_parameter_that_is_none_is_refused_by_its_position() {
    in_new_guest(|_| {
        let holder = id(&json(invoke("CreateHolder", r#"["x",1]"#)));
        // The method's third parameter is a reference, and its first is a struct.
        let reference = format!(r#"{{"__dotNetObject":{holder}}}"#);
        let outcome = invoke("InvocableStaticWithParams", &*format!("[{reference},[],{reference}]"));
        let parts = &["'InvocableStaticWithParams'", "parameter 1 ('dto')", "declared as a DotNetObjectReference"];
        assert_fails(outcome, ErrorKind::BadArguments, parts);
        let dto = r#"{"stringVal":"x","intVal":1}"#;
        let outcome = invoke("ThirdIsANumber", &*format!("[{dto},[],{reference}]"));
        assert_fails(outcome, ErrorKind::BadArguments, &["'ThirdIsANumber'", "parameter 3 ('number')"]);
    });
}

#[js_invokable]
pub fn third_is_a_number(_dto: TestDto, _increments: Vec<i32>, number: serde_json::Value) -> serde_json::Value {
    number
}

#[test]
fn c51_a_static_method_answers_to_each_of_its_ids() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("StaticAlias1", "[]")), "42");
        assert_eq!(text(invoke("StaticAlias2", "[]")), "42");
        assert_fails(invoke("MethodWithTwoAliases", "[]"), ErrorKind::NoSuchMethod, &[]);
        assert_eq!(text(invoke("MethodWithAnAliasAndItsName", "[]")), "43");
        assert_eq!(text(invoke("Grüße 🎉", "[]")), "43");
    });
}

#[test]
fn a_static_method_of_a_type_can_say_self() {
    in_new_guest(|_| {
        let holder = id(&json(invoke("CreateHolder", r#"["x",5]"#)));
        assert_eq!(text(invoke("IntValOf", &*format!("[{{\"__dotNetObject\":{holder}}}]"))), "5");
    });
}

#[test]
fn the_id_that_was_perhaps_meant_is_named() {
    in_new_guest(|_| {
        for wrong in ["staticalias1", "STATICALIAS1"] {
            assert_fails(invoke(wrong, "[]"), ErrorKind::NoSuchMethod, &["Did you mean 'StaticAlias1'?"]);
        }
        let outcome = invoke("invocable_static_void", "[]");
        assert_fails(outcome, ErrorKind::NoSuchMethod, &["Did you mean 'InvocableStaticVoid'?"]);
        let error = assert_fails(invoke("Nothing.Like.This", "[]"), ErrorKind::NoSuchMethod, &[]);
        assert!(!error.message().contains("Did you mean"));
    });
}
