//! Nothing is left behind: what was made and dropped is in no table any more.

use dotwit::__private::dispatch::{self, end_invoke_js};
use dotwit::prelude::*;
use serde_json::json;

use crate::instance_methods::Counter;
use crate::support::*;

#[track_caller]
fn assert_nothing_is_left(page: &TestPage) {
    page.wake_until_idle();
    let left = (
        dispatch::live(),
        dotwit::live_references().page_objects,
        dotwit::live_references().streams,
        dispatch::pending_count(),
    );
    assert_eq!(left, (0, 0, 0, 0));
}

#[test]
fn a_hundred_thousand_references_each_way() {
    in_new_guest(|page| {
        page.answer(|_, args| {
            let object = id(&serde_json::from_str::<serde_json::Value>(&args.json).expect("arguments are JSON")[0]);
            invoke_on(object, "Increment", "[]")
        });
        for n in 1..=100_000_i64 {
            // One that a method returns, one that goes with a call at once, one with a call that ends later or never.
            let object = id(&json(invoke("CreateCounter", "[1]")));
            match n % 3 {
                0 => dispatch::release(object),
                1 => dispatch::forget(object, 1),
                _ => drop(invoke_on(object, "__Dispose", "null")),
            }
            js::invoke_void_sync("f", (Counter::create(1),)).expect("the page answers");
            let call = js::invoke_void("f", (Counter::create(1),));
            let begun = page.begun_one().call;
            match n % 3 {
                0 => end_invoke_js(begun, ok("null")),
                1 => drop(call),
                _ => {
                    call.detach();
                    end_invoke_js(begun, ok("null"));
                }
            }
            // And one of the page.
            let args = json!([{ "__jsObjectId": n }]).to_string();
            invoke("SameJsObject", &*args).expect("it is the same");
        }
        assert_nothing_is_left(page);
        let released = page.released();
        assert!(released.into_iter().eq(1..=100_000));
    });
}

#[test]
fn ten_thousand_streams_each_way() {
    in_new_guest(|page| {
        for n in 0..10_000_u32 {
            let stream = DotNetStreamReference::from_reader(std::io::Cursor::new(vec![1; 10]));
            js::invoke_void("f", (stream,)).detach();
            let begun = page.begun_one();
            let id: u64 = begun.args.json.trim_matches(|c: char| !c.is_ascii_digit()).parse().expect("an id");
            end_invoke_js(begun.call, ok("null"));
            // Read to its end, or closed at some point before that.
            for _ in 0..n % 4 {
                dispatch::read(1, id, 5).expect("it is there").expect("it is read");
            }
            if n % 4 < 3 {
                dispatch::close(id);
            }
            let args = json!([{ "__jsStreamReferenceLength": 10, "__jsObjectId": n + 1 }]).to_string();
            assert_eq!(begin(1, "ReadToEnd", &*args), None);
            let [read] = page.reads().try_into().expect("one read");
            if n % 2 == 0 {
                dispatch::end_read_js(read.call, Ok(vec![1; 10]));
            } else {
                dispatch::cancel_invoke(1);
            }
            assert_eq!(page.ended().len(), 1);
        }
        assert_nothing_is_left(page);
        assert!(page.released().into_iter().eq(1..=10_000));
    });
}
