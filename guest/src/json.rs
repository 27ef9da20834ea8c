//! The little that dotwit must know of JSON text beyond what serde does with it: where the elements of an array are, and
//! how deep a text nests. Both are found in one pass that looks at structure only; what it lets through, serde still
//! checks.

use std::cell::Cell;
use std::io;
use std::ops::Range;

use memchr::{memchr, memchr2, memmem};
use serde::Serialize;
use serde_json::ser::Formatter;

/// The deepest nesting that a message may have, the outer argument array included (the `MaxDepth` of Blazor's host).
pub(crate) const MAX_DEPTH: usize = 32;

/// Why a text is no JSON array whose elements can be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The text does not begin with `[`; this is what it begins with, if anything.
    NotAnArray(Option<char>),
    /// The text ends before its array does.
    Unterminated,
    /// A brace closes the array.
    Mismatched,
    /// Something follows the array.
    Trailing,
    /// A comma stands where an element should.
    MissingElement,
    /// The text nests this deep.
    TooDeep(usize),
}

/// The texts of an array's elements, in order, each still to be checked by a JSON parser.
pub(crate) fn elements(text: &str) -> Result<Vec<&str>, Malformed> {
    let start = text.trim_start_matches(is_space);
    if !start.starts_with('[') {
        return Err(Malformed::NotAnArray(start.chars().next()));
    }
    let mut found = Vec::with_capacity(4);
    let mut begin = 1;
    let mut end = None;
    let deepest = scan(start.as_bytes(), |at, byte, depth| match (byte, depth) {
        _ if end.is_some() => {}
        (b',', 1) => {
            found.push(trim(&start[begin..at]));
            begin = at + 1;
        }
        (b']' | b'}', 0) => end = Some((at, byte)),
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
    if !start.as_bytes()[end + 1..].iter().all(|byte| is_space(char::from(*byte))) {
        return Err(Malformed::Trailing);
    }
    let last = trim(&start[begin..end]);
    if !last.is_empty() || !found.is_empty() {
        found.push(last);
    }
    if found.iter().any(|element| element.is_empty()) {
        return Err(Malformed::MissingElement);
    }
    Ok(found)
}

/// How deep a JSON text nests: 0 for a scalar, 1 for a flat array or object.
pub(crate) fn depth(text: &str) -> usize {
    scan(text.as_bytes(), |_, _, _| {})
}

/// Calls `found` for each member `"key": integer` in a text, whatever is wrong with the text, with the integer, and with
/// where its object is if it has no other member.
pub(crate) fn integers(text: &str, key: &str, mut found: impl FnMut(i64, Option<Range<usize>>)) {
    let bytes = text.as_bytes();
    // Most texts have nothing of the kind, and are searched for one character of it only.
    let Some(first) = key.as_bytes().first().and_then(|first| memchr(*first, bytes)) else { return };
    if memmem::find(&bytes[first..], key.as_bytes()).is_none() {
        return;
    }
    let mut at = 0;
    while let Some(quote) = bytes.get(at..).and_then(|rest| memchr(b'"', rest)) {
        let open = at + quote;
        let close = string_end(bytes, open);
        at = close + 1;
        if bytes.get(open + 1..close) != Some(key.as_bytes()) {
            continue;
        }
        let Some(value) = text.get(at..).and_then(|rest| rest.trim_start_matches(is_space).strip_prefix(':')) else {
            continue;
        };
        let value = value.trim_start_matches(is_space);
        let digits = value.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(value.len());
        let after = value[digits..].trim_start_matches(is_space);
        if !after.is_empty() && !after.starts_with([',', '}']) {
            continue;
        }
        let Ok(integer) = value[..digits].parse() else { continue };
        let before = text[..open].trim_end_matches(is_space);
        let alone = before.ends_with('{') && after.starts_with('}');
        found(integer, alone.then(|| before.len() - 1..text.len() - after.len() + 1));
    }
}

/// Writes a value as compact JSON, and gives up where it begins to nest too deep: a value that nests without end would
/// exhaust the stack. `elements` becomes the number of elements, where the value is an array.
pub(crate) fn to_string<T: Serialize + ?Sized>(value: &T, elements: &Cell<usize>) -> serde_json::Result<String> {
    let mut text = Text(Vec::with_capacity(128));
    let limited = Limited { depth: 0, elements };
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, limited))?;
    String::from_utf8(text.0).map_err(|error| serde_json::Error::io(io::Error::other(error)))
}

/// A text that is being written. Where there is no memory for more of it, writing fails, with [`io::ErrorKind::OutOfMemory`]:
/// a `Vec` alone would end the guest.
struct Text(Vec<u8>);

impl Text {
    #[cold]
    fn reserve(&mut self, more: usize) -> io::Result<()> {
        // So that the quote and the brackets behind a long string need no copy of it.
        const CLOSING: usize = 64;
        // A `Vec` doubles, which is more than a large text needs. In small steps it would be copied too often.
        let least = more.max(self.0.len() / 8) + CLOSING;
        self.0.try_reserve(more + CLOSING).or_else(|_| self.0.try_reserve_exact(least)).map_err(|_| {
            let what = format!("it has {} bytes or more, and there is no memory for them", self.0.len() + more);
            io::Error::new(io::ErrorKind::OutOfMemory, what)
        })
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.0.capacity() - self.0.len() < bytes.len() {
            self.reserve(bytes.len())?;
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Formats compactly and no deeper than [`MAX_DEPTH`].
struct Limited<'a> {
    depth: usize,
    /// How many elements the outermost array has.
    elements: &'a Cell<usize>,
}

impl Limited<'_> {
    fn check(depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other(format!("it nests {depth} deep or deeper, and {MAX_DEPTH} is the limit")));
        }
        Ok(())
    }
}

impl Formatter for Limited<'_> {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        Self::check(self.depth)?;
        writer.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.depth == 1 {
            self.elements.set(self.elements.get() + 1);
        }
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        Self::check(self.depth)?;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(b"}")
    }

    /// serde_json's `RawValue`, which is text already.
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        Self::check(self.depth + depth(fragment))?;
        writer.write_all(fragment.as_bytes())
    }
}

/// Calls `structural` with each bracket, brace and comma outside strings, its position, and the depth after it. Gives the
/// greatest depth.
fn scan(text: &[u8], mut structural: impl FnMut(usize, u8, usize)) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'"' => at = string_end(text, at),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                structural(at, byte, depth);
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                structural(at, byte, depth);
            }
            b',' => structural(at, byte, depth),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// The position of the quote that ends the string which starts at `open`, or the text's end.
fn string_end(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(found) = memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

/// A text without the white space around it. Most have none.
fn trim(text: &str) -> &str {
    let spaced = |byte: Option<&u8>| byte.is_some_and(|byte| is_space(char::from(*byte)));
    let bytes = text.as_bytes();
    if spaced(bytes.first()) || spaced(bytes.last()) { text.trim_matches(is_space) } else { text }
}

/// JSON's white space (RFC 8259, section 2).
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn elements_are_split_at_the_top_level_only() {
        assert_eq!(elements("[]"), Ok(vec![]));
        assert_eq!(elements(" [ 1 , \"a,]\\\"\" ,[2,{\"k\":3}]] "), Ok(vec!["1", "\"a,]\\\"\"", "[2,{\"k\":3}]"]));
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
        assert_eq!(depth("1"), 0);
        assert_eq!(depth("{\"a\":[\"[[[\"]}"), 2);
    }

    #[test]
    fn raw_text_counts_towards_the_depth() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let elements = Cell::new(0);
        let mut inside = Limited { depth: 2, elements: &elements };
        assert!(inside.write_raw_fragment(&mut Vec::new(), &nested(MAX_DEPTH - 2)).is_ok());
        assert!(inside.write_raw_fragment(&mut Vec::new(), &nested(MAX_DEPTH - 1)).is_err());
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
        elements(text).ok()?.into_iter().map(|element| serde_json::from_str(element).ok()).collect()
    }

    proptest! {
        #[test]
        fn depth_is_that_of_the_value(value in json(), salt: Vec<u8>) {
            prop_assert_eq!(depth(&spread(&value.to_string(), &salt)), nesting(&value));
        }

        #[test]
        fn values_are_written_as_serde_writes_them_unless_too_deep(value in json()) {
            let expected = (nesting(&value) <= MAX_DEPTH).then(|| value.to_string());
            let elements = Cell::new(0);
            prop_assert_eq!(to_string(&value, &elements).ok(), expected.clone());
            if expected.is_some() {
                prop_assert_eq!(elements.get(), value.as_array().map_or(0, Vec::len));
            }
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
            depth(&text);
        }

        #[test]
        fn bytes_that_are_no_text_do_no_harm(bytes: Vec<u8>) {
            scan(&bytes, |at, byte, _| assert_eq!(bytes[at], byte));
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
}
