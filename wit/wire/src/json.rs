//! The structure of JSON texts, found in one pass that reads no values: how deep a text nests, where the elements of an array
//! are, and which references it names. Any text can be scanned; what is not JSON, serde refuses later.

use std::ops::Range;

use memchr::{memchr, memchr2, memmem};

use crate::limits::MAX_DEPTH;
use crate::placeholder::{DOT_NET_OBJECT, DOT_NET_STREAM, JS_OBJECT};

/// The outline of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// How deep it nests: 0 for a scalar, 1 for a flat array or object.
    pub depth: usize,
    /// How many elements the outermost array or object has; 0 for a scalar.
    pub elements: usize,
}

/// Finds the outline of a text.
#[must_use]
pub fn outline(text: &str) -> Outline {
    let (mut inside, mut commas) = ("", 0);
    let depth = scan(text.as_bytes(), |place, byte, depth| match (byte, depth) {
        (b'[' | b'{', 1) if inside.is_empty() => inside = text[place.end..].trim_start_matches(is_space),
        (b',', 1) => commas += 1,
        _ => {}
    });
    let elements = if inside.is_empty() || inside.starts_with([']', '}']) { 0 } else { commas + 1 };
    Outline { depth, elements }
}

/// Returns how deep a text nests: 0 for a scalar, 1 for a flat array or object.
#[must_use]
pub fn depth(text: &str) -> usize {
    scan(text.as_bytes(), |_, _, _| {})
}

/// Why a text is not a JSON array whose elements can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The text does not begin with `[`; this is what it begins with, if anything.
    NotAnArray(Option<char>),
    /// The text ends before its array does.
    Unterminated,
    /// A brace closes the array.
    Mismatched,
    /// Something follows the array.
    Trailing,
    /// An element is missing beside a comma.
    MissingElement,
    /// The text nests this deep, which is deeper than [`MAX_DEPTH`].
    TooDeep(usize),
}

/// Finds the elements of an array: where each is in the text, still to be checked by a JSON parser.
///
/// # Errors
///
/// If the text is not an array of [`MAX_DEPTH`] or less.
pub fn elements(text: &str) -> Result<Vec<Range<usize>>, Malformed> {
    let start = text.trim_start_matches(is_space);
    if !start.starts_with('[') {
        return Err(Malformed::NotAnArray(start.chars().next()));
    }
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(4);
    let mut begin = text.len() - start.len() + 1;
    let mut end = None;
    let deepest = scan(bytes, |place, byte, depth| match (byte, depth) {
        _ if end.is_some() => {}
        (b',', 1) => {
            found.push(trim(bytes, begin..place.start));
            begin = place.end;
        }
        (b']' | b'}', 0) => end = Some((place.start, byte)),
        _ => {}
    });
    if deepest > MAX_DEPTH {
        return Err(Malformed::TooDeep(deepest));
    }
    let end = match end {
        Some((at, b']')) => at,
        Some(_) => return Err(Malformed::Mismatched),
        None => return Err(Malformed::Unterminated),
    };
    if !bytes[end + 1..].iter().all(|byte| is_space(char::from(*byte))) {
        return Err(Malformed::Trailing);
    }
    let last = trim(bytes, begin..end);
    if !last.is_empty() || !found.is_empty() {
        found.push(last);
    }
    if found.iter().any(Range::is_empty) {
        return Err(Malformed::MissingElement);
    }
    Ok(found)
}

/// What a reference is to. An object with the keys of several is the first of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// An object of the guest.
    DotNetObject,
    /// A stream of the guest.
    DotNetStream,
    /// An object of the page.
    JsObject,
}

/// A reference that a text names by a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it is to.
    pub kind: ReferenceKind,
    /// The id under its key.
    pub id: i64,
}

/// Whether a text may name objects of the page: a quick look. Only escapes could hide the beginning of a key, and no writer
/// escapes letters.
fn may_name_js_objects(text: &str) -> bool {
    // Most texts have no underscore at all.
    memchr(b'_', text.as_bytes()).is_some_and(|at| memmem::find(&text.as_bytes()[at..], b"__js").is_some())
}

/// Finds the objects of the page that a text mentions. `found` gets each id, and where its placeholder is if that has no other
/// property. Every mention counts, also in a text that is not JSON or in a placeholder that cannot be read: whatever the text
/// brings must be released.
pub fn js_objects(text: &str, mut found: impl FnMut(i64, Option<Range<usize>>)) {
    if !may_name_js_objects(text) {
        return;
    }
    scan(text.as_bytes(), |place, byte, _| {
        if byte == b'"'
            && let Some((Reference { kind: ReferenceKind::JsObject, id }, value)) = member(text, place.clone())
        {
            let before = text[..place.start].trim_end_matches(is_space);
            let after = text[value.end..].trim_start_matches(is_space);
            let is_alone = before.ends_with('{') && after.starts_with('}');
            found(id, is_alone.then(|| before.len() - 1..text.len() - after.len() + 1));
        }
    });
}

/// Finds the references that a text names, once for each placeholder, however deep it nests: the references of a message that is
/// refused for its depth must be released, too. An object with the key of a reference is one placeholder, whatever else is in
/// it; of a key that is there twice, the last counts.
#[must_use]
pub fn references(text: &str) -> Vec<Reference> {
    let mut finder = Finder::default();
    if may_name_js_objects(text) || memmem::find(text.as_bytes(), b"__dotNet").is_some() {
        scan(text.as_bytes(), |place, byte, depth| match byte {
            b'"' => {
                if let Some((reference, _)) = member(text, place) {
                    finder.member(reference, depth);
                }
            }
            b']' | b'}' => finder.close(depth),
            _ => {}
        });
    }
    finder.found
}

/// Reads a member `"key":id` of an object, if the string at `place` is the key of a reference. Returns also where the id is.
fn member(text: &str, place: Range<usize>) -> Option<(Reference, Range<usize>)> {
    let kind = kind(&text[place.clone()])?;
    let value = text[place.end..].trim_start_matches(is_space).strip_prefix(':')?.trim_start_matches(is_space);
    let end = value.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(value.len());
    let start = text.len() - value.len();
    Some((Reference { kind, id: value[..end].parse().ok()? }, start..start + end))
}

/// What [`references`] has found so far. Its size depends on the number of references, not on how deep the text nests.
#[derive(Default)]
struct Finder {
    /// The references whose objects have ended.
    found: Vec<Reference>,
    /// The depth of the innermost open object or array that has them, and the first in `found` that is directly or deeper in
    /// it, from the outside in.
    groups: Vec<(usize, usize)>,
    /// The references whose objects are open, with the depth of the objects, from the outside in.
    open: Vec<(usize, Reference)>,
}

impl Finder {
    /// Takes a member of an object at some depth.
    fn member(&mut self, reference: Reference, depth: usize) {
        match self.open.last_mut() {
            Some((at, first)) if *at == depth => {
                if reference.kind <= first.kind {
                    *first = reference;
                }
            }
            _ => self.open.push((depth, reference)),
        }
    }

    /// Takes the end of an object or array, `outer` being the depth around it.
    fn close(&mut self, outer: usize) {
        if let Some((_, reference)) = self.open.pop_if(|(depth, _)| *depth > outer) {
            // What is in a placeholder is not named by it.
            while let Some((_, first)) = self.groups.pop_if(|(depth, _)| *depth > outer) {
                self.found.truncate(first);
            }
            self.groups.push((outer, self.found.len()));
            self.found.push(reference);
        } else if let Some((depth, _)) = self.groups.last_mut().filter(|(depth, _)| *depth > outer) {
            *depth = outer;
        }
        if let [.., (before, _), (last, _)] = self.groups[..]
            && before == last
        {
            self.groups.pop();
        }
    }
}

/// The kind of reference that a string, with its quotes, is the key of.
fn kind(string: &str) -> Option<ReferenceKind> {
    let bytes = string.as_bytes();
    let unescaped: String;
    let name = match bytes.get(1)? {
        b'_' | b'\\' if memchr(b'\\', bytes).is_some() => {
            unescaped = serde_json::from_str(string).ok()?;
            unescaped.as_bytes()
        }
        b'_' => bytes[1..].strip_suffix(b"\"")?,
        _ => return None,
    };
    [
        (DOT_NET_OBJECT, ReferenceKind::DotNetObject),
        (DOT_NET_STREAM, ReferenceKind::DotNetStream),
        (JS_OBJECT, ReferenceKind::JsObject),
    ]
    .into_iter()
    .find_map(|(key, kind)| (key.as_bytes() == name).then_some(kind))
}

/// Calls `found` with the place of each bracket, brace and comma outside strings and of each string with its quotes, with its
/// first byte, and with the depth after it. Returns the greatest depth.
fn scan(text: &[u8], mut found: impl FnMut(Range<usize>, u8, usize)) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while at < text.len() {
        let (start, byte) = (at, text[at]);
        at += 1;
        match byte {
            b'"' => at = string_end(text, at),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => {}
            _ => continue,
        }
        found(start..at, byte, depth);
    }
    deepest
}

/// Returns where the string ends whose first character is at `at`: behind its closing quote, or at the text's end.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Trims JSON's white space from a part of a text.
fn trim(text: &[u8], mut part: Range<usize>) -> Range<usize> {
    while part.start < part.end && is_space(char::from(text[part.start])) {
        part.start += 1;
    }
    while part.start < part.end && is_space(char::from(text[part.end - 1])) {
        part.end -= 1;
    }
    part
}

/// JSON's white space (RFC 8259, section 2).
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}
