//! A crate that does not say `dotwit::export!`.

#![forbid(unsafe_code)]

use dotwit::__private::dispatch::{Target, invoke};
use dotwit::__private::{Message, describe};
use dotwit::ErrorKind;
use dotwit::prelude::*;

/// Never found.
#[js_invokable]
pub fn alone() {}

#[test]
fn a_guest_without_a_name_says_so() {
    let outcome = invoke(&Target::Assembly("Any".to_owned()), "Alone", Message::from_json("[]"));
    for error in [describe().map(drop), outcome.map(drop)].map(|result| result.expect_err("nothing works")) {
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.message().contains("`dotwit::export!` exactly once"), "{error}");
    }
}
