//! The scanner of JSON texts.

use dotwit_wire::json::*;
use dotwit_wire::limits::MAX_DEPTH;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Vector {
    text: String,
    depth: usize,
}

/// The table that the adapter's scanner is tested against, too.
#[test]
fn depths_are_those_of_the_table() {
    let table: Vec<Vector> = serde_json::from_str(include_str!("depth.json")).expect("the table is JSON");
    for Vector { text, depth: expected } in table {
        assert_eq!(depth(&text), expected, "{text}");
        assert_eq!(outline(&text).depth, expected, "{text}");
    }
}

#[test]
fn outlines_count_elements() {
    for (text, depth, elements) in [
        ("[]", 1, 0),
        (" [ ] ", 1, 0),
        ("{ }", 1, 0),
        ("[1]", 1, 1),
        ("[[]]", 2, 1),
        ("[1,[2,3],{\"a\":[4,5]}]", 3, 3),
        ("{\"a\":1,\"b\":[2,3]}", 2, 2),
        (r#"["],[\"", "\\"]"#, 1, 2),
        ("null", 0, 0),
        ("\"unfinished\\", 0, 0),
        ("[", 1, 0),
        ("]]]", 0, 0),
    ] {
        assert_eq!(outline(text), Outline { depth, elements }, "{text}");
    }
}

/// Finds the references of each kind.
fn named(text: &str) -> [Vec<i64>; 3] {
    let of = |kind| references(text).into_iter().filter(|found| found.kind == kind).map(|found| found.id).collect();
    [of(ReferenceKind::DotNetObject), of(ReferenceKind::DotNetStream), of(ReferenceKind::JsObject)]
}

#[test]
fn references_are_found_wherever_they_are() {
    let text = r#"[{"__dotNetObject":1},{"a":[{"__jsObjectId":-1},{"__jsStreamReferenceLength":5,"__jsObjectId":2}]},
        {"__dotNetStream":3},{"__dotNetObject":1},{"__byte[]":0},"__dotNetObject"]"#;
    assert_eq!(named(text), [vec![1, 1], vec![3], vec![-1, 2]]);
}

#[test]
fn references_are_found_however_deep_they_are() {
    let deep = format!("{}{{\"a\":{{\"__dotNetObject\" : 7}}}}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(named(&deep), [vec![7], vec![], vec![]]);
}

#[test]
fn a_placeholder_counts_once_whatever_else_is_in_it() {
    for (text, objects, js_objects) in [
        (r#"{"__dotNetObject":1,"more":{"__dotNetObject":2}}"#, vec![1], vec![]),
        (r#"{"more":{"__jsObjectId":2},"__dotNetObject":1}"#, vec![1], vec![]),
        (
            r#"[{"__jsObjectId":8},{"a":[{"__jsObjectId":2}],"__dotNetObject":1},{"__jsObjectId":9}]"#,
            vec![1],
            vec![8, 9],
        ),
        (r#"[{"__jsObjectId":8},{"__dotNetObject":1,"a":[[{"__jsObjectId":2}]]}]"#, vec![1], vec![8]),
        (r#"{"__jsObjectId":2,"__dotNetObject":1}"#, vec![1], vec![]),
        (r#"{"__dotNetObject":1,"__jsObjectId":2}"#, vec![1], vec![]),
        (r#"{"__dotNetObject":1,"__dotNetObject":2}"#, vec![2], vec![]),
        (r#"{"__jsObjectId":1.5,"a":[{"__jsObjectId":3}]}"#, vec![], vec![3]),
        (r#"{"__jsObjectId":"4","__dotNetObject":{"a":5}}"#, vec![], vec![]),
        (r#"{"\u005f_dotNetObject":1,"b":{"__jsObjectId":2}}"#, vec![1], vec![]),
        (r#"["__dotNetObject",1,{"a":"__jsObjectId","b":2}]"#, vec![], vec![]),
        (r#"{"__dotNetObject":"#, vec![], vec![]),
        (r#"]}{"__dotNetObject":1"#, vec![], vec![]),
    ] {
        assert_eq!(named(text), [objects, vec![], js_objects], "{text}");
    }
}

#[test]
fn each_mention_of_an_object_of_the_page_counts() {
    for (text, expected) in [
        (r#"[{"__jsObjectId":1},{ "__jsObjectId" : -1 }]"#, vec![(1, Some(1..19)), (-1, Some(20..43))]),
        (r#"{"__jsObjectId":1,"__jsObjectId":2}"#, vec![(1, None), (2, None)]),
        (r#"{"__jsObjectId":1,"a":{"__jsObjectId":2}}"#, vec![(1, None), (2, Some(22..40))]),
        (r#"{"__jsObjectId":1"#, vec![(1, None)]),
        (r#"{"__jsObjectId":1.5}"#, vec![]),
        (r#"{"a":"\"__jsObjectId\":1","__dotNetObject":1}"#, vec![]),
    ] {
        let mut found = Vec::new();
        js_objects(text, |id, place| found.push((id, place)));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn elements_are_split_at_the_top_level_only() {
    assert_eq!(elements("[]"), Ok(vec![]));
    let text = " [ 1 , \"a,]\\\"\" ,[2,{\"k\":3}]] ";
    let texts: Vec<&str> = elements(text).expect("it is an array").into_iter().map(|place| &text[place]).collect();
    assert_eq!(texts, ["1", "\"a,]\\\"\"", "[2,{\"k\":3}]"]);
}

#[test]
fn malformed_arrays_are_named() {
    assert_eq!(elements(""), Err(Malformed::NotAnArray(None)));
    assert_eq!(elements("<xml>"), Err(Malformed::NotAnArray(Some('<'))));
    assert_eq!(elements("[1"), Err(Malformed::Unterminated));
    assert_eq!(elements("[\"a"), Err(Malformed::Unterminated));
    assert_eq!(elements("[\"a\\"), Err(Malformed::Unterminated));
    assert_eq!(elements("[1}"), Err(Malformed::Mismatched));
    assert_eq!(elements("[1,]"), Err(Malformed::MissingElement));
    assert_eq!(elements("[,1]"), Err(Malformed::MissingElement));
    assert_eq!(elements("[1] 2"), Err(Malformed::Trailing));
    assert_eq!(elements("[1][2"), Err(Malformed::Trailing));
}

#[test]
fn depth_counts_the_outer_array_and_not_strings() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(elements(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(elements(&nested(MAX_DEPTH + 1)), Err(Malformed::TooDeep(MAX_DEPTH + 1)));
}

/// JSON values that nest as deep as a message may, and a little deeper.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        r#"[\[\]{},:"\\ /bfnrtu0]*"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(40, 120, 6, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => prop::collection::btree_map(r#"[a-z\[\]{},"\\]{0,4}"#, inner.clone(), 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
            1 => (inner, 25_usize..40).prop_map(|(inner, times)| (0..times).fold(inner, |value, _| json!([value]))),
        ]
    })
}

fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

/// `text` with white space wherever JSON allows it, chosen by `salt`.
fn spread(text: &str, salt: &[u8]) -> String {
    let mut salt = salt.iter().copied().cycle();
    let mut spaces = move || [" ", "\t", "\r\n", ""][usize::from(salt.next().unwrap_or(3) % 4)];
    let (mut spread, mut in_string, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        let structural = !in_string && matches!(c, '[' | ']' | '{' | '}' | ',' | ':');
        if structural {
            spread.push_str(spaces());
        }
        spread.push(c);
        if structural {
            spread.push_str(spaces());
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    spread
}

/// What a reader that splits and then has serde read each element makes of a text.
fn read(text: &str) -> Option<Vec<Value>> {
    elements(text).ok()?.into_iter().map(|element| serde_json::from_str(&text[element]).ok()).collect()
}

proptest! {
    #[test]
    fn depth_is_that_of_the_value(value in json(), salt: Vec<u8>) {
        prop_assert_eq!(depth(&spread(&value.to_string(), &salt)), nesting(&value));
    }

    #[test]
    fn an_array_splits_into_the_texts_of_its_elements(values in prop::collection::vec(json(), 0..8), salt: Vec<u8>) {
        let array = Value::from(values.clone());
        let text = spread(&array.to_string(), &salt);
        match nesting(&array) {
            0..=MAX_DEPTH => prop_assert_eq!(read(&text), Some(values)),
            deeper => prop_assert_eq!(elements(&text), Err(Malformed::TooDeep(deeper))),
        }
    }

    /// Whatever the text is, it is read exactly if serde reads it as an array, and as the same values.
    #[test]
    fn any_text_is_read_as_serde_reads_it(text in prop_oneof![
        any::<String>(),
        r#"\[[\[\]{},:"\\ a1]{0,12}[\]}]"#,
        r#"\[([\[{]|[\]}]|,|:|"[a\\"]?"|1| |null){0,12}\]"#,
    ]) {
        prop_assert_eq!(read(&text), serde_json::from_str::<Vec<Value>>(&text).ok());
        let _ = (outline(&text), references(&text));
        js_objects(&text, |_, place| assert!(place.is_none_or(|place| text.get(place).is_some())));
    }

    /// A text that was damaged in one place is read exactly if serde still reads it.
    #[test]
    fn damage_is_found(values in prop::collection::vec(json(), 0..4), at: prop::sample::Index, with in r#"[\[\]{},:"\\ 1]?"#) {
        let mut text = Value::from(values).to_string();
        let at = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        text.replace_range(at..end, &with);
        if depth(&text) <= MAX_DEPTH {
            prop_assert_eq!(read(&text), serde_json::from_str::<Vec<Value>>(&text).ok());
        }
    }
}
