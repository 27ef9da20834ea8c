//! Numbers beside their message: typed arrays and integers of any size.

use std::collections::BTreeMap;

use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::support::*;

#[js_invokable]
pub fn floats(values: Vec<f32>) -> Vec<f32> {
    values
}

#[js_invokable]
pub fn any(value: Value) -> Value {
    value
}

#[js_invokable]
pub fn by_index(values: BTreeMap<u32, f32>) -> usize {
    values.len()
}

#[js_invokable]
pub fn typed(values: TypedArray<f32>) -> TypedArray<f32> {
    values
}

#[js_invokable]
pub fn bytes_and_floats(bytes: Bytes, floats: Vec<f32>, typed: TypedArray<f32>) -> (Bytes, usize, TypedArray<f32>) {
    (bytes, floats.len(), typed)
}

#[derive(Deserialize)]
pub struct Mixed {
    bytes: Bytes,
    typed: TypedArray<f32>,
    floats: Vec<f32>,
}

/// Two of these are read twice, once each way.
#[js_invokable]
pub fn mixed(mixed: Mixed) -> (Bytes, TypedArray<f32>, Vec<f32>) {
    (mixed.bytes, mixed.typed, mixed.floats)
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Shape {
    Line { points: Vec<f32> },
    Dot { at: TypedArray<f32> },
}

#[js_invokable]
pub fn shape(shape: Shape) -> String {
    match shape {
        Shape::Line { points } => format!("line of {}", points.len()),
        Shape::Dot { at } => format!("dot at {at:?}"),
    }
}

#[derive(Deserialize)]
pub struct Ignoring {
    a: i32,
}

#[js_invokable]
pub fn ignoring(value: Ignoring) -> i32 {
    value.a
}

#[js_invokable]
pub fn small(value: Vec<u8>) -> usize {
    value.len()
}

#[js_invokable]
pub fn wide(value: i128) -> BigInt<i128> {
    BigInt(value)
}

#[js_invokable]
pub fn exact(value: BigInt<u64>) -> u64 {
    value.0
}

fn bytes_of(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

const FLOATS: &str = r#"{"__byte[]":0,"__as":"Float32Array"}"#;

fn call(method: &str, json: &str, arrays: &[&[u8]]) -> String {
    let result = invoke(method, with_bytes(json, arrays)).unwrap_or_else(|error| panic!("{method}({json}): {error}"));
    result.json
}

#[track_caller]
fn assert_bad(method: &str, json: &str, arrays: &[&[u8]], part: &str) {
    assert_fails(invoke(method, with_bytes(json, arrays)), ErrorKind::BadArguments, &["argument 1", part]);
}

#[test]
fn what_knows_nothing_of_typed_arrays_reads_their_numbers() {
    in_new_guest(|_| {
        let bytes = bytes_of(&[1.0, -0.5]);
        assert_eq!(call("Floats", &format!("[{FLOATS}]"), &[&bytes]), "[1.0,-0.5]");
        assert_eq!(call("Any", &format!("[[{FLOATS},{{\"a\":{FLOATS}}}]]"), &[&bytes]), r#"[[1,-0.5],{"a":[1,-0.5]}]"#);
        assert_eq!(call("Floats", &format!("[{FLOATS}]"), &[&[]]), "[]");
        assert_eq!(call("Shape", &format!("[{{\"points\":{FLOATS}}}]"), &[&bytes]), "\"line of 2\"");
        assert_eq!(call("Shape", &format!("[{{\"at\":{FLOATS}}}]"), &[&bytes]), "\"dot at TypedArray([1.0, -0.5])\"");
    });
}

#[test]
fn typed_arrays_travel_as_they_are() {
    in_new_guest(|_| {
        let bytes = bytes_of(&[f32::NAN, f32::INFINITY, 1.5]);
        let result = invoke("Typed", with_bytes(&format!("[{FLOATS}]"), &[&bytes])).expect("it is a typed array");
        assert_eq!(result, with_bytes(FLOATS, &[&bytes]));
        let result = invoke("Typed", "[[1.5]]").expect("an array is one");
        assert_eq!(result, with_bytes(FLOATS, &[&bytes_of(&[1.5])]));
        // A page may write the two keys in any order.
        let reversed = r#"[{"__as":"Float32Array","__byte[]":0}]"#;
        assert_eq!(invoke("Typed", with_bytes(reversed, &[&bytes])), Ok(with_bytes(FLOATS, &[&bytes])));
    });
}

#[test]
fn all_that_is_beside_a_text_is_read_where_it_is_read_twice() {
    in_new_guest(|_| {
        let nan = bytes_of(&[f32::NAN]);
        let one = bytes_of(&[1.0]);
        let json = r#"[{"bytes":{"__byte[]":0},"typed":{"__byte[]":1,"__as":"Float32Array"},"floats":{"__byte[]":2,"__as":"Float32Array"}}]"#;
        let result = invoke("Mixed", with_bytes(json, &[&[1, 2], &nan, &one])).expect("all of it can be read");
        assert_eq!(result.json, r#"[{"__byte[]":0},{"__byte[]":1,"__as":"Float32Array"},[1.0]]"#);
        assert_eq!(result.bytes, [vec![1, 2], nan.clone()]);
        let json = r#"[{"__byte[]":0},{"__byte[]":1,"__as":"Float32Array"},{"__byte[]":2,"__as":"Float32Array"}]"#;
        let result = invoke("BytesAndFloats", with_bytes(json, &[&[1, 2], &one, &nan])).expect("all of it can be read");
        assert_eq!(result.bytes, [vec![1, 2], nan]);
    });
}

#[test]
fn what_json_cannot_hold_is_named_where_it_is_read() {
    in_new_guest(|_| {
        let bytes = bytes_of(&[1.0, f32::NAN]);
        assert_bad("Floats", &format!("[{FLOATS}]"), &[&bytes], "element 1 of the Float32Array is NaN");
        assert_bad("Any", &format!("[{FLOATS}]"), &[&bytes], "element 1 of the Float32Array is NaN");
        assert_eq!(call("Ignoring", &format!("[{{\"a\":1,\"b\":{FLOATS}}}]"), &[&bytes]), "1");
    });
}

#[test]
fn what_does_not_fit_is_shown_as_the_number_that_it_is() {
    in_new_guest(|_| {
        let json = r#"[{"__byte[]":0,"__as":"Float64Array"}]"#;
        let bytes: Vec<u8> = [1.0, 1e300].iter().flat_map(|float: &f64| float.to_le_bytes()).collect();
        let outcome = invoke("Floats", with_bytes(json, &[&bytes]));
        let message = outcome.expect_err("it is no `f32`").message().to_owned();
        assert!(message.ends_with("does not fit: number out of range, found `1e+300`."), "{message}");
        let outcome = invoke("Small", with_bytes(&json.replace("Float64", "Int16"), &[&[1, 0, 0, 1]]));
        let message = outcome.expect_err("256 is no `u8`").message().to_owned();
        assert!(message.ends_with("does not fit: invalid value: integer `256`, expected u8."), "{message}");
    });
}

#[test]
fn what_is_no_typed_array_is_refused() {
    in_new_guest(|_| {
        assert_bad("Typed", r#"[{"__byte[]":1,"__as":"Float32Array"}]"#, &[b"a"], "byte array 1 was not found");
        assert_bad("Typed", r#"[{"__byte[]":0,"__as":"Map"}]"#, &[b"a"], "a Map of 1 bytes is not a typed array");
        let odd = r#"[{"__byte[]":0,"__as":"Float32Array"}]"#;
        assert_bad("Typed", odd, &[b"12345"], "a Float32Array of 5 bytes is not a typed array");
        assert_bad("Typed", r#"[{"__byte[]":0,"__as":"BigInt"}]"#, &[b"1"], "");
        assert_bad("Typed", r#"[{"__byte[]":0,"__as":"Int8Array","__as":"Int8Array"}]"#, &[b"a"], "twice");
        assert_bad("Typed", r#"[{"__byte[]":0,"foo":1}]"#, &[b"a"], "unexpected property 'foo'");
        assert_bad("EchoBytes", &format!("[{FLOATS}]"), &[b"abcd"], "a Float32Array was received");
    });
}

#[test]
fn objects_that_other_writers_make_of_typed_arrays_are_lists_where_one_is_wanted() {
    in_new_guest(|_| {
        assert_eq!(call("Floats", r#"[{"0":1.5,"1":2}]"#, &[]), "[1.5,2.0]");
        assert_eq!(call("ByIndex", r#"[{"0":1.5,"1":2}]"#, &[]), "2");
        assert_eq!(call("Any", r#"[{"0":1.5}]"#, &[]), r#"{"0":1.5}"#);
        assert_bad("Floats", r#"[{"0":1.5,"1":null}]"#, &[], "expected a sequence");
        assert_bad("Floats", "[{}]", &[], "expected a sequence");
    });
}

#[test]
fn integers_of_any_size_are_exact() {
    in_new_guest(|_| {
        let big = r#"[{"__byte[]":0,"__as":"BigInt"}]"#;
        let digits = i128::MIN.to_string();
        let result = invoke("Wide", with_bytes(big, &[digits.as_bytes()])).expect("it fits");
        assert_eq!(result, with_bytes(&big[1..big.len() - 1], &[digits.as_bytes()]));
        assert_eq!(call("Exact", big, &[b"18446744073709551615"]), "18446744073709551615");
        assert_eq!(call("Exact", "[18446744073709551615]", &[]), "18446744073709551615");
        assert_bad("Exact", big, &[b"18446744073709551616"], "18446744073709551616 does not fit into u64");
        let one_more = "170141183460469231731687303715884105728";
        assert_bad("Wide", big, &[one_more.as_bytes()], &format!("out of range, found `{one_more}`"));
        assert_bad("Exact", "[18446744073709551616]", &[], "pass a `bigint`");
        assert_bad("Exact", "[1.5]", &[], "floating point `1.5`, expected a bigint, or an integer");
        assert_bad("Exact", big, &[b"-1"], "does not fit");
        assert_bad("Exact", big, &[b"1.5"], "does not fit");
        assert_bad("Exact", &format!("[{FLOATS}]"), &[b"abcd"], "");
    });
}
