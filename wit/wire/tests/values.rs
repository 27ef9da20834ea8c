//! Byte arrays and numbers beside a text.

use std::collections::BTreeMap;

use dotwit_wire::byte_arrays::{Reading, Suspended, Writing};
use dotwit_wire::placeholder::{AS, BYTES, JS_OBJECT, JS_STREAM_LENGTH, Placeholder};
use dotwit_wire::{BigInt, Bytes, TypedArray};
use serde::de::Deserializer as _;
use serde::{Deserialize, Serialize};

fn write<T: Serialize>(value: &T) -> (String, Vec<Vec<u8>>) {
    let writing = Writing::open();
    let json = serde_json::to_string(value).expect("the value can be written");
    (json, writing.close())
}

fn read<T: for<'de> Deserialize<'de>>(json: &str, bytes: &[&[u8]]) -> Result<T, String> {
    let _reading = Reading::open(json, bytes.iter().map(|bytes| bytes.to_vec()).collect());
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_refused<T: for<'de> Deserialize<'de> + std::fmt::Debug>(json: &str, bytes: &[&[u8]], part: &str) {
    let error = read::<T>(json, bytes).expect_err("it is refused");
    assert!(error.contains(part), "'{part}' is missing in '{error}'");
}

#[test]
fn bytes_travel_beside_the_text() {
    let value = BTreeMap::from([("a", vec![Bytes(vec![1, 2]), Bytes(vec![])]), ("b", vec![Bytes(vec![3])])]);
    let (json, bytes) = write(&value);
    assert_eq!(json, r#"{"a":[{"__byte[]":0},{"__byte[]":1}],"b":[{"__byte[]":2}]}"#);
    assert_eq!(bytes, [vec![1, 2], vec![], vec![3]]);
    let bytes: Vec<&[u8]> = bytes.iter().map(|bytes| &**bytes).collect();
    assert_eq!(
        read(&json, &bytes),
        Ok(value.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<BTreeMap<_, _>>())
    );
}

#[test]
fn an_array_may_be_named_twice() {
    assert_eq!(read(r#"[{"__byte[]":0},{"__byte[]":0}]"#, &[b"ab"]), Ok([Bytes(b"ab".into()), Bytes(b"ab".into())]));
}

#[test]
fn what_is_not_an_array_is_refused() {
    assert_refused::<Bytes>(r#"{"__byte[]":0}"#, &[], "unexpected byte array 0: the message has none");
    assert_refused::<Bytes>(r#"{"__byte[]":2}"#, &[b"a"], "byte array 2 was not found: the message has 1");
    assert_refused::<Bytes>(r#"{"__byte[]":-1}"#, &[b"a"], "byte array -1 was not found");
    assert_refused::<Bytes>(r#"{"__byte[]":5000000000}"#, &[b"a"], "5000000000 is not a 32-bit integer");
    assert_refused::<Bytes>(r#"{"__byte[]":0,"a":1}"#, &[b"a"], "unexpected property 'a' beside '__byte[]'");
    assert_refused::<Bytes>(r#"{"__byte[]":0,"__byte[]":0}"#, &[b"a"], "property '__byte[]' is there twice");
    assert_refused::<Bytes>(
        r#"{"__byte[]":0,"__as":"BigInt"}"#,
        &[b"1"],
        "a BigInt was received where a Uint8Array is expected",
    );
    assert_refused::<Bytes>("\"?\"", &[], "a string is not base-64");
    assert_refused::<Bytes>("5", &[], "expected a Uint8Array, or a base-64 string");
}

#[test]
fn numbers_travel_as_bytes() {
    let value = (TypedArray(vec![1.5_f32]), BigInt(-5_i64), TypedArray(vec![7_u8]));
    let (json, bytes) = write(&value);
    assert_eq!(json, r#"[{"__byte[]":0,"__as":"Float32Array"},{"__byte[]":1,"__as":"BigInt"},{"__byte[]":2}]"#);
    assert_eq!(bytes, [1.5_f32.to_le_bytes().to_vec(), b"-5".to_vec(), vec![7]]);
    let bytes: Vec<&[u8]> = bytes.iter().map(|bytes| &**bytes).collect();
    assert_eq!(read(&json, &bytes), Ok(value));
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let floats = r#"{"__byte[]":0,"__as":"Float32Array"}"#;
    assert_refused::<TypedArray<i8>>(floats, &[&1e9_f32.to_le_bytes()], "element 0 of the Float32Array is 1000000000");
    assert_refused::<TypedArray<f32>>(floats, &[b"abc"], "a Float32Array of 3 bytes is not a typed array");
    assert_refused::<BigInt<i64>>(floats, &[b"abcd"], "a Float32Array is not a bigint");
    let integer = r#"{"__byte[]":0,"__as":"BigInt"}"#;
    assert_refused::<BigInt<i64>>(integer, &[b"99999999999999999999"], "99999999999999999999 does not fit into i64");
}

#[test]
fn types_that_know_no_placeholders_read_an_expanded_text() {
    let json = r#"[{"__byte[]":0,"__as":"Int16Array"},{"__byte[]":1,"__as":"BigInt"}]"#;
    let reading = Reading::open(json, vec![vec![1, 0, 255, 255], b"12".to_vec()]);
    assert!(reading.has_numbers());
    let first = serde_json::from_str::<(Vec<i16>, BigInt<u64>)>(json).err();
    let expanded = reading.expand(json).expect("the integers have not been read");
    let read: serde_json::Result<(Vec<i16>, BigInt<u64>)> =
        expanded.read(first, |text| serde_json::from_str(text), |_, error| error);
    assert_eq!(read.expect("it can be read"), (vec![1, -1], BigInt(12)));
}

#[test]
fn contexts_nest() {
    let outer = Writing::open();
    serde_json::to_string(&Bytes(vec![1])).expect("it is part of the outer message");
    {
        let _suspended = Suspended::new();
        serde_json::to_string(&Bytes(vec![2])).expect_err("nothing is being written");
        assert_eq!(write(&Bytes(vec![3])), (r#"{"__byte[]":0}"#.to_owned(), vec![vec![3]]));
    }
    assert_eq!(write(&Bytes(vec![4])).1, [[4]]);
    assert_eq!(serde_json::to_string(&Bytes(vec![5])).expect("the outer message goes on"), r#"{"__byte[]":1}"#);
    assert_eq!(outer.close(), [[1], [5]]);
    let error = serde_json::to_string(&Bytes(vec![6])).expect_err("nothing is being written");
    assert!(error.to_string().contains("bytes can only be written as part of a call"));
    let error = serde_json::from_str::<Bytes>(r#"{"__byte[]":0}"#).expect_err("nothing is being read");
    assert!(error.to_string().contains("bytes can only be read as part of a call"));
}

#[test]
fn placeholders_are_read_strictly() {
    let read = |json: &str| {
        let stream = Placeholder::new(JS_OBJECT, "so it is made").with::<u64>(JS_STREAM_LENGTH);
        serde_json::Deserializer::from_str(json).deserialize_map(stream).map_err(|error| error.to_string())
    };
    assert_eq!(read(r#"{"__jsStreamReferenceLength":5,"__jsObjectId":-1}"#), Ok((-1, Some(5))));
    assert_eq!(read(r#"{"__jsObjectId":1}"#), Ok((1, None)));
    for (json, part) in [
        (r#"{"__jsStreamReferenceLength":5}"#, "required property '__jsObjectId' was not found: so it is made"),
        (r#"{"__jsObjectId":1,"a":1}"#, "'a' beside '__jsObjectId' and '__jsStreamReferenceLength': so it is made"),
        (r#"{"__jsObjectId":1,"__jsObjectId":1}"#, "'__jsObjectId' is there twice"),
        (r#"{"__jsObjectId":"1"}"#, "invalid type: string \"1\", expected i64"),
        ("[]", "expected a placeholder {\"__jsObjectId\": id}"),
    ] {
        let error = read(json).expect_err("it is refused");
        assert!(error.contains(part), "'{part}' is missing in '{error}'");
    }
    assert_eq!((BYTES, AS), ("__byte[]", "__as"));
}
