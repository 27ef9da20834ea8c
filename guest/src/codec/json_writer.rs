//! Writes JSON within the limits of a message: no deeper than it may nest, and no larger than there is memory for.

use std::cell::Cell;
use std::io;

use dotwit_wire::json;
use dotwit_wire::limits::MAX_DEPTH;
use serde::Serialize;
use serde_json::ser::Formatter;

/// A value that can be serialised. What works with `dyn ToJson` is compiled once, and not for each type of value.
pub(crate) trait ToJson {
    /// Serialises the value as compact JSON, and fails where it begins to nest too deep: a value that nests without end would
    /// exhaust the stack. If the value is an array, its number of elements is added to `elements`.
    fn to_json(&self, elements: &Cell<usize>) -> serde_json::Result<String>;
}

impl<T: Serialize> ToJson for T {
    fn to_json(&self, elements: &Cell<usize>) -> serde_json::Result<String> {
        let mut text = Text(Vec::with_capacity(128));
        let limited = Limited { depth: 0, elements };
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, limited))?;
        text.into_string()
    }
}

/// A text that is being written. If there is no memory for more of it, writing fails with [`io::ErrorKind::OutOfMemory`],
/// where a `Vec` would end the guest.
struct Text(Vec<u8>);

impl Text {
    fn into_string(self) -> serde_json::Result<String> {
        String::from_utf8(self.0).map_err(|error| serde_json::Error::io(io::Error::other(error)))
    }

    #[cold]
    fn reserve(&mut self, more: usize) -> io::Result<()> {
        // Room for the quote and the brackets behind a long string, so that they do not cause another copy.
        const CLOSING: usize = 64;
        // A `Vec` doubles, which may be more than there is memory for; smaller steps would copy too often.
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
        Self::check(self.depth + json::depth(fragment))?;
        writer.write_all(fragment.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

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

    proptest! {
        #[test]
        fn values_are_written_as_serde_writes_them_unless_too_deep(value in json()) {
            let expected = (nesting(&value) <= MAX_DEPTH).then(|| value.to_string());
            let elements = Cell::new(0);
            prop_assert_eq!(value.to_json(&elements).ok(), expected.clone());
            if expected.is_some() {
                prop_assert_eq!(elements.get(), value.as_array().map_or(0, Vec::len));
            }
        }
    }
}
