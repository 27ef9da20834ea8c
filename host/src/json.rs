//! The structure of JSON texts, found without reading their values: how deep a text nests, how many elements its array has,
//! and which placeholders it contains.

use memchr::{memchr2, memmem};

use crate::bindings::types::Message;
use crate::config::Config;
use crate::error::{Error, ErrorKind};

/// What stands for something that does not fit into JSON.
pub(crate) mod key {
    pub(crate) const BYTES: &str = "__byte[]";
    pub(crate) const DOT_NET_OBJECT: &str = "__dotNetObject";
    pub(crate) const DOT_NET_STREAM: &str = "__dotNetStream";
    pub(crate) const CONTENT_TYPE: &str = "__contentType";
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

/// Refuses the arguments of a call that are more or larger, or nest deeper, than they may.
pub(crate) fn check_arguments(config: &Config, max_message: usize, name: &str, args: &Message) -> Result<(), Error> {
    let Outline { depth, elements } = outline(&args.json);
    let (max_depth, max) = (config.max_depth, config.max_arguments);
    if depth > max_depth {
        let what = format!("The arguments of the call to '{name}' nest {depth} deep, and {max_depth} is the limit.");
        return Err(Error::new(ErrorKind::BadArguments, what));
    }
    if elements > max {
        let what = format!("The call to '{name}' has {elements} arguments, and {max} is the limit of any call.");
        return Err(Error::new(ErrorKind::TooMany, what));
    }
    check_size(max_message, args, || format!("The arguments of the call to '{name}' are"))
}

/// Makes a failure of an answer of the page that is larger or nests deeper than it may. Gives the answer beside it then.
pub(crate) fn fit_answer(
    config: &Config,
    max_message: usize,
    answer: Result<Message, Error>,
) -> (Result<Message, Error>, Option<Message>) {
    let limit = config.max_depth;
    let message = match answer {
        Ok(message) => message,
        Err(error) => return (Err(error), None),
    };
    let depth = outline(&message.json).depth;
    let fits = if depth > limit {
        let what = format!("The result of the page nests {depth} deep, and {limit} is the limit.");
        Err(Error::new(ErrorKind::JsFailed, what))
    } else {
        check_size(max_message, &message, || "The result of the page is".to_owned())
    };
    match fits {
        Ok(()) => (Ok(message), None),
        Err(error) => (Err(error), Some(message)),
    }
}

/// How large a message is: its text and its byte arrays, in bytes.
pub(crate) fn size(message: &Message) -> usize {
    message.json.len() + message.bytes.iter().map(Vec::len).sum::<usize>()
}

/// Refuses a message that no guest has room for: it would trap while it makes some.
fn check_size(limit: usize, message: &Message, what: impl FnOnce() -> String) -> Result<(), Error> {
    let size = size(message);
    if size < limit {
        return Ok(());
    }
    let what = format!(
        "{} too large: {size} bytes, and {limit} is the limit of the memory that the guest has for them.",
        what()
    );
    Err(Error::new(ErrorKind::TooLarge, what))
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

impl Named {
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

    #[test]
    fn placeholders_are_found_however_deep_they_are() {
        let deep = format!("{}{{\"a\":{{\"__dotNetObject\" : 7}}}}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(Named::find(&deep), Named { objects: vec![7], ..Named::default() });
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
            assert_eq!(Named::find(text), Named { objects, streams: vec![], js_objects }, "{text}");
        }
    }
}
