//! Puts numbers that travel beside a text into it, for types that do not know how they travel.
//!
//! A `TypedArray` and a `BigInt` read their placeholders. A `Vec<f32>`, an `i64` or a `Value` cannot. So the numbers that have
//! not been read are written into the text as plain JSON, and the text is read once more.

use serde_json::ser::{CompactFormatter, Formatter};

use crate::numbers::{self, BIG_INT, Number};
use crate::placeholder::AS;

/// A text with numbers in place of their placeholders.
#[derive(Debug)]
pub struct Expanded {
    text: String,
    /// The error of a number that JSON cannot hold. The text has one in its place that no type can read.
    unheld: Option<String>,
}

/// A JSON number that is out of the range of every type.
const OUT_OF_RANGE: &[u8] = b"1e999";

/// serde_json's error for it.
const IS_OUT_OF_RANGE: &str = "number out of range";

/// serde's error of most types for a placeholder that they do not know. Some, such as `u128`, report invalid JSON.
const IS_A_MAP: &str = "invalid type: map";

impl Expanded {
    /// Reads the text, after the text with placeholders was read, perhaps with an error. `mismatch` makes an error of that of this
    /// text.
    ///
    /// # Errors
    ///
    /// The more informative of the two errors.
    pub fn read<T>(
        self,
        first: Option<serde_json::Error>,
        read: impl FnOnce(&str) -> serde_json::Result<T>,
        mismatch: impl FnOnce(&str, serde_json::Error) -> serde_json::Error,
    ) -> serde_json::Result<T> {
        read(&self.text).map_err(|error| match (self.unheld, first) {
            (Some(unheld), _) if error.to_string().contains(IS_OUT_OF_RANGE) => serde::de::Error::custom(unheld),
            (_, Some(first)) if first.is_data() && !first.to_string().contains(IS_A_MAP) => first,
            _ => mismatch(&self.text, error),
        })
    }
}

/// Writes the numbers that `unread` has into a text. Returns `None` if there are none.
#[must_use]
pub fn expand<'b>(json: &str, unread: impl Fn(usize) -> Option<&'b [u8]>) -> Option<Expanded> {
    const BEGIN: &str = "{\"__byte[]\":";
    let mut text = Vec::new();
    let (mut done, mut unheld) = (0, None);
    for (at, _) in json.match_indices(BEGIN) {
        let begin = at + BEGIN.len();
        let Some((index, kind, length)) = parse(&json[begin..]) else { continue };
        let Some(bytes) = unread(index) else { continue };
        let before = text.len();
        text.extend_from_slice(&json.as_bytes()[done..at]);
        if write(&mut text, kind, bytes, &mut unheld) {
            done = begin + length;
        } else {
            text.truncate(before);
        }
    }
    if done == 0 {
        return None;
    }
    text.extend_from_slice(&json.as_bytes()[done..]);
    Some(Expanded { text: String::from_utf8(text).ok()?, unheld })
}

/// Parses the rest of a placeholder: its index, its kind, and the length of the rest. Writers put no white space into one.
fn parse(rest: &str) -> Option<(usize, &str, usize)> {
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let kind = rest[digits..].strip_prefix(",\"")?.strip_prefix(AS)?.strip_prefix("\":\"")?;
    let kind = &kind[..kind.find("\"}")?];
    Some((rest[..digits].parse().ok()?, kind, digits + AS.len() + kind.len() + 7))
}

/// Writes numbers as JSON. Returns whether the bytes are numbers of that kind.
fn write(text: &mut Vec<u8>, kind: &str, bytes: &[u8], unheld: &mut Option<String>) -> bool {
    if kind == BIG_INT {
        let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
        let is_integer = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        if is_integer {
            text.extend_from_slice(bytes);
        }
        return is_integer;
    }
    let Some(numbers) = numbers::numbers(kind, bytes) else { return false };
    text.push(b'[');
    for (index, number) in numbers.enumerate() {
        if index > 0 {
            text.push(b',');
        }
        if !write_number(text, number) {
            unheld.get_or_insert_with(|| {
                format!("element {index} of the {kind} is {number}, which only a TypedArray can hold")
            });
        }
    }
    text.push(b']');
    true
}

/// Writes a number as JavaScript does. Returns whether JSON can hold it.
fn write_number(text: &mut Vec<u8>, number: Number) -> bool {
    let mut integer = |integer: i128| text.extend_from_slice(integer.to_string().as_bytes());
    match number {
        Number::Integer(number) => integer(number),
        Number::Float(float) if !float.is_finite() => {
            text.extend_from_slice(OUT_OF_RANGE);
            return false;
        }
        // Whole numbers have no point, so that integer types read them; but only floats have a -0.
        Number::Float(float)
            if float.fract() == 0.0 && float.abs() < 1e15 && (float != 0.0 || float.is_sign_positive()) =>
        {
            integer(float as i128);
        }
        Number::Float(float) => return CompactFormatter.write_f64(text, float).is_ok(),
    }
    true
}

/// Puts arrays in place of the objects that other writers of JSON make of typed arrays: `{"0":1.5,"1":2}`. Returns `None` if
/// there are none.
#[must_use]
pub fn arrays(json: &str) -> Option<String> {
    const BEGIN: &str = "{\"0\":";
    let mut text = String::new();
    let mut done = 0;
    for (at, _) in json.match_indices(BEGIN) {
        let Some((length, numbers)) = indexed(&json[at..]) else { continue };
        text.push_str(&json[done..at]);
        text.push('[');
        text.push_str(&numbers.join(","));
        text.push(']');
        done = at + length;
    }
    (done > 0).then(|| text + &json[done..])
}

/// Parses an object whose keys count from 0 and whose values are numbers. Returns its length, and the numbers.
fn indexed(text: &str) -> Option<(usize, Vec<&str>)> {
    let mut rest = text.strip_prefix('{')?;
    let mut numbers = Vec::new();
    loop {
        let key = rest.strip_prefix('"')?.strip_prefix(numbers.len().to_string().as_str())?;
        rest = key.strip_prefix("\":")?;
        let end = rest.find([',', '}'])?;
        let number = &rest[..end];
        if !number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return None;
        }
        numbers.push(number);
        let ended = rest[end..].starts_with('}');
        rest = &rest[end + 1..];
        if ended {
            return Some((text.len() - rest.len(), numbers));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(json: &str, bytes: &[&[u8]]) -> Option<String> {
        expand(json, |index| bytes.get(index).copied()).map(|expanded| expanded.text)
    }

    #[test]
    fn numbers_stand_where_their_placeholders_did() {
        let floats: Vec<u8> = [1.0_f32, -0.5, -0.0].iter().flat_map(|float| float.to_le_bytes()).collect();
        assert_eq!(
            expanded(
                r#"[{"__byte[]":0},{"a":{"__byte[]":1,"__as":"Float32Array"}},{"__byte[]":2,"__as":"BigInt"},"{"]"#,
                &[&[7], &floats, b"-123456789012345678901234567890"]
            )
            .as_deref(),
            Some(r#"[{"__byte[]":0},{"a":[1,-0.5,-0.0]},-123456789012345678901234567890,"{"]"#)
        );
    }

    #[test]
    fn what_is_read_or_is_no_number_stays() {
        assert_eq!(expanded(r#"{"__byte[]":1,"__as":"Int8Array"}"#, &[&[1]]), None);
        assert_eq!(expanded(r#"{"__byte[]":0,"__as":"Map"}"#, &[&[1]]), None);
        assert_eq!(expanded(r#"{"__byte[]":0,"__as":"BigInt"}"#, &[b"1]"]), None);
        assert_eq!(expanded(r#""{\"__byte[]\":0,\"__as\":\"Int8Array\"}""#, &[&[1]]), None);
        assert_eq!(
            expanded(r#"[{"__byte[]":0,"__as":"BigInt"},{"__byte[]":1,"__as":"Int8Array"}]"#, &[b"", &[1, 255]])
                .as_deref(),
            Some(r#"[{"__byte[]":0,"__as":"BigInt"},[1,-1]]"#)
        );
    }

    #[test]
    fn what_json_cannot_hold_is_named() {
        let bytes: Vec<u8> = [0.0, f64::NEG_INFINITY, f64::NAN].iter().flat_map(|float| float.to_le_bytes()).collect();
        let expanded = expand(r#"{"__byte[]":0,"__as":"Float64Array"}"#, |_| Some(&bytes)).unwrap();
        assert_eq!(expanded.text, "[0,1e999,1e999]");
        assert!(expanded.unheld.unwrap().contains("element 1 of the Float64Array is -Infinity"));
        let error = serde_json::from_str::<serde_json::Value>("[1e999]").unwrap_err();
        assert!(error.to_string().starts_with(IS_OUT_OF_RANGE));
    }

    #[test]
    fn objects_that_count_are_arrays() {
        assert_eq!(arrays(r#"[{"a":{"0":1.5,"1":-2e3}},{"0":1}]"#).as_deref(), Some(r#"[{"a":[1.5,-2e3]},[1]]"#));
        for other in [
            r#"{}"#,
            r#"{"1":1}"#,
            r#"{"0":1,"2":2}"#,
            r#"{"0":null}"#,
            r#"{"0":1,"a":2}"#,
            r#"{"0":1"#,
            r#""{\"0\":1}""#,
        ] {
            assert_eq!(arrays(other), None, "{other}");
        }
    }
}
