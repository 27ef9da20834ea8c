//! How arguments are read.

use std::collections::{BTreeMap, HashMap};

use dotwit::ErrorKind;
use dotwit::prelude::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::instance_methods::Counter;
use crate::support::*;

#[js_invokable]
pub fn nothing() {}

#[js_invokable]
pub fn echo(value: Value) -> Value {
    value
}

#[js_invokable]
pub fn greet(greeting: String, times: i32) -> String {
    greeting.repeat(usize::try_from(times).unwrap_or_default())
}

#[js_invokable]
pub fn three(a: i32, b: i32, c: i32) -> i32 {
    a + b + c
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Person {
    #[serde(alias = "IntVal")]
    int_val: i32,
    string_val: Option<String>,
}

#[js_invokable]
pub fn person(person: Person) -> Person {
    person
}

#[js_invokable]
pub fn maybe(text: Option<String>, number: Option<i32>, person: Option<Person>) -> (bool, bool, bool) {
    (text.is_none(), number.is_none(), person.is_none())
}

#[js_invokable]
pub fn second_is_a_string(_number: i32, text: String) -> String {
    text
}

/// A parameter without a name of its own.
#[js_invokable]
pub fn point((x, y): (i32, i32), r#type: String, mut z: i32) -> String {
    z += x + y;
    format!("{type}{z}")
}

#[js_invokable]
pub fn collections(map: HashMap<String, Vec<u8>>, sorted: BTreeMap<String, (bool, char)>) -> usize {
    map.values().map(Vec::len).sum::<usize>() + sorted.len()
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Either {
    Counter(DotNetObjectReference<Counter>),
    Named { name: String, number: i32 },
}

#[js_invokable]
pub fn either(either: Either, more: i32) -> String {
    match either {
        Either::Counter(counter) => format!("{} {more}", counter.value().get_count()),
        Either::Named { name, number } => format!("{name} {number} {more}"),
    }
}

/// Methods that macros write take macros' types.
macro_rules! method {
    ($name:ident($($parameter:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[js_invokable]
        #[allow(clippy::too_many_arguments)]
        pub fn $name($($parameter: $type),*) -> $result $body
    };
}

method!(written_by_a_macro(a: Vec<i32>, b: i32) -> i32 { a.into_iter().sum::<i32>() + b });

#[test]
fn a_method_without_parameters_does_not_look_at_its_arguments() {
    in_new_guest(|_| {
        let deep = "[".repeat(1000);
        for args in ["", "null", "[]", "[1,2]", "<xml>", &deep] {
            assert_eq!(text(invoke("Nothing", args)), "null", "{args}");
        }
        assert_eq!(text(invoke("Nothing", with_bytes("[{\"__byte[]\":7}]", &[b"unread"]))), "null");
    });
}

#[test]
fn c55_fewer_arguments_than_parameters_are_refused() {
    in_new_guest(|_| {
        let outcome = invoke("Three", "[1,2]");
        assert_fails(outcome, ErrorKind::BadArguments, &["'Three'", "expects 3 parameters", "received 2"]);
        assert_fails(invoke("Echo", "[]"), ErrorKind::BadArguments, &["expects 1 parameter,", "received 0"]);
        // Not even those that could be null.
        let outcome = invoke("Maybe", "[null,null]");
        assert_fails(outcome, ErrorKind::BadArguments, &["expects 3 parameters", "received 2"]);
    });
}

#[test]
fn c56_more_arguments_than_parameters_are_refused_and_the_first_one_s_kind_is_named() {
    in_new_guest(|_| {
        let parts = &["'Three'", "exactly 3 parameters", "received 4"];
        for (extra, kind) in [
            ("4", "Number"),
            ("-4", "Number"),
            ("\"4\"", "String"),
            ("{}", "StartObject"),
            ("[]", "StartArray"),
            ("true", "True"),
            ("false", "False"),
            ("null", "Null"),
        ] {
            let error = assert_fails(invoke("Three", &*format!("[1,2,3,{extra}]")), ErrorKind::BadArguments, parts);
            assert!(error.message().contains(&format!("JSON token {kind}:")), "{error}");
        }
    });
}

#[test]
fn c64_text_that_is_no_json_is_refused() {
    in_new_guest(|_| {
        for (args, what) in [("", "is empty"), ("<xml>", "begins with '<'"), ("\u{feff}[1]", "begins with '\\u{feff}'")]
        {
            assert_fails(invoke("Echo", args), ErrorKind::BadArguments, &["Invalid JSON", "'Echo'", what]);
        }
        assert_fails(invoke("Echo", "[nil]"), ErrorKind::BadArguments, &["argument 1 ('value')", "invalid JSON"]);
        assert_fails(invoke("Echo", "[1 2]"), ErrorKind::BadArguments, &["argument 1 ('value')", "invalid JSON"]);
    });
}

#[test]
fn c65_json_that_is_no_array_is_refused() {
    in_new_guest(|_| {
        for (args, what) in [
            ("{\"key\":\"value\"}", "begins with '{'"),
            ("\"Hello\"", "begins with '\"'"),
            ("null", "begins with 'n'"),
            ("1", "begins with '1'"),
        ] {
            assert_fails(invoke("Echo", args), ErrorKind::BadArguments, &["Invalid JSON", what]);
        }
    });
}

#[test]
fn c66_an_array_that_is_malformed_is_refused() {
    in_new_guest(|_| {
        for (args, what) in [
            ("[\"Hello\"", "ends too early"),
            ("[\"Hello", "ends too early"),
            ("[\"Hello\",]", "lacks an element beside a comma"),
            ("[,\"Hello\"]", "lacks an element beside a comma"),
            ("[\"Hello\"}", "closes its '[' with '}'"),
        ] {
            assert_fails(invoke("Echo", args), ErrorKind::BadArguments, &["Invalid JSON", what]);
        }
    });
}

// Blazor stops reading at the closing bracket. What follows it was never meant to be there, so dotwit says so.
#[test]
fn text_after_the_array_is_refused() {
    in_new_guest(|_| {
        for args in ["[1] 2", "[1][2]", "[1]]"] {
            assert_fails(invoke("Echo", args), ErrorKind::BadArguments, &["goes on after its end"]);
        }
        assert_eq!(text(invoke("Echo", " \r\n[ 1\t] \n")), "1");
    });
}

#[test]
fn c67_elements_are_read_into_the_types_of_the_parameters() {
    in_new_guest(|_| assert_eq!(text(invoke("Greet", "[\"Hello\",2]")), "\"HelloHello\""));
}

// serde compares names as they are; the author says with `alias` where another case is welcome.
#[test]
fn c68_pascal_case_is_accepted_where_the_type_says_so_and_a_missing_property_stays_none() {
    in_new_guest(|_| {
        assert_eq!(json(invoke("Person", "[{\"IntVal\":7}]")), json!({"intVal": 7, "stringVal": null}));
    });
}

#[test]
fn c69_null_is_none() {
    in_new_guest(|_| assert_eq!(text(invoke("Maybe", "[null,null,null]")), "[true,true,true]"));
}

#[test]
fn null_for_a_value_is_refused() {
    in_new_guest(|_| {
        let outcome = invoke("Three", "[1,null,3]");
        assert_fails(outcome, ErrorKind::BadArguments, &["argument 2 ('b')", "null", "i32"]);
    });
}

#[test]
fn c70_a_reference_for_a_second_parameter_that_is_none_is_refused() {
    in_new_guest(|_| {
        // The object need not even be there.
        let outcome = invoke("SecondIsAString", "[1,{\"__dotNetObject\":1}]");
        assert_fails(outcome, ErrorKind::BadArguments, &["'SecondIsAString'", "parameter 2 ('text')"]);
        let outcome = invoke("SecondIsAString", "[1, { \"__dotNetObject\" : 1 } ]");
        assert_fails(outcome, ErrorKind::BadArguments, &["parameter 2 ('text')"]);
        // Blazor looks at the first property of an argument only, and so does dotwit.
        let outcome = invoke("Echo", "[{\"a\":{\"__dotNetObject\":1}}]");
        assert_eq!(json(outcome), json!({"a": {"__dotNetObject": 1}}));
    });
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_place_and_both_types() {
    in_new_guest(|_| {
        for (args, parts) in [
            ("[\"1\",2,3]", ["argument 1 ('a')", "string \"1\"", "i32"]),
            ("[1,2.5,3]", ["argument 2 ('b')", "floating point `2.5`", "i32"]),
            ("[1,2,3000000000]", ["argument 3 ('c')", "integer `3000000000`", "i32"]),
            ("[1,2,[]]", ["argument 3 ('c')", "sequence", "i32"]),
        ] {
            let error = assert_fails(invoke("Three", args), ErrorKind::BadArguments, &parts);
            assert!(!error.message().contains(" at line "), "{error}");
        }
        let outcome = invoke("Person", "[{\"stringVal\":\"a name\",\"intVal\":\"no number\"}]");
        assert_fails(outcome, ErrorKind::BadArguments, &["('person')", "no number", "i32", "at line 1 column "]);
    });
}

#[test]
fn an_argument_is_not_repeated_at_length_in_the_error() {
    in_new_guest(|_| {
        let long = "ä".repeat(1 << 20);
        let outcome = invoke("Three", &*format!("[1,\"{long}\",3]"));
        let error =
            assert_fails(outcome, ErrorKind::BadArguments, &["argument 2 ('b')", "\"ää", " … ", "expected i32"]);
        assert!(error.message().len() < 400, "{error}");
    });
}

#[test]
fn parameters_are_patterns_with_or_without_names() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("Point", "[[1,2],\"z\",3]")), "\"z6\"");
        assert_fails(invoke("Point", "[1,\"z\",3]"), ErrorKind::BadArguments, &["argument 1 ('arg1')"]);
        assert_fails(invoke("Point", "[[1,2],3,3]"), ErrorKind::BadArguments, &["argument 2 ('type')"]);
    });
}

#[test]
fn parameters_are_collections() {
    in_new_guest(|_| {
        assert_eq!(text(invoke("Collections", r#"[{"a":[1,2],"":[3]},{"ü":[true,"ß"]}]"#)), "4");
    });
}

#[test]
fn a_variant_that_does_not_fit_does_not_spoil_the_call() {
    in_new_guest(|_| {
        let counter = id(&json(invoke("CreateCounter", "[5]")));
        let text_object = id(&json(invoke("CreateText", "[\"x\"]")));
        let reference = |id: u64| format!("{{\"__dotNetObject\":{id}}}");
        assert_eq!(text(invoke("Either", &*format!("[{},1]", reference(counter)))), "\"5 1\"");
        assert_eq!(text(invoke("Either", "[{\"name\":\"n\",\"number\":2},3]")), "\"n 2 3\"");
        // A reference that is none of the variants does not fit, and is not what is wrong with the argument after it.
        let outcome = invoke("Either", &*format!("[{},1]", reference(text_object)));
        assert_fails(outcome, ErrorKind::BadArguments, &["did not match any variant"]);
        let outcome = invoke("FallsBack", &*format!("[{},\"no number\"]", reference(text_object)));
        assert_fails(outcome, ErrorKind::BadArguments, &["argument 2 ('more')", "i32"]);
    });
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum CounterOrAnything {
    Counter(DotNetObjectReference<Counter>),
    Anything(#[expect(dead_code)] Value),
}

#[js_invokable]
pub fn falls_back(either: CounterOrAnything, more: i32) -> i32 {
    match either {
        CounterOrAnything::Counter(counter) => more + counter.value().get_count() as i32,
        CounterOrAnything::Anything(_) => more,
    }
}

#[test]
fn methods_may_be_written_by_macros() {
    in_new_guest(|_| assert_eq!(text(invoke("WrittenByAMacro", "[[1,2],3]")), "6"));
}

#[test]
fn unicode_arrives_as_it_was_sent() {
    in_new_guest(|_| {
        for string in ["Grüße, 世界! 🎉👩‍👩‍👧", "\u{0}\u{1}\u{7f}\u{2028}\u{feff}\u{10ffff}", "\"\\/\r\n\t", "]}[{,:"]
        {
            assert_eq!(json(invoke("Echo", &*json!([string]).to_string())), json!(string));
        }
        assert_eq!(json(invoke("Echo", r#"["\ud83c\udf89\u00e9"]"#)), json!("🎉é"));
        // Half a pair is not Unicode.
        let outcome = invoke("Echo", r#"["\ud83c"]"#);
        assert_fails(outcome, ErrorKind::BadArguments, &["argument 1 ('value')", "half of a surrogate pair"]);
    });
}

#[test]
fn a_string_of_a_mebibyte_arrives_as_it_was_sent() {
    in_new_guest(|_| {
        let string = "0123456789abcde\"".repeat(1 << 16);
        assert_eq!(json(invoke("Echo", &*json!([string]).to_string())), json!(string));
    });
}

proptest! {
    /// Whatever the text and the arrays are, a call returns a result or one of these errors, and leaves no object behind.
    #[test]
    fn no_text_does_harm(
        args in prop_oneof![
            any::<String>(),
            r#"\[(\{"(__byte\[\]|__dotNetObject|name)" ?: ?(-?[0-9]{1,20}|"a"|null|\{\})\}|[0-9]|"a"|null|\[|\]|,|,|,){0,9}\]"#,
        ],
        bytes in prop::collection::vec(any::<Vec<u8>>(), 0..3),
    ) {
        in_new_guest(move |_| {
            for method in ["Echo", "Three", "Maybe", "Person", "Either", "EchoBytes", "Lengths", "EchoShelf", "EchoItem"] {
                let message = dotwit::__private::Message { json: args.clone(), bytes: bytes.clone() };
                if let Err(error) = invoke(method, message) {
                    let kinds = [ErrorKind::BadArguments, ErrorKind::NoSuchObject, ErrorKind::TooMany];
                    assert!(kinds.contains(&error.kind()), "{error:?}");
                }
                assert_eq!(dotwit::__private::dispatch::live(), 0);
            }
        });
    }
}
