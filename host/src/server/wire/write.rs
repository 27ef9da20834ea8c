//! Writes the fields of frames. Each frame is written twice, once to learn its length, which stands before it in its shortest form,
//! and once into the buffer; both ways are the same code.

use bytes::{BufMut, BytesMut};

use super::error::WireError;
use super::{MAX_BYTE_ARRAYS, MAX_DETAIL, MAX_ERROR_MESSAGE, MAX_INTEGER};
use crate::contract::message::Message;
use crate::error::{Error, ErrorKind};

/// What fields are written to: a buffer, or a count of their bytes.
pub(crate) trait Sink {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for BytesMut {
    fn put(&mut self, bytes: &[u8]) {
        self.put_slice(bytes);
    }
}

/// Counts bytes instead of keeping them.
#[derive(Debug, Default)]
pub(super) struct Counter(pub(super) usize);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

pub(super) fn u8(out: &mut impl Sink, byte: u8) {
    out.put(&[byte]);
}

/// Writes an unsigned LEB128 in its shortest form.
pub(super) fn varint(out: &mut impl Sink, mut value: u64) {
    while value > 0x7f {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        u8(out, value as u8 | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seven bits are left")]
    u8(out, value as u8);
}

pub(super) fn bytes(out: &mut impl Sink, bytes: &[u8]) {
    varint(out, bytes.len() as u64);
    out.put(bytes);
}

/// Writes a text of at most `max` bytes.
pub(super) fn name(out: &mut impl Sink, what: &str, text: &str, max: usize) -> Result<(), WireError> {
    if text.len() > max {
        let start = beginning(text, 64);
        let what = format!("The {what} '{start}…' has {} bytes, and {max} is the limit.", text.len());
        return Err(WireError::too_large(what));
    }
    bytes(out, text.as_bytes());
    Ok(())
}

/// Writes the id of an object of the page. A guest can make up any number, and so can a page that has a message name it.
pub(super) fn page_object(out: &mut impl Sink, object: i64) -> Result<(), WireError> {
    let id = u64::try_from(object).ok().filter(|id| *id <= MAX_INTEGER);
    let id = id.ok_or_else(|| {
        WireError::no_such_object(format!("The page has no object {object}: its ids go from 0 to 2^53 - 1."))
    })?;
    varint(out, id);
    Ok(())
}

/// Writes a number that a guest has chosen.
pub(super) fn number(out: &mut impl Sink, what: &str, value: u64) -> Result<(), WireError> {
    if value > MAX_INTEGER {
        return Err(WireError::too_large(format!("The {what} {value} is larger than 2^53 - 1, the largest number.")));
    }
    varint(out, value);
    Ok(())
}

pub(super) fn message(out: &mut impl Sink, message: &Message) -> Result<(), WireError> {
    let count = message.bytes.len();
    if count > MAX_BYTE_ARRAYS {
        let what = format!("The message has {count} byte arrays, and {MAX_BYTE_ARRAYS} is the limit of a circuit.");
        return Err(WireError::too_many(what));
    }
    bytes(out, message.json.as_bytes());
    varint(out, count as u64);
    for array in &message.bytes {
        varint(out, array.len() as u64);
    }
    for array in &message.bytes {
        out.put(array);
    }
    Ok(())
}

/// Writes an outcome whose value `value` writes.
pub(super) fn outcome<S: Sink, T>(
    out: &mut S,
    outcome: &Result<T, Error>,
    value: impl FnOnce(&mut S, &T) -> Result<(), WireError>,
) -> Result<(), WireError> {
    match outcome {
        Ok(found) => {
            u8(out, 0);
            value(out, found)
        }
        Err(failure) => {
            u8(out, 1);
            error(out, failure);
            Ok(())
        }
    }
}

/// Writes an error. Texts that are longer than their limits are cut, because an end that is not sent would be worse.
pub(super) fn error(out: &mut impl Sink, error: &Error) {
    let kinds = ErrorKind::OF_THE_WIT;
    let place = |kind| kinds.iter().position(|other| *other == kind);
    let kind = place(error.kind()).or_else(|| place(ErrorKind::Failed)).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "the WIT has fewer than 256 kinds")]
    u8(out, kind as u8);
    bytes(out, beginning(error.message(), MAX_ERROR_MESSAGE).as_bytes());
    match error.detail() {
        Some(detail) => {
            u8(out, 1);
            bytes(out, beginning(detail, MAX_DETAIL).as_bytes());
        }
        None => u8(out, 0),
    }
}

/// Returns the beginning of a text, of at most `max` bytes.
fn beginning(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
