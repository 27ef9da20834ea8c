//! A bounded reader: takes the fields of a frame from its body, and refuses what is not there or too large, by name.

use bytes::{Buf, Bytes};

use super::error::WireError;
use super::{MAX_BYTE_ARRAYS, MAX_DETAIL, MAX_ERROR_MESSAGE, MAX_INTEGER, MAX_RELEASES};
use crate::contract::message::Message;
use crate::error::{Error, ErrorKind};

/// The most bytes of a varint: 8 × 7 bits are more than the 53 of [`MAX_INTEGER`].
const MAX_VARINT: usize = 8;

/// What is left of a frame or, outside of its frames, of a message.
#[derive(Debug)]
pub(crate) struct Reader {
    rest: Bytes,
    frame: Option<&'static str>,
}

impl Reader {
    /// Reads from `rest`, which is the body of the frame with this name, or a message.
    pub(super) fn new(rest: Bytes, frame: Option<&'static str>) -> Self {
        Self { rest, frame }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Refuses what follows the last field.
    pub(super) fn end(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(self.wrong(format!("has {more} bytes after its last field, where it should end"))),
        }
    }

    pub(super) fn u8(&mut self, field: &str) -> Result<u8, WireError> {
        match self.rest.first() {
            Some(&byte) => {
                self.rest.advance(1);
                Ok(byte)
            }
            None => Err(self.wrong(format!("ends where its {field} should be"))),
        }
    }

    /// Reads an unsigned LEB128 of at most 2⁵³ − 1, in its shortest form. There is one spelling of each number, so that a message has one
    /// meaning for every reader.
    pub(super) fn varint(&mut self, field: &str) -> Result<u64, WireError> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(MAX_VARINT).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 != 0 {
                continue;
            }
            if byte == 0 && index > 0 {
                return Err(self.wrong(format!("has a {field} that is not a varint in its shortest form")));
            }
            if value > MAX_INTEGER {
                return Err(self.wrong(format!("has the {field} {value}, and 2^53 - 1 is the largest number")));
            }
            self.rest.advance(index + 1);
            return Ok(value);
        }
        Err(if self.rest.len() < MAX_VARINT {
            self.wrong(format!("ends within its {field}"))
        } else {
            self.wrong(format!("has a {field} of more than {MAX_VARINT} bytes, which no varint has"))
        })
    }

    /// Reads a number that a `u32` holds.
    pub(super) fn u32(&mut self, field: &str) -> Result<u32, WireError> {
        let value = self.varint(field)?;
        u32::try_from(value).map_err(|_| self.wrong(format!("has the {field} {value}, and 2^32 - 1 is the largest")))
    }

    /// Reads the id of an object of the page, which the contract has as a signed number.
    pub(super) fn page_object(&mut self) -> Result<i64, WireError> {
        // A varint has at most 53 bits.
        self.varint("object").map(u64::cast_signed)
    }

    /// Reads a length, which what is left must have.
    pub(super) fn length(&mut self, field: &str) -> Result<usize, WireError> {
        let length = self.varint(field)?;
        let rest = self.rest.len();
        match usize::try_from(length) {
            Ok(length) if length <= rest => Ok(length),
            _ => Err(self.wrong(format!("says that its {field} has {length} bytes, and {rest} follow"))),
        }
    }

    /// Takes the next bytes without copying them.
    pub(super) fn slice(&mut self, field: &str) -> Result<Bytes, WireError> {
        let length = self.length(field)?;
        Ok(self.rest.split_to(length))
    }

    pub(super) fn bytes(&mut self, field: &str) -> Result<Vec<u8>, WireError> {
        Ok(self.slice(field)?.into())
    }

    /// Reads a text of at most `max` bytes.
    pub(super) fn text(&mut self, field: &str, max: usize) -> Result<String, WireError> {
        let length = self.length(field)?;
        if length > max {
            let what = format!("{} has a {field} of {length} bytes, and {max} is the limit.", self.subject());
            return Err(WireError::too_large(what));
        }
        let bytes = self.rest.split_to(length);
        let text = std::str::from_utf8(&bytes);
        text.map(str::to_owned).map_err(|_| self.wrong(format!("has a {field} that is not UTF-8")))
    }

    /// Reads a count of things of which each takes at least `size` bytes.
    fn count(&mut self, field: &str, max: usize, size: usize) -> Result<usize, WireError> {
        let count = self.varint(field)?;
        if count > max as u64 {
            let what = format!("{} names {count} {field}, and {max} is the limit.", self.subject());
            return Err(WireError::too_many(what));
        }
        let rest = self.rest.len();
        match usize::try_from(count) {
            Ok(count) if count.saturating_mul(size) <= rest => Ok(count),
            _ => Err(self.wrong(format!("names {count} {field}, for which its last {rest} bytes have no room"))),
        }
    }

    pub(super) fn message(&mut self) -> Result<Message, WireError> {
        // The frame's own limit holds for the text.
        let json = self.text("JSON text", usize::MAX)?;
        let count = self.count("byte arrays", MAX_BYTE_ARRAYS, 1)?;
        let mut total = 0_usize;
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            let length = self.length("byte array")?;
            total = total.saturating_add(length);
            lengths.push(length);
        }
        let rest = self.rest.len();
        if total > rest {
            return Err(self.wrong(format!("says that its byte arrays have {total} bytes, and {rest} follow")));
        }
        let bytes = lengths.into_iter().map(|length| self.rest.split_to(length).into()).collect();
        Ok(Message { json, bytes })
    }

    /// Reads an outcome whose value `value` reads.
    pub(super) fn outcome<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Result<T, Error>, WireError> {
        match self.u8("outcome")? {
            0 => value(self).map(Ok),
            1 => self.error().map(Err),
            other => Err(self.wrong(format!("has the outcome {other}, where 0 is a value and 1 is an error"))),
        }
    }

    /// Reads an error. A kind that this version does not have reads as `failed`: the other side may be younger.
    pub(super) fn error(&mut self) -> Result<Error, WireError> {
        let kind = usize::from(self.u8("error kind")?);
        let kind = ErrorKind::OF_THE_WIT.get(kind).copied().unwrap_or(ErrorKind::Failed);
        let error = Error::new(kind, self.text("error message", MAX_ERROR_MESSAGE)?);
        match self.u8("mark of a detail")? {
            0 => Ok(error),
            1 => Ok(error.with_detail(self.text("error detail", MAX_DETAIL)?)),
            other => Err(self.wrong(format!("has the mark {other} of a detail, where 0 is none and 1 is one"))),
        }
    }

    /// Reads objects with the number of references to each that are given back.
    pub(super) fn releases<T>(
        &mut self,
        object: impl Fn(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<(T, u32)>, WireError> {
        let count = self.count("objects", MAX_RELEASES, 2)?;
        (0..count).map(|_| Ok((object(self)?, self.u32("number of references")?))).collect()
    }

    /// Returns a breach of the protocol: `what` goes on where the sentence begins with the frame.
    pub(super) fn wrong(&self, what: impl std::fmt::Display) -> WireError {
        WireError::protocol(format!("{} {what}.", self.subject()))
    }

    /// What errors begin with.
    fn subject(&self) -> String {
        match self.frame {
            Some(name) => format!("A '{name}' frame"),
            None => "A message".to_owned(),
        }
    }
}
