//! Placeholders: the JSON objects that stand for what JSON has no place for. They are written and read here, and found in
//! texts without reading the values around them.

use std::fmt;
use std::marker::PhantomData;

use dotwit_wire::numbers;
use memchr::memmem;
use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::{SerializeMap as _, Serializer};

use crate::contract::json::string_end;

/// The keys of Blazor's wire format, and of its extensions in the contract.
pub(crate) mod key {
    pub(crate) const BYTES: &str = "__byte[]";
    pub(crate) const DOT_NET_OBJECT: &str = "__dotNetObject";
    pub(crate) const DOT_NET_STREAM: &str = "__dotNetStream";
    pub(crate) const CONTENT_TYPE: &str = "__contentType";
    pub(crate) const JS_OBJECT: &str = "__jsObjectId";
    pub(crate) const JS_STREAM_LENGTH: &str = "__jsStreamReferenceLength";
}

/// The references that a text contains as placeholders, in their order, once for each placeholder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    /// Objects of the guest.
    pub(crate) objects: Vec<u64>,
    /// Streams of the guest.
    pub(crate) streams: Vec<u64>,
    /// Objects of the page.
    pub(crate) js_objects: Vec<i64>,
}

/// An object or array that is being scanned.
#[derive(Default)]
struct Frame {
    is_object: bool,
    /// The property whose value comes next.
    key: Option<&'static str>,
    object: Option<i64>,
    stream: Option<i64>,
    js_object: Option<i64>,
    /// How much had been found when it began: a placeholder counts once, whatever stands beside its key.
    before: [usize; 3],
}

impl References {
    /// Returns the objects of the page that can be released. A placeholder of no object has the id −1, and 0 is the global one.
    pub(crate) fn page_objects(&self) -> impl Iterator<Item = i64> + '_ {
        self.js_objects.iter().copied().filter(|id| *id > 0)
    }

    /// Whether a text may name anything at all: a quick look.
    fn anything(text: &str) -> bool {
        // The beginning of all keys but that of byte arrays. Only escapes could hide it, and no writer escapes letters.
        let bytes = text.as_bytes();
        memmem::find(bytes, b"\"__dotNet").is_some() || memmem::find(bytes, b"\"__js").is_some()
    }

    /// Returns the objects of the page that a text names, if there are any.
    pub(crate) fn js_objects_in(text: &str) -> Option<Vec<i64>> {
        // A quick look, as above.
        memmem::find(text.as_bytes(), b"\"__js")?;
        let named = Self::find(text).js_objects;
        (!named.is_empty()).then_some(named)
    }

    /// Returns what a text names, once for each placeholder, however deep the text nests: what is refused for its depth must be
    /// given back, too. Of a text that is not JSON, something or nothing is found.
    pub(crate) fn find(text: &str) -> Self {
        let mut named = Self::default();
        if Self::anything(text) {
            named.scan(text);
        }
        named
    }

    fn scan(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut frames: Vec<Frame> = Vec::new();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'[' | b'{' => {
                    frames.push(Frame { is_object: *byte == b'{', before: self.counts(), ..Frame::default() })
                }
                b']' | b'}' => {
                    if let Some(frame) = frames.pop() {
                        self.close(&frame);
                    }
                }
                b'"' => {
                    let end = string_end(bytes, at);
                    let is_key = bytes[end..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                    if let Some(frame) = frames.last_mut().filter(|frame| frame.is_object && is_key) {
                        frame.key = placeholder_key(&text[at - 1..end]);
                    }
                    at = end;
                }
                b',' => {
                    if let Some(frame) = frames.last_mut() {
                        frame.key = None;
                    }
                }
                b'-' | b'0'..=b'9' => {
                    let end =
                        bytes[at..].iter().position(|byte| !is_in_number(*byte)).map_or(bytes.len(), |more| at + more);
                    if let Some(frame) = frames.last_mut() {
                        frame.set(text[at - 1..end].parse().ok());
                    }
                    at = end;
                }
                _ => {}
            }
        }
    }

    fn counts(&self) -> [usize; 3] {
        [self.objects.len(), self.streams.len(), self.js_objects.len()]
    }

    /// Takes what an object or array names, which has ended.
    fn close(&mut self, frame: &Frame) {
        if frame.object.or(frame.stream).or(frame.js_object).is_none() {
            return;
        }
        let [objects, streams, js_objects] = frame.before;
        self.objects.truncate(objects);
        self.streams.truncate(streams);
        self.js_objects.truncate(js_objects);
        match *frame {
            Frame { object: Some(id), .. } => self.objects.extend(u64::try_from(id)),
            Frame { stream: Some(id), .. } => self.streams.extend(u64::try_from(id)),
            _ => self.js_objects.extend(frame.js_object),
        }
    }
}

impl Frame {
    /// Takes the value of the property whose key was read. Of a key that is there twice, the last counts.
    fn set(&mut self, id: Option<i64>) {
        match self.key.take() {
            Some(key::DOT_NET_OBJECT) => self.object = id,
            Some(key::DOT_NET_STREAM) => self.stream = id,
            Some(key::JS_OBJECT) => self.js_object = id,
            _ => {}
        }
    }
}

/// The key that a string in JSON is, with its quotes, where it is that of a reference.
fn placeholder_key(string: &str) -> Option<&'static str> {
    let unescaped: Option<String> = if string.contains('\\') { serde_json::from_str(string).ok() } else { None };
    let name = unescaped.as_deref().unwrap_or(string.trim_matches('"'));
    [key::DOT_NET_OBJECT, key::DOT_NET_STREAM, key::JS_OBJECT].into_iter().find(|key| *key == name)
}

fn is_in_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-')
}

/// Whether a text names each of `count` byte arrays once, in order. Where it seems otherwise, because an array is named
/// twice, or because the text has the key elsewhere or may have it with escapes, the arrays must be copied.
pub(crate) fn names_each_once(text: &str, count: usize) -> bool {
    const KEY: &str = "\"__byte[]\"";
    let named = text.match_indices(KEY).map(|(at, _)| {
        let value = text[at + KEY.len()..].trim_start().strip_prefix(':')?.trim_start();
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        value[..end].parse().ok()
    });
    named.eq((0..count).map(Some)) && !text.contains("\\u")
}

/// Writes `{"key": id}`.
pub(crate) fn write_placeholder<S: Serializer>(serializer: S, key: &'static str, id: u64) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, &id)?;
    map.end()
}

/// Reads a placeholder strictly: an object with one key, once, that is an integer, and perhaps another `beside` it.
pub(crate) struct Placeholder<B = u64> {
    key: &'static str,
    beside: Option<&'static str>,
    value: PhantomData<B>,
}

impl<B> Placeholder<B> {
    pub(crate) fn new(key: &'static str, beside: Option<&'static str>) -> Self {
        Self { key, beside, value: PhantomData }
    }
}

impl<'de, B: Deserialize<'de>> Visitor<'de> for Placeholder<B> {
    type Value = (i64, Option<B>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a placeholder {{\"{}\": id}}", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut beside) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let twice = if key == self.key {
                id.replace(map.next_value()?).is_some()
            } else if Some(key.as_str()) == self.beside {
                beside.replace(map.next_value()?).is_some()
            } else if key == numbers::AS {
                let kind = map.next_value::<String>()?;
                return Err(de::Error::custom(format!("a {kind} was received where bytes are expected")));
            } else {
                return Err(de::Error::custom(format!("unexpected property '{key}' beside '{}'", self.key)));
            };
            if twice {
                return Err(de::Error::custom(format!("property '{key}' is there twice")));
            }
        }
        let id = id.ok_or_else(|| de::Error::custom(format!("required property '{}' was not found", self.key)))?;
        Ok((id, beside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_wherever_they_are() {
        let named = References::find(
            r#"[{"__dotNetObject":1},{"a":[{"__jsObjectId":-1},{"__jsStreamReferenceLength":5,"__jsObjectId":2}]},
               {"__dotNetStream":3},{"__dotNetObject":1},{"__byte[]":0},"__dotNetObject"]"#,
        );
        assert_eq!(named, References { objects: vec![1, 1], streams: vec![3], js_objects: vec![-1, 2] });
    }

    #[test]
    fn placeholders_are_found_however_deep_they_are() {
        let deep = format!("{}{{\"a\":{{\"__dotNetObject\" : 7}}}}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(References::find(&deep), References { objects: vec![7], ..References::default() });
    }

    #[test]
    fn a_placeholder_counts_once_whatever_else_is_in_it() {
        for (text, objects, js_objects) in [
            (r#"{"__dotNetObject":1,"more":{"__dotNetObject":2}}"#, vec![1], vec![]),
            (r#"{"more":{"__jsObjectId":2},"__dotNetObject":1}"#, vec![1], vec![]),
            (r#"{"__dotNetObject":1,"__dotNetObject":2}"#, vec![2], vec![]),
            (r#"{"__jsObjectId":1.5,"a":[{"__jsObjectId":3}]}"#, vec![], vec![3]),
            (r#"{"__jsObjectId":"4","__dotNetObject":{"a":5}}"#, vec![], vec![]),
            (r#"{"\u005f_dotNetObject":1,"b":{"__jsObjectId":2}}"#, vec![1], vec![]),
            (r#"["__dotNetObject",1,{"a":"__jsObjectId","b":2}]"#, vec![], vec![]),
            (r#"{"__dotNetObject":"#, vec![], vec![]),
            (r#"]}{"__dotNetObject":1"#, vec![], vec![]),
        ] {
            assert_eq!(References::find(text), References { objects, streams: vec![], js_objects }, "{text}");
        }
    }
}
