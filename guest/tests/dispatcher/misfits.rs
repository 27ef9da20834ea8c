//! What is said of JSON that does not fit: what was expected, and what was found.

use std::collections::BTreeMap;
use std::num::NonZeroU128;

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use crate::support::*;

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
pub enum Color {
    Red,
    Mixed(i32),
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are only read")]
pub struct Painting {
    colors: Vec<Option<Color>>,
    #[serde(default)]
    price: u128,
}

/// A method for each type.
macro_rules! takes {
    ($($name:ident: $ty:ty,)*) => {$(
        #[js_invokable]
        pub fn $name(_value: $ty) {}
    )*};
}

takes! {
    fit_color: Color,
    fit_painting: Painting,
    fit_map: BTreeMap<i32, String>,
    fit_flags: BTreeMap<bool, i32>,
    fit_u128: u128,
    fit_i128: Option<i128>,
    fit_u128s: Vec<u128>,
    fit_u128_keys: BTreeMap<u128, i32>,
    fit_non_zero: NonZeroU128,
    fit_f32: f32,
    fit_char: char,
    fit_text: String,
    fit_any: Value,
    fit_texts: BTreeMap<String, Vec<String>>,
    fit_pair: (i32, i32),
    fit_numbers: Vec<u8>,
    fit_bytes: Bytes,
    fit_reference: JsObjectReference,
    fit_stream: JsStreamReference,
}

#[test]
fn what_does_not_fit_is_valid_json() {
    in_new_guest(|_| {
        for (id, value, parts) in [
            ("FitColor", "1", ["expected a variant", "found `1`"]),
            ("FitColor", "null", ["expected a variant", "found `null`"]),
            ("FitColor", "[1]", ["expected a variant", "found `[`"]),
            ("FitColor", "{}", ["expected a variant", "found `{}`"]),
            ("FitColor", r#"{"Mixed":1,"Red":null}"#, ["expected a variant", "one property"]),
            ("FitColor", r#""Blue""#, ["unknown variant `Blue`", "`Red`"]),
            ("FitPainting", r#"{"colors":["Red",null,12.5]}"#, ["expected a variant", "found `12.5`"]),
            ("FitPainting", r#"{"colors":[],"price":1e+21}"#, ["expected an integer", "found `1e+21`"]),
            ("FitPainting", r#"{"colors":[],"price":{}}"#, ["expected an integer", "await"]),
            ("FitMap", r#"{"x":"c"}"#, ["expected a number as the key", r#"found `"x"`"#]),
            ("FitMap", r#"{"1.5":"c"}"#, ["floating point `1.5`", "expected i32"]),
            ("FitU128Keys", r#"{"1.5":1}"#, ["expected an integer", "found `1.5`"]),
            ("FitFlags", r#"{"tru":1}"#, ["expected `true` or `false`", "found"]),
            ("FitU128", "1e+21", ["expected an integer", "found `1e+21`"]),
            ("FitU128", "1152921504606847000.0", ["without point", "pass a `bigint`"]),
            ("FitPair", "[1152921504606847000.0,1]", ["expected i32", "pass a `bigint`"]),
            ("FitPair", "[1.5,1]", ["floating point `1.5`", "expected i32"]),
            ("FitU128", "-1", ["out of range", "found `-1`"]),
            ("FitU128", r#""1""#, ["expected an integer", r#"found `"1"`"#]),
            ("FitI128", "-1.5", ["expected an integer", "found `-1.5`"]),
            ("FitU128s", "[1,2.5,3]", ["expected an integer", "found `2.5`"]),
            ("FitU128s", "[1,\n2,\n 3.5]", ["expected an integer", "found `3.5`"]),
            ("FitNonZero", "1e+21", ["expected an integer", "found `1e+21`"]),
            ("FitNonZero", "0", ["integer `0`", "nonzero"]),
            ("FitF32", "1e+300", ["out of range", "found `1e+300`"]),
            ("FitAny", "1e400", ["out of range", "found `1e400`"]),
            ("FitChar", r#""ab""#, [r#"string "ab""#, "a character"]),
            ("FitPair", "[1,2,3]", ["expected fewer elements", "found `3`"]),
            ("FitPair", "[1]", ["invalid length 1", "size 2"]),
            ("FitText", r#""a\ud83d""#, ["half of a surrogate pair", "toWellFormed()"]),
            ("FitChar", r#""\udc00""#, ["half of a surrogate pair", "toWellFormed()"]),
            ("FitAny", r#"{"\ud83d":"\ud83d\ud83d"}"#, ["half of a surrogate pair", "toWellFormed()"]),
            ("FitTexts", r#"{"a":["b","\ud83d\u0041"]}"#, ["half of a surrogate pair", "toWellFormed()"]),
        ] {
            let error = invoke(id, &*format!("[{value}]")).expect_err(value);
            assert_eq!(error.kind(), ErrorKind::BadArguments);
            for part in ["argument 1 ('_value') does not fit: "].iter().chain(&parts) {
                assert!(error.message().contains(part), "{id}({value}): {error}");
            }
        }
    });
}

#[test]
fn results_that_do_not_fit_are_told_in_the_same_words() {
    fn get<R: serde::de::DeserializeOwned + 'static>(page: &TestPage, json: &'static str) -> Error {
        page.answer(move |_, _| ok(json));
        js::invoke_sync::<R>("f", ()).err().expect("it does not fit")
    }
    in_new_guest(|page| {
        for (error, part) in [
            (get::<u128>(page, "1e+21"), "does not fit: expected an integer"),
            (get::<Color>(page, "1"), "does not fit: expected a variant"),
            (get::<String>(page, r#""\ud83d""#), "does not fit: a string has half of a surrogate pair"),
            (get::<i32>(page, "1,"), "is invalid JSON"),
        ] {
            assert!(error.message().contains(part), "{error}");
        }
    });
}

#[test]
fn what_the_page_should_do_instead_is_said() {
    let promise = "a Promise is `{}` in JSON: perhaps an `await` is missing";
    let bytes = "a Uint8Array came, and `dotwit::Bytes` takes it";
    let reference = "DotNet.createJSObjectReference makes a reference of";
    in_new_guest(move |_| {
        for (id, value, part) in [
            ("FitBytes", "{}", promise),
            ("FitReference", "{}", promise),
            ("FitStream", "{}", promise),
            ("FitText", "{}", promise),
            ("FitColor", "{}", promise),
            ("FitPainting", "{}", promise),
            ("FitPair", "[1,{}]", promise),
            ("FitTexts", r#"{"a":{}}"#, promise),
            ("FitNumbers", r#"{"__byte[]":0}"#, bytes),
            ("FitText", r#"{"__byte[]":0}"#, bytes),
            ("FitColor", r#"{"__byte[]":0}"#, bytes),
            ("FitTexts", r#"{"a":{"__byte[]":0}}"#, bytes),
            ("FitReference", "null", reference),
            ("FitReference", r#"{"a":1}"#, reference),
            ("FitStream", r#"{"a":1}"#, "DotNet.createJSStreamReference makes a reference of"),
        ] {
            let error = invoke(id, with_bytes(&format!("[{value}]"), &[b"a"])).expect_err(value);
            assert!(error.message().contains(part), "{id}({value}): {error}");
        }
    });
}
