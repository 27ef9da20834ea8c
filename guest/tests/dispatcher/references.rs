//! References: which side owns an object, and until when it can be called.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use dotwit::__private::dispatch;
use dotwit::ErrorKind;
use dotwit::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::*;

#[derive(Default)]
pub struct Item {
    uses: Cell<u32>,
    friend: RefCell<Option<DotNetObjectReference<Item>>>,
}

impl Drop for Item {
    fn drop(&mut self) {
        drop(CountsDrop);
    }
}

thread_local! {
    static KEPT: RefCell<Vec<DotNetObjectReference<Item>>> = const { RefCell::new(Vec::new()) };
}

#[js_invokable]
impl Item {
    #[js_invokable("CreateItem")]
    pub fn create() -> DotNetObjectReference<Item> {
        DotNetObjectReference::new(Item::default())
    }

    /// Hands out an item that the guest keeps too.
    #[js_invokable("CreateKeptItem")]
    pub fn create_kept() -> DotNetObjectReference<Item> {
        let item = Self::create();
        KEPT.with_borrow_mut(|kept| kept.push(item.clone()));
        item
    }

    /// Hands out the item that is kept.
    #[js_invokable]
    pub fn get_kept_item() -> Vec<DotNetObjectReference<Item>> {
        KEPT.with_borrow(Clone::clone)
    }

    #[js_invokable]
    pub fn keep_item(item: DotNetObjectReference<Item>) {
        KEPT.with_borrow_mut(|kept| kept.push(item));
    }

    #[js_invokable]
    pub fn dispose_of(item: DotNetObjectReference<Item>) {
        item.dispose();
        item.dispose();
    }

    #[js_invokable("Use")]
    pub fn use_it(&self) -> u32 {
        self.uses.update(|uses| uses + 1);
        self.uses.get()
    }

    /// The same item under another id.
    #[js_invokable]
    pub fn refer_again(self: std::rc::Rc<Self>) -> DotNetObjectReference<Item> {
        self.into()
    }

    #[js_invokable]
    pub fn befriend(&self, friend: Option<DotNetObjectReference<Item>>) {
        self.friend.replace(friend);
    }
}

#[derive(Serialize, Deserialize)]
pub struct Shelf {
    first: DotNetObjectReference<Item>,
    more: Vec<Option<DotNetObjectReference<Item>>>,
    named: BTreeMap<String, DotNetObjectReference<Item>>,
}

#[js_invokable]
pub fn echo_shelf(shelf: Shelf) -> Shelf {
    shelf
}

#[js_invokable]
pub fn echo_item(item: DotNetObjectReference<Item>) -> DotNetObjectReference<Item> {
    item
}

#[js_invokable]
pub fn same_item(a: DotNetObjectReference<Item>, b: DotNetObjectReference<Item>) -> bool {
    std::ptr::eq(a.value(), b.value())
}

fn item() -> u64 {
    id(&json(invoke("CreateItem", "[]")))
}

fn reference(id: u64) -> String {
    json!({ "__dotNetObject": id }).to_string()
}

#[track_caller]
fn assert_gone(id: u64) {
    let parts = &[&format!("no tracked object with id '{id}'"), "disposed"];
    assert_fails(invoke_on(id, "Use", "[]"), ErrorKind::NoSuchObject, parts);
    let outcome = invoke("EchoItem", &*format!("[{}]", reference(id)));
    assert_fails(outcome, ErrorKind::NoSuchObject, parts);
}

#[test]
fn c1_a_reference_s_value_is_the_object() {
    in_new_guest(|_| {
        let kept = id(&json(invoke("CreateKeptItem", "[]")));
        invoke_on(kept, "Use", "[]").expect("items can be used");
        KEPT.with_borrow(|items| {
            assert_eq!(items[0].value().uses.get(), 1);
            items[0].value().uses.set(10);
        });
        assert_eq!(text(invoke_on(kept, "Use", "[]")), "11");
    });
}

#[test]
fn c2_the_first_object_that_is_sent_has_the_id_1() {
    in_new_guest(|_| {
        // An object that is never sent has none.
        drop(DotNetObjectReference::new(Item::default()));
        assert_eq!(text(invoke("CreateItem", "[]")), reference(1));
        assert_eq!(dispatch::live(), 1);
    });
}

#[test]
fn c3_an_object_keeps_its_id_however_often_it_is_sent() {
    in_new_guest(|_| {
        let kept = text(invoke("CreateKeptItem", "[]"));
        for _ in 0..3 {
            assert_eq!(text(invoke("GetKeptItem", "[]")), format!("[{kept}]"));
        }
        assert_eq!(dispatch::live(), 1);
    });
}

#[test]
fn two_references_to_one_object_are_two_ids_and_end_apart() {
    in_new_guest(|_| {
        let one = item();
        let other = id(&json(invoke_on(one, "ReferAgain", "[]")));
        assert_ne!(one, other);
        assert_eq!(text(invoke("SameItem", &*format!("[{},{}]", reference(one), reference(other)))), "true");
        dispatch::release(one);
        assert_gone(one);
        assert_eq!((text(invoke_on(other, "Use", "[]")), drops()), ("1".to_owned(), 0));
        dispatch::release(other);
        assert_eq!((dispatch::live(), drops()), (0, 1));
    });
}

#[test]
fn c5_a_disposed_reference_is_not_tracked() {
    in_new_guest(|_| {
        let kept = id(&json(invoke("CreateKeptItem", "[]")));
        KEPT.with_borrow(|items| items[0].dispose());
        assert_eq!(dispatch::live(), 0);
        assert_gone(kept);
        // The guest's own code still has the object, but cannot send it any more.
        KEPT.with_borrow(|items| assert_eq!(items[0].value().uses.get(), 0));
        let parts = &["DotNetObjectReference<Item>", "cannot be sent", "disposed"];
        assert_fails(invoke("GetKeptItem", "[]"), ErrorKind::NoSuchObject, parts);
    });
}

#[test]
fn c6_disposing_twice_is_harmless() {
    in_new_guest(|_| {
        let (one, other) = (item(), item());
        invoke("DisposeOf", &*format!("[{}]", reference(one))).expect("items can be disposed of");
        assert_gone(one);
        dispatch::release(one);
        assert_eq!(text(invoke_on(other, "Use", "[]")), "1");
        // Nor does it matter for one that was never sent.
        let never_sent = DotNetObjectReference::new(Item::default());
        never_sent.dispose();
        never_sent.dispose();
    });
}

#[test]
fn c32_the_page_disposes_of_an_object_by_calling_dispose_with_null_for_arguments() {
    in_new_guest(|page| {
        let (one, two) = (item(), item());
        assert_eq!(begin_on(1, one, "__Dispose", "null"), Some(ok("null")));
        assert_eq!((dispatch::live(), drops()), (1, 1));
        assert_eq!(text(invoke_on(two, "__Dispose", "null")), "null");
        assert_eq!((dispatch::live(), drops()), (0, 2));
        assert_fails(invoke_on(one, "__Dispose", "null"), ErrorKind::NoSuchObject, &["disposed"]);
        assert_eq!(page.ended(), []);
    });
}

#[test]
fn c33_an_object_that_the_guest_disposed_of_cannot_be_used() {
    in_new_guest(|_| {
        let one = item();
        invoke("DisposeOf", &*format!("[{}]", reference(one))).expect("items can be disposed of");
        assert_eq!(one, 1);
        assert_gone(one);
    });
}

#[test]
fn c34_an_object_that_the_page_released_cannot_be_used() {
    in_new_guest(|_| {
        let kept = id(&json(invoke("CreateKeptItem", "[]")));
        dispatch::release(kept);
        assert_gone(kept);
        // Nor can the guest send it again: for both sides it is over.
        assert_fails(invoke("GetKeptItem", "[]"), ErrorKind::NoSuchObject, &["disposed"]);
    });
}

#[test]
fn c72_a_placeholder_without_its_key_is_refused() {
    in_new_guest(|_| {
        let parts = &["argument 1 ('item')", "required property '__dotNetObject' was not found"];
        assert_fails(invoke("EchoItem", "[{}]"), ErrorKind::BadArguments, parts);
    });
}

#[test]
fn c73_a_placeholder_with_another_key_is_refused() {
    in_new_guest(|_| {
        item();
        for args in ["[{\"foo\":2}]", "[{\"__dotNetObject\":1,\"foo\":2}]", "[{\"foo\":2,\"__dotNetObject\":1}]"] {
            assert_fails(invoke("EchoItem", args), ErrorKind::BadArguments, &["unexpected property 'foo'"]);
        }
    });
}

#[test]
fn c74_a_placeholder_that_is_incomplete_is_refused() {
    in_new_guest(|_| {
        assert_fails(invoke("EchoItem", "[{\"__dotNetObject\":5"), ErrorKind::BadArguments, &["ends too early"]);
        assert_fails(invoke("EchoItem", "[{\"__dotNetObject\"}]"), ErrorKind::BadArguments, &["invalid JSON"]);
    });
}

#[test]
fn c75_a_placeholder_with_its_key_twice_is_refused() {
    in_new_guest(|_| {
        item();
        let outcome = invoke("EchoItem", "[{\"__dotNetObject\":1,\"__dotNetObject\":1}]");
        assert_fails(outcome, ErrorKind::BadArguments, &["'__dotNetObject' is there twice"]);
    });
}

#[test]
fn a_placeholder_with_a_wrong_value_is_refused() {
    in_new_guest(|_| {
        for (value, part) in
            [("\"1\"", "string \"1\""), ("null", "null"), ("1.5", "floating point"), ("[1]", "sequence")]
        {
            let args = format!("[{{\"__dotNetObject\":{value}}}]");
            assert_fails(invoke("EchoItem", &*args), ErrorKind::BadArguments, &["argument 1 ('item')", part]);
        }
        assert_fails(invoke("EchoItem", "[1]"), ErrorKind::BadArguments, &["integer `1`"]);
        assert_fails(invoke("EchoItem", "[null]"), ErrorKind::BadArguments, &["null", "a placeholder"]);
        for id in ["0", "-5", "9007199254740993"] {
            let outcome = invoke("EchoItem", &*format!("[{{\"__dotNetObject\":{id}}}]"));
            assert_fails(outcome, ErrorKind::NoSuchObject, &[&format!("'{id}'")]);
        }
    });
}

#[test]
fn c76_a_placeholder_is_read_as_the_same_object() {
    in_new_guest(|_| {
        let one = item();
        assert_eq!(text(invoke("EchoItem", &*format!("[{}]", reference(one)))), reference(one));
        assert_eq!(dispatch::live(), 1);
    });
}

#[test]
fn c77_placeholders_are_read_as_their_own_objects() {
    in_new_guest(|_| {
        let (one, two) = (reference(item()), reference(item()));
        assert_eq!(text(invoke("SameItem", &*format!("[{one},{two}]"))), "false");
        assert_eq!(text(invoke("SameItem", &*format!("[{two},{two}]"))), "true");
    });
}

#[test]
fn c78_white_space_in_a_placeholder_is_fine() {
    in_new_guest(|_| {
        let one = item();
        assert_eq!(text(invoke("EchoItem", &*format!("[ {{\n\t\"__dotNetObject\" :\r {one} }} ]"))), reference(one));
    });
}

#[test]
fn c79_writing_a_reference_twice_gives_the_same_text() {
    in_new_guest(|_| {
        let shelf = format!("{{\"first\":{0},\"more\":[{0},null],\"named\":{{\"a\":{0}}}}}", reference(item()));
        assert_eq!(text(invoke("EchoShelf", &*format!("[{shelf}]"))), shelf);
    });
}

#[test]
fn nested_references_are_read_and_written() {
    in_new_guest(|_| {
        let ids = [item(), item(), item()];
        let [a, b, c] = ids.map(reference);
        let shelf = format!("{{\"first\":{a},\"more\":[{b},null],\"named\":{{\"ü\":{c}}}}}");
        assert_eq!(text(invoke("EchoShelf", &*format!("[{shelf}]"))), shelf);
        dispatch::release(ids[2]);
        let outcome = invoke("EchoShelf", &*format!("[{shelf}]"));
        assert_fails(outcome, ErrorKind::NoSuchObject, &[&format!("'{}'", ids[2])]);
        let text_object = reference(id(&json(invoke("CreateText", "[\"x\"]"))));
        let shelf = format!("{{\"first\":{text_object},\"more\":[],\"named\":{{}}}}");
        let outcome = invoke("EchoShelf", &*format!("[{shelf}]"));
        assert_fails(outcome, ErrorKind::BadArguments, &["of type 'Text'", "'Item' is expected"]);
    });
}

#[test]
fn two_references_to_equal_objects_are_two_ids() {
    in_new_guest(|_| {
        let (one, two) = (item(), item());
        assert_ne!(one, two);
        dispatch::release(one);
        assert_eq!(text(invoke_on(two, "Use", "[]")), "1");
    });
}

#[test]
fn ids_are_not_used_again() {
    in_new_guest(|_| {
        let mut last = 0;
        for _ in 0..100 {
            let next = item();
            assert!(next > last);
            last = next;
            dispatch::release(next);
        }
        assert_eq!(dispatch::live(), 0);
    });
}

#[test]
fn a_returned_object_lives_until_the_page_releases_it() {
    in_new_guest(|_| {
        let one = item();
        assert_eq!((dispatch::live(), drops()), (1, 0));
        assert_eq!(text(invoke_on(one, "Use", "[]")), "1");
        assert_eq!(text(invoke_on(one, "Use", "[]")), "2");
        dispatch::release(one);
        assert_eq!((dispatch::live(), drops()), (0, 1));
        dispatch::release(one);
        dispatch::release(0);
        dispatch::release(u64::MAX);
        assert_gone(one);
    });
}

#[test]
fn an_argument_is_the_guest_s_to_keep_until_somebody_disposes_of_it() {
    in_new_guest(|_| {
        let one = item();
        invoke("KeepItem", &*format!("[{}]", reference(one))).expect("items can be kept");
        // Dropping the guest's leaves the page's.
        KEPT.take();
        assert_eq!((dispatch::live(), drops()), (1, 0));
        invoke("KeepItem", &*format!("[{}]", reference(one))).expect("items can be kept");
        // Releasing the page's ends both, but the guest's code may go on with the object.
        dispatch::release(one);
        assert_eq!((dispatch::live(), drops()), (0, 0));
        KEPT.take();
        assert_eq!(drops(), 1);
    });
}

#[test]
fn objects_that_own_others_release_them() {
    in_new_guest(|_| {
        let (one, two) = (item(), item());
        invoke_on(one, "Befriend", &*format!("[{}]", reference(two))).expect("items befriend");
        dispatch::release(two);
        assert_eq!(drops(), 0);
        dispatch::release(one);
        assert_eq!((dispatch::live(), drops()), (0, 2));
        // One that the page never saw goes with its owner.
        let three = item();
        invoke_on(three, "Befriend", "[null]").expect("items befriend");
        dispatch::release(three);
        assert_eq!(drops(), 3);
    });
}

#[test]
fn a_reference_outside_of_a_call_is_no_placeholder() {
    in_new_guest(|_| {
        let reference = DotNetObjectReference::new(Item::default());
        assert!(serde_json::to_string(&reference).is_err());
        assert!(serde_json::from_str::<DotNetObjectReference<Item>>("{\"__dotNetObject\":1}").is_err());
        assert_eq!(dispatch::live(), 0);
    });
}
