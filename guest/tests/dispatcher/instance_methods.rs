//! Methods of objects, generic types among them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::*;

#[derive(Default)]
pub struct Counter {
    count: Cell<u32>,
}

#[js_invokable]
impl Counter {
    #[js_invokable("CreateCounter")]
    pub fn create(count: u32) -> DotNetObjectReference<Counter> {
        DotNetObjectReference::new(Counter { count: Cell::new(count) })
    }

    #[js_invokable]
    pub fn increment(&self) {
        self.count.update(|count| count + 1);
    }

    #[js_invokable]
    #[js_invokable("Count")]
    pub fn get_count(&self) -> u32 {
        self.count.get()
    }

    /// Takes a counter and hands out another.
    #[js_invokable]
    pub fn add(&self, other: DotNetObjectReference<Self>) -> (String, DotNetObjectReference<Self>) {
        let sum = self.count.get() + other.value().count.get();
        ("You passed a counter".to_owned(), DotNetObjectReference::new(Self { count: Cell::new(sum) }))
    }

    #[js_invokable]
    pub fn through_rc(self: Rc<Self>) -> usize {
        Rc::strong_count(&self)
    }

    #[js_invokable]
    #[allow(clippy::needless_arbitrary_self_type)]
    pub fn through_ref(self: &Self) -> u32 {
        self.count.get()
    }

    #[js_invokable("Family")]
    #[cfg(target_family = "unix")]
    pub fn unix(&self) -> &'static str {
        "unix"
    }

    #[js_invokable("Family")]
    #[cfg(not(target_family = "unix"))]
    pub fn other(&self) -> &'static str {
        "other"
    }

    /// The same id as a static method's: objects and assemblies do not share ids.
    #[js_invokable]
    pub fn open_gate(&self) -> &'static str {
        "no gate"
    }

    #[expect(dead_code)]
    pub fn unmarked(&self) {}
}

/// Another type with an id of the first.
pub struct Text(pub String);

#[js_invokable]
impl Text {
    #[js_invokable("CreateText")]
    pub fn create(text: String) -> DotNetObjectReference<Text> {
        DotNetObjectReference::new(Text(text))
    }

    #[js_invokable]
    pub fn get_count(&self) -> String {
        format!("{} characters", self.0.chars().count())
    }
}

pub struct Generic<T> {
    value: RefCell<T>,
}

#[js_invokable]
impl<T> Generic<T>
where
    T: Clone + Serialize + DeserializeOwned + 'static,
{
    #[js_invokable]
    pub fn non_generic(&self, n: i32) -> i32 {
        n + 1
    }

    #[js_invokable]
    pub fn replace(&self, value: T) -> T {
        self.value.replace(value)
    }

    #[js_invokable]
    pub async fn get_later(&self) -> T {
        task::yield_now().await;
        self.value.borrow().clone()
    }

    #[js_invokable]
    pub fn same(&self, other: DotNetObjectReference<Generic<T>>) -> bool {
        std::ptr::eq(self, other.value())
    }
}

#[js_invokable]
pub fn create_generic_i32(value: i32) -> DotNetObjectReference<Generic<i32>> {
    DotNetObjectReference::new(Generic { value: value.into() })
}

#[js_invokable]
pub fn create_generic_string(value: String) -> DotNetObjectReference<Generic<String>> {
    DotNetObjectReference::new(Generic { value: value.into() })
}

/// A generic type whose methods are those of one of its types.
pub struct Closed<const N: usize, T>(T);

#[js_invokable]
impl Closed<3, i32> {
    #[js_invokable]
    pub fn create_closed() -> DotNetObjectReference<Closed<3, i32>> {
        DotNetObjectReference::new(Closed(3))
    }

    #[js_invokable]
    pub fn get(&self) -> i32 {
        self.0
    }
}

fn counter(count: u32) -> u64 {
    id(&json(invoke("CreateCounter", &*format!("[{count}]"))))
}

#[test]
fn c30_an_instance_void_method_changes_its_object_and_gives_null() {
    in_new_guest(|_| {
        let counter = counter(6);
        assert_eq!(counter, 1);
        assert_eq!(text(invoke_on(counter, "Increment", "null")), "null");
        assert_eq!(text(invoke_on(counter, "GetCount", "null")), "7");
    });
}

#[test]
fn c47_an_instance_method_takes_a_reference_and_gives_the_next_id() {
    in_new_guest(|_| {
        let (one, two) = (counter(1), counter(2));
        assert_eq!((one, two), (1, 2));
        let result = text(invoke_on(one, "Add", "[{\"__dotNetObject\":2}]"));
        assert_eq!(result, r#"["You passed a counter",{"__dotNetObject":3}]"#);
        assert_eq!(text(invoke_on(3, "GetCount", "[]")), "3");
    });
}

#[test]
fn c48_a_method_of_a_generic_type_need_not_be_generic() {
    in_new_guest(|_| {
        let generic = id(&json(invoke("CreateGenericI32", "[1]")));
        assert_eq!(text(invoke_on(generic, "NonGeneric", "[41]")), "42");
        let closed = id(&json(invoke("CreateClosed", "[]")));
        assert_eq!(text(invoke_on(closed, "Get", "[]")), "3");
    });
}

#[test]
fn c49_a_method_of_a_generic_type_takes_values_of_its_object_s_type() {
    in_new_guest(|page| {
        let number = id(&json(invoke("CreateGenericI32", "[1]")));
        let string = id(&json(invoke("CreateGenericString", "[\"one\"]")));
        assert_eq!(text(invoke_on(number, "Replace", "[2]")), "1");
        assert_eq!(text(invoke_on(string, "Replace", "[\"two\"]")), "\"one\"");
        assert_eq!(begin_on(1, number, "GetLater", "[]"), None);
        assert_eq!(begin_on(2, string, "GetLater", "[]"), None);
        page.wake_until_idle();
        assert_eq!(page.ended(), [(1, ok("2")), (2, ok("\"two\""))]);
    });
}

#[test]
fn c50_an_instance_method_answers_to_each_of_its_ids() {
    in_new_guest(|_| {
        let counter = counter(5);
        assert_eq!(text(invoke_on(counter, "GetCount", "[]")), "5");
        assert_eq!(text(invoke_on(counter, "Count", "[]")), "5");
    });
}

#[test]
fn c54_a_value_of_another_type_than_the_generic_object_s_is_refused() {
    in_new_guest(|_| {
        let number = id(&json(invoke("CreateGenericI32", "[1]")));
        let string = id(&json(invoke("CreateGenericString", "[\"one\"]")));
        let outcome = invoke_on(number, "Replace", "[\"two\"]");
        assert_fails(outcome, ErrorKind::BadArguments, &["'Replace'", "argument 1 ('value')", "\"two\"", "i32"]);
        let outcome = invoke_on(string, "Replace", "[2]");
        assert_fails(outcome, ErrorKind::BadArguments, &["integer `2`", "a string"]);
        let outcome = invoke_on(number, "Same", &*format!("[{{\"__dotNetObject\":{string}}}]"));
        assert_fails(outcome, ErrorKind::BadArguments, &[&format!("Object '{string}'"), "Generic<T>"]);
    });
}

#[test]
fn methods_are_looked_up_by_the_object_s_type() {
    in_new_guest(|_| {
        let (counter, text_object) = (counter(2), id(&json(invoke("CreateText", "[\"drei\"]"))));
        assert_eq!(text(invoke_on(counter, "GetCount", "[]")), "2");
        assert_eq!(text(invoke_on(text_object, "GetCount", "[]")), "\"4 characters\"");
        assert_eq!(text(invoke_on(counter, "OpenGate", "[]")), "\"no gate\"");
        let outcome = invoke_on(text_object, "Increment", "[]");
        assert_fails(outcome, ErrorKind::NoSuchMethod, &["The type 'Text'", "'Increment'"]);
        assert_fails(invoke_on(counter, "Unmarked", "[]"), ErrorKind::NoSuchMethod, &["The type 'Counter'"]);
        // Static methods are not called on objects.
        assert_fails(invoke_on(counter, "CreateCounter", "[1]"), ErrorKind::NoSuchMethod, &["The type 'Counter'"]);
        let outcome = invoke_on(counter, "getCount", "[]");
        assert_fails(outcome, ErrorKind::NoSuchMethod, &["Did you mean 'GetCount'?"]);
    });
}

#[test]
fn receivers_are_references_and_rcs() {
    in_new_guest(|_| {
        let counter = counter(2);
        // The object's own one and that of the call.
        assert!(json(invoke_on(counter, "ThroughRc", "[]")).as_u64().is_some_and(|count| count >= 2));
        assert_eq!(text(invoke_on(counter, "ThroughRef", "[]")), "2");
    });
}

#[test]
fn alternatives_for_different_targets_may_share_an_id() {
    in_new_guest(|_| {
        let family = if cfg!(target_family = "unix") { "unix" } else { "other" };
        assert_eq!(json(invoke_on(counter(1), "Family", "[]")), family);
    });
}
