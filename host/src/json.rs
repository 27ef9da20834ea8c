//! The structure of JSON texts, found without reading their values: how deep a text nests, how many elements its array has,
//! and which placeholders it contains.

use memchr::{memchr2, memmem};
use serde_json::Value;

use crate::bindings::types::Message;
use crate::config::Config;
use crate::error::{Error, ErrorKind};

/// What stands for something that does not fit into JSON.
pub(crate) mod key {
    pub(crate) const BYTES: &str = "__byte[]";
    pub(crate) const DOT_NET_OBJECT: &str = "__dotNetObject";
    pub(crate) const DOT_NET_STREAM: &str = "__dotNetStream";
    pub(crate) const JS_OBJECT: &str = "__jsObjectId";
    pub(crate) const JS_STREAM_LENGTH: &str = "__jsStreamReferenceLength";
}

/// The outline of a text, as far as it is JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// How deep it nests: 0 for a scalar, 1 for a flat array or object.
    pub(crate) depth: usize,
    /// How many elements the outermost array or object has.
    pub(crate) elements: usize,
}

/// Takes the outline of a text. What is no JSON has some outline, too: who reads the text finds out.
pub(crate) fn outline(text: &str) -> Outline {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest, mut commas, mut anything) = (0_usize, 0, 0, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' => {
                anything |= depth > 0;
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => commas += usize::from(depth == 1),
            b'"' => {
                anything = true;
                at = string_end(bytes, at);
            }
            _ => anything |= !byte.is_ascii_whitespace(),
        }
    }
    Outline { depth: deepest, elements: if anything { commas + 1 } else { 0 } }
}

/// Where the string that begins at `at`, behind its quote, has ended.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// Refuses the arguments of a call that are more, or nest deeper, than they may.
pub(crate) fn check_arguments(config: &Config, name: &str, json: &str) -> Result<(), Error> {
    let Outline { depth, elements } = outline(json);
    let (max_depth, max) = (config.max_depth, config.max_arguments);
    if depth > max_depth {
        let what = format!("The arguments of the call to '{name}' nest {depth} deep, and {max_depth} is the limit.");
        return Err(Error::new(ErrorKind::BadArguments, what));
    }
    if elements > max {
        let what = format!("The call to '{name}' has {elements} arguments, and {max} is the limit of any call.");
        return Err(Error::new(ErrorKind::TooMany, what));
    }
    Ok(())
}

/// Makes a failure of an answer of the page that nests deeper than it may. Gives the answer beside it then.
pub(crate) fn fit_answer(config: &Config, answer: Result<Message, Error>) -> (Result<Message, Error>, Option<Message>) {
    let limit = config.max_depth;
    match answer {
        Ok(message) if outline(&message.json).depth > limit => {
            let depth = outline(&message.json).depth;
            let what = format!("The result of the page nests {depth} deep, and {limit} is the limit.");
            (Err(Error::new(ErrorKind::JsFailed, what)), Some(message))
        }
        answer => (answer, None),
    }
}

/// What a message names by placeholders.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Objects of the guest.
    pub(crate) objects: Vec<u64>,
    /// Streams of the guest.
    pub(crate) streams: Vec<u64>,
    /// Objects of the page.
    pub(crate) js_objects: Vec<i64>,
}

impl Named {
    /// Whether a text may name anything at all: a quick look.
    fn anything(text: &str) -> bool {
        // The beginning of all keys but that of byte arrays. Only escapes could hide it, and no writer escapes letters.
        let bytes = text.as_bytes();
        memmem::find(bytes, b"\"__dotNet").is_some() || memmem::find(bytes, b"\"__js").is_some()
    }

    /// What a text names, once for each placeholder.
    pub(crate) fn find(text: &str) -> Self {
        let mut named = Self::default();
        if Self::anything(text)
            && let Ok(value) = serde_json::from_str(text)
        {
            named.collect(&value);
        }
        named
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(fields) => {
                let id = |key| fields.get(key).and_then(Value::as_i64);
                if let Some(id) = id(key::DOT_NET_OBJECT) {
                    self.objects.extend(u64::try_from(id));
                } else if let Some(id) = id(key::DOT_NET_STREAM) {
                    self.streams.extend(u64::try_from(id));
                } else if let Some(id) = id(key::JS_OBJECT) {
                    self.js_objects.push(id);
                } else {
                    fields.values().for_each(|field| self.collect(field));
                }
            }
            _ => {}
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_count_elements_and_depth() {
        for (text, depth, elements) in [
            ("[]", 1, 0),
            (" [ ] ", 1, 0),
            ("[1]", 1, 1),
            ("[[]]", 2, 1),
            ("[1,[2,3],{\"a\":[4,5]}]", 3, 3),
            (r#"["],[\"", "\\"]"#, 1, 2),
            ("null", 0, 1),
            ("\"unfinished\\", 0, 1),
            ("]]]", 0, 0),
        ] {
            assert_eq!(outline(text), Outline { depth, elements }, "{text}");
        }
    }

    #[test]
    fn placeholders_are_found_wherever_they_are() {
        let named = Named::find(
            r#"[{"__dotNetObject":1},{"a":[{"__jsObjectId":-1},{"__jsStreamReferenceLength":5,"__jsObjectId":2}]},
               {"__dotNetStream":3},{"__dotNetObject":1},{"__byte[]":0},"__dotNetObject"]"#,
        );
        assert_eq!(named, Named { objects: vec![1, 1], streams: vec![3], js_objects: vec![-1, 2] });
    }
}
