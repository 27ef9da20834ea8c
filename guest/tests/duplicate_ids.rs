//! Two static methods with one id, which no macro can see: every call of the guest fails and says so.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

use dotwit::__private::dispatch::{Target, invoke};
use dotwit::__private::{Message, describe};
use dotwit::ErrorKind;
use dotwit::prelude::*;

dotwit::export!("Duplicates");

pub mod first {
    use dotwit::prelude::*;

    #[js_invokable]
    pub fn save() {}

    #[js_invokable("Load")]
    pub fn load() {}
}

pub struct Second;

#[js_invokable]
impl Second {
    #[js_invokable]
    pub fn save() {}

    #[js_invokable("Load")]
    pub fn load_other() {}
}

#[js_invokable]
pub fn alone() {}

const EXPECTED: &str = "The assembly 'Duplicates' has methods with the same id: \
                        'Load' is claimed by `duplicate_ids::Second::load_other` (FILE:31) \
                        and by `duplicate_ids::first::load` (FILE:20); \
                        'Save' is claimed by `duplicate_ids::Second::save` (FILE:28) \
                        and by `duplicate_ids::first::save` (FILE:17).";

#[test]
fn the_manifest_and_each_static_call_name_both_methods_and_where_they_are() {
    let expected = EXPECTED.replace("FILE", file!());
    let error = describe().expect_err("two methods claim one id");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Failed, expected.as_str()));
    for method in ["Save", "Load", "Alone", "NoSuchMethod"] {
        let error = invoke(&Target::Assembly("Duplicates".to_owned()), method, Message::from_json("[]"))
            .expect_err("nothing works");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Failed, expected.as_str()));
    }
}
