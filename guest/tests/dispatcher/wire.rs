//! Values on the wire: what goes in comes out, whatever it is, and text that is damaged does no harm.

use std::collections::BTreeMap;

use dotwit::__private::Message;
use dotwit::__private::dispatch::{self, end_invoke_js};
use dotwit::prelude::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::support::*;

/// Bytes at all depths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Crate {
    lid: Bytes,
    layers: Vec<Vec<Bytes>>,
    labelled: BTreeMap<String, Option<Bytes>>,
    text: String,
}

#[js_invokable]
pub fn same_crate(contents: Crate) -> Crate {
    contents
}

#[js_invokable]
pub async fn same_crate_later(contents: Crate) -> Crate {
    task::yield_now().await;
    contents
}

/// What the page makes of a crate.
#[js_invokable]
pub async fn crate_through_page(contents: Crate) -> Result<Crate, dotwit::Error> {
    js::invoke("same", (contents,)).await
}

/// Any JSON value that is not deeper than a message may be.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        any::<String>().prop_map(Value::from),
        r#"[\[\]{},:"\\ /_byte0]*"#.prop_map(Value::from),
        "__(jsObjectId|byte\\[\\]|dotNetObject|dotNetStream)".prop_map(Value::from),
    ];
    leaf.prop_recursive(24, 100, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

fn any_bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes)
}

fn any_crate() -> impl Strategy<Value = Crate> {
    let layers = prop::collection::vec(prop::collection::vec(any_bytes(), 0..4), 0..4);
    let labelled = prop::collection::btree_map(any::<String>(), prop::option::of(any_bytes()), 0..4);
    (any_bytes(), layers, labelled, r#"(__byte\[\]|"|:|0|[^"])*"#).prop_map(|(lid, layers, labelled, text)| Crate {
        lid,
        layers,
        labelled,
        text,
    })
}

/// A crate as a page writes it.
fn written(contents: &Crate) -> Message {
    let mut bytes = Vec::new();
    let mut lift = |lifted: &Bytes| {
        bytes.push(lifted.0.clone());
        serde_json::json!({ "__byte[]": bytes.len() - 1 })
    };
    let lid = lift(&contents.lid);
    let layers: Vec<Vec<Value>> = contents.layers.iter().map(|layer| layer.iter().map(&mut lift).collect()).collect();
    let labelled: BTreeMap<&String, Option<Value>> =
        contents.labelled.iter().map(|(name, lifted)| (name, lifted.as_ref().map(&mut lift))).collect();
    // In the order of the members, as `JSON.stringify` writes them.
    let json = format!(
        "{{\"lid\":{lid},\"layers\":{},\"labelled\":{},\"text\":{}}}",
        serde_json::json!(layers),
        serde_json::json!(labelled),
        serde_json::json!(contents.text)
    );
    Message { json, bytes }
}

fn as_argument(message: Message) -> Message {
    Message { json: format!("[{}]", message.json), bytes: message.bytes }
}

/// What a text is made of that is damaged.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "-1",
    "0",
    "1",
    "2",
    "007",
    "1e2",
    "99999999999999999999",
    "null",
    "\"__jsObjectId\"",
    "\"__jsStreamReferenceLength\"",
    "\"__dotNetObject\"",
    "\"__byte[]\"",
    "\"__dotNetStream\"",
    "\"__jsObjectId\":1",
    "{\"__jsObjectId\":1}",
    "{\"__jsObjectId\":-1}",
    "{\"__byte[]\":0}",
    "\"object\":",
    "\"first\":",
];

/// Methods that read placeholders.
const READERS: &[&str] =
    &["SameJsObject", "SameStream", "MaybeJsObject", "SameCabinet", "KeepEither", "EchoBytes", "EchoItem", "SameCrate"];

proptest! {
    #[test]
    fn any_json_comes_back_as_it_was(value in any_json()) {
        in_new_guest(move |page| {
            // JavaScript has no exact numbers as large as `u64`, and they still arrive.
            assert_eq!(json(invoke("Echo", &*format!("[{value}]"))), value);
            page.answer(|_, args| ok(&args.json[1..args.json.len() - 1]));
            assert_eq!(js::invoke_sync::<Value>("same", (&value,)), Ok(value.clone()));
            let running = run(js::invoke::<Value>("same", (&value,)));
            let begun = page.begun_one();
            end_invoke_js(begun.call, ok(&begun.args.json[1..begun.args.json.len() - 1]));
            assert_eq!(running.done(), Ok(value));
            assert_eq!((dispatch::pending_count(), dotwit::live_references().page_objects), (0, 0));
        });
    }

    #[test]
    fn any_bytes_come_back_as_they_were(contents in any_crate()) {
        in_new_guest(move |page| {
            let message = written(&contents);
            assert_eq!(invoke("SameCrate", as_argument(message.clone())), Ok(message.clone()));
            assert_eq!(begin(1, "SameCrateLater", as_argument(message.clone())), None);
            page.wake_until_idle();
            assert_eq!(page.ended(), [(1, Ok(message.clone()))]);
            assert_eq!(begin(1, "CrateThroughPage", as_argument(message.clone())), None);
            let begun = page.begun_one();
            assert_eq!(begun.args, as_argument(message.clone()));
            end_invoke_js(begun.call, Ok(message.clone()));
            assert_eq!(page.ended(), [(1, Ok(message))]);
        });
    }

    /// Whatever holds placeholders of the page's objects, each is given back as often as it is there.
    #[test]
    fn objects_that_nobody_reads_are_given_back_as_often_as_they_came(
        value in any_json(),
        ids in prop::collection::vec(1..6_i64, 0..8),
        places in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        in_new_guest(move |page| {
            let mut value = Value::from(vec![value]);
            for (id, place) in ids.iter().zip(&places) {
                insert(&mut value, *place, serde_json::json!({ "__jsObjectId": id }));
            }
            let expected = { let mut ids = ids.clone(); ids.sort_unstable(); ids };
            for pretty in [false, true] {
                let text = if pretty { format!("{value:#}") } else { value.to_string() };
                let args = format!("[{text}]");
                // It may be too deep now, which does not matter.
                let _outcome = invoke("TakesAnything", &*args);
                let mut released = page.released();
                released.sort_unstable();
                assert_eq!(&released, &expected);
                end_invoke_js(1, ok(args));
                assert_eq!(page.released().len(), ids.len());
            }
            assert_eq!(dotwit::live_references().page_objects, 0);
        });
    }

    /// Text of any kind reaches the readers of placeholders; nothing panics, and nothing is held afterwards.
    #[test]
    fn damaged_placeholders_do_no_harm(
        text in prop::collection::vec(prop::sample::select(TOKENS), 0..14).prop_map(|tokens| format!("[{}]", tokens.concat())),
        count in 0..3_usize,
    ) {
        in_new_guest(move |page| {
            let message = Message { json: text.clone(), bytes: vec![vec![1]; count] };
            for method in READERS {
                let _outcome = invoke(method, message.clone());
            }
            let calls = [
                run(async { drop(js::invoke::<JsObjectReference>("f", ()).await) }),
                run(async { drop(js::invoke::<Option<JsStreamReference>>("f", ()).await) }),
                run(async { drop(js::invoke::<(Bytes, Vec<JsObjectReference>)>("f", ()).await) }),
                run(async { drop(js::invoke::<Value>("f", ()).await) }),
            ];
            page.begun().into_iter().for_each(|begun| end_invoke_js(begun.call, Ok(message.clone())));
            calls.iter().for_each(Running::done);
            page.wake_until_idle();
            crate::js_references::let_go();
            assert_eq!((dotwit::live_references().page_objects, dispatch::live(), dispatch::pending_count()), (0, 0, 0));
        });
    }
}

/// Puts something somewhere into a value that is an array.
fn insert(value: &mut Value, place: prop::sample::Index, inserted: Value) {
    match value {
        Value::Array(items) => match place.index(items.len() + 1) {
            at if at < items.len() && (items[at].is_array() || items[at].is_object()) => {
                insert(&mut items[at], place, inserted)
            }
            at => items.insert(at, inserted),
        },
        Value::Object(fields) if !fields.contains_key("__jsObjectId") => {
            fields.insert(format!("added {}", fields.len()), inserted);
        }
        other => *other = Value::from(vec![other.take(), inserted]),
    }
}
