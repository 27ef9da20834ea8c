//! Numbers that JSON has no place for.

use dotwit_host::{BigInt, Bytes, ErrorKind, JsObject, JsValue, NativePage, TypedArray};
use serde_json::{Value, json};

use crate::support::{assert_error, session, test_guest};

#[test]
fn typed_arrays_and_large_integers_come_back_as_they_went() {
    let session = session();
    let numbers = TypedArray(vec![1.5, f64::INFINITY, -0.0, f64::MIN_POSITIVE]);
    let echo: TypedArray<f64> = session.invoke("TestGuest", "EchoNumbers", (&numbers,)).unwrap();
    assert_eq!(echo, numbers);
    let echo: TypedArray<f64> = session.invoke("TestGuest", "EchoNumbers", (TypedArray(vec![1_u16, 2]),)).unwrap();
    assert_eq!(*echo, [1.0, 2.0]);
    let echo: BigInt<i128> = session.invoke("TestGuest", "EchoBigInt", (BigInt(i128::MIN),)).unwrap();
    assert_eq!(echo.0, i128::MIN);
    let echo: u64 = session.invoke("TestGuest", "EchoBigInt", (u64::MAX,)).unwrap();
    assert_eq!(echo, u64::MAX);
}

#[test]
fn what_knows_nothing_of_them_reads_their_numbers() {
    let session = session();
    let echo: Vec<f64> = session.invoke("TestGuest", "EchoNumbers", (TypedArray(vec![1.5_f32]),)).unwrap();
    assert_eq!(echo, [1.5]);
    let echo: Value = session.invoke("TestGuest", "EchoNumbers", (vec![1, 2],)).unwrap();
    assert_eq!(echo, json!([1, 2]));
    let echo: Value = session.invoke("TestGuest", "Echo", (json!({ "a": 1 }),)).unwrap();
    assert_eq!(echo, json!({ "a": 1 }));
    let error = session.invoke::<Vec<f64>>("TestGuest", "EchoNumbers", (TypedArray(vec![0.0, f64::NAN]),)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["element 1 of the Float64Array is NaN"]);
    let error = session.invoke::<Bytes>("TestGuest", "EchoNumbers", (vec![1],)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["a Float64Array was received"]);
    let error = session.invoke::<u128>("TestGuest", "EchoBigInt", (BigInt(i128::MIN),)).unwrap_err();
    assert_error(&error, ErrorKind::BadArguments, &["number out of range"]);
}

#[test]
fn values_of_a_page_keep_them() {
    let window = JsObject::new()
        .function("echo", |(value,): (JsValue,)| Ok(value))
        .function("sum", |(values,): (Vec<f32>,)| Ok(values.iter().sum::<f32>()));
    let session = test_guest().session_with_page(NativePage::new(window.clone())).unwrap();
    window.set("samples", TypedArray(vec![1.5_f32, f32::INFINITY])).unwrap();
    assert_eq!(*window.get::<TypedArray<f32>>("samples").unwrap(), [1.5, f32::INFINITY]);
    window.set("more", json!([1])).unwrap();
    let sum: f32 = session.invoke("TestGuest", "CallPageSync", ("sum", [json!([1.5, 2])])).unwrap();
    assert_eq!(sum, 3.5);
    let values = JsValue::new(&json!({ "a": 1 })).unwrap();
    let nested = JsValue::new(&(values, TypedArray(vec![1_i8]), BigInt(5_i64))).unwrap();
    let echo: (Value, Vec<i32>, i64) = session.invoke("TestGuest", "Echo", (nested,)).unwrap();
    assert_eq!(echo, (json!({ "a": 1 }), vec![1], 5));
}
