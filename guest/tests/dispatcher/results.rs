//! What methods return, and what its caller gets.

use std::cell::RefCell;
use std::collections::HashMap;

use dotwit::__private::dispatch;
use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::{Serialize, Serializer};

use crate::support::*;

#[js_invokable]
pub fn returns_unit() {}

#[js_invokable]
pub fn returns_none() -> Option<i32> {
    None
}

#[js_invokable]
pub fn returns_some() -> Option<i32> {
    Some(1)
}

#[js_invokable]
pub fn returns_ok() -> Result<Option<String>, String> {
    Ok(Some("fine".to_owned()))
}

#[js_invokable]
pub fn returns_ok_unit() -> Result<(), String> {
    Ok(())
}

#[js_invokable]
pub fn returns_numbers() -> (u64, i128, f64, f64, f64, char) {
    (u64::MAX, i128::MIN, 0.5, f64::NAN, f64::INFINITY, 'ß')
}

#[js_invokable]
pub fn returns_a_static_str() -> &'static str {
    "Grüße 🎉 \"\\\u{0}\u{2028}"
}

#[js_invokable]
pub fn returns_a_megabyte() -> String {
    "é".repeat(1 << 19)
}

/// Keys that are not strings.
#[js_invokable]
pub fn returns_an_odd_map() -> HashMap<Vec<i32>, i32> {
    HashMap::from([(vec![1], 1)])
}

/// What cannot be sent.
pub struct Unsendable;

impl Serialize for Unsendable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("nobody shall have it"))
    }
}

pub struct Guarded(#[allow(dead_code)] CountsDrop);

#[js_invokable]
impl Guarded {}

fn guarded() -> DotNetObjectReference<Guarded> {
    DotNetObjectReference::new(Guarded(CountsDrop))
}

/// A result whose second field cannot be sent, when its first already was.
#[derive(Serialize)]
pub struct HalfSent {
    reference: DotNetObjectReference<Guarded>,
    bytes: Bytes,
    unsendable: Unsendable,
}

#[js_invokable]
pub fn returns_half_sent() -> HalfSent {
    HalfSent { reference: guarded(), bytes: Bytes(vec![1]), unsendable: Unsendable }
}

#[js_invokable]
pub async fn returns_half_sent_later() -> HalfSent {
    task::yield_now().await;
    returns_half_sent()
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Nested {
    Array([Box<Nested>; 1]),
    Pair(DotNetObjectReference<Guarded>, Box<Nested>),
    End(Option<DotNetObjectReference<Guarded>>),
}

/// A reference beside `depth` arrays in one another, with a reference inside the innermost.
#[js_invokable]
pub fn returns_nested_references(depth: usize) -> Nested {
    let end = Nested::End(Some(guarded()));
    Nested::Pair(guarded(), Box::new((2..depth).fold(end, |inner, _| Nested::Array([Box::new(inner)]))))
}

thread_local! {
    static KEPT: RefCell<Option<DotNetObjectReference<Guarded>>> = const { RefCell::new(None) };
}

/// Keeps a reference that is part of a result which cannot be sent.
#[js_invokable]
pub fn keeps_half_sent() -> HalfSent {
    let half_sent = returns_half_sent();
    KEPT.set(Some(half_sent.reference.clone()));
    half_sent
}

/// Hands out what it disposes of while it is written.
pub struct Disposes;

impl Serialize for Disposes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reference = guarded();
        let written = reference.serialize(serializer);
        reference.dispose();
        written
    }
}

#[js_invokable]
pub fn returns_disposed() -> Disposes {
    Disposes
}

/// A value without an end.
pub struct Endless;

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [Endless].serialize(serializer)
    }
}

#[js_invokable]
pub fn returns_endless() -> Endless {
    Endless
}

#[test]
fn results_are_json() {
    in_new_guest(|_| {
        for (method, expected) in [
            ("ReturnsUnit", "null"),
            ("ReturnsNone", "null"),
            ("ReturnsSome", "1"),
            ("ReturnsOk", "\"fine\""),
            ("ReturnsOkUnit", "null"),
            ("ReturnsNumbers", "[18446744073709551615,-170141183460469231731687303715884105728,0.5,null,null,\"ß\"]"),
            ("ReturnsAStaticStr", "\"Grüße 🎉 \\\"\\\\\\u0000\u{2028}\""),
        ] {
            assert_eq!(text(invoke(method, "[]")), expected);
            assert_eq!(begin(1, method, "[]"), Some(ok(expected)));
        }
        assert_eq!(text(invoke("ReturnsAMegabyte", "[]")).len(), (1 << 20) + 2);
    });
}

#[test]
fn a_result_that_cannot_be_sent_is_a_failure_and_leaves_nothing_behind() {
    in_new_guest(|page| {
        let parts = &["The result cannot be sent", "nobody shall have it"];
        assert_fails(invoke("ReturnsHalfSent", "[]"), ErrorKind::Failed, parts);
        assert_eq!((dispatch::live(), drops()), (0, 1));
        assert_eq!(begin(1, "ReturnsHalfSentLater", "[]"), None);
        page.wake_until_idle();
        let [(1, outcome)] = &page.ended()[..] else { panic!("one call ends") };
        assert_fails(outcome.clone(), ErrorKind::Failed, parts);
        assert_eq!((dispatch::live(), drops()), (0, 2));
        assert_fails(invoke("ReturnsAnOddMap", "[]"), ErrorKind::Failed, &["cannot be sent", "string"]);
        // The next message has nothing of it.
        assert_eq!(invoke("EchoBytes", "[\"AQ==\"]"), Ok(with_bytes("{\"__byte[]\":0}", &[&[1]])));
    });
}

#[test]
fn a_result_that_nests_too_deep_leaves_nothing_behind() {
    in_new_guest(|_| {
        json(invoke("ReturnsNestedReferences", "[32]"));
        assert_eq!(dispatch::live(), 2);
        assert_fails(invoke("ReturnsNestedReferences", "[33]"), ErrorKind::Failed, &["33", "32"]);
        assert_eq!((dispatch::live(), drops()), (2, 2));
    });
}

#[test]
fn a_reference_that_the_guest_keeps_stays_its_own_when_it_cannot_be_sent() {
    in_new_guest(|_| {
        assert_fails(invoke("KeepsHalfSent", "[]"), ErrorKind::Failed, &[]);
        assert_eq!(drops(), 0);
        // The page does not own it: the guest's is the last one.
        KEPT.take();
        assert_eq!((dispatch::live(), drops()), (0, 1));
    });
}

#[test]
fn a_reference_that_is_disposed_of_while_it_is_written_is_gone() {
    in_new_guest(|_| {
        let gone = id(&json(invoke("ReturnsDisposed", "[]")));
        assert_eq!((dispatch::live(), drops()), (0, 1));
        assert_fails(invoke_on(gone, "Anything", "[]"), ErrorKind::NoSuchObject, &[]);
    });
}

#[test]
fn a_result_without_an_end_is_a_failure() {
    in_new_guest(|_| {
        assert_fails(invoke("ReturnsEndless", "[]"), ErrorKind::Failed, &["cannot be sent", "33", "32 is the limit"]);
    });
}
