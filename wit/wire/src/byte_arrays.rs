//! The byte arrays of a message, while its text is written or read.
//!
//! serde carries no context, but a byte array is a placeholder in the text and an element of a list beside it. So a value is
//! serialised while a [`Writing`] is open and deserialised while a [`Reading`] is open, and [`Bytes`](crate::Bytes),
//! [`TypedArray`](crate::TypedArray) and [`BigInt`](crate::BigInt) use the innermost that this thread has open. Without one
//! they fail with a message that says so. What a guest or a host keeps beside a text otherwise, such as references, it keeps
//! in contexts of its own.

use std::cell::RefCell;
use std::marker::PhantomData;

use serde::ser::Serializer;
use serde::{de, ser};

use crate::expand::{self, Expanded};
use crate::{numbers, placeholder};

thread_local! {
    static WRITING: RefCell<Option<Vec<Vec<u8>>>> = const { RefCell::new(None) };
    static READING: RefCell<Option<Arrays>> = const { RefCell::new(None) };
}

/// The arrays of a message that is being read.
struct Arrays {
    arrays: Vec<Option<Vec<u8>>>,
    /// Whether the text names each array once, so that its reader can take it without a copy.
    may_take: bool,
    /// Which arrays have been read as numbers, if some are numbers.
    read: Vec<bool>,
}

/// Contexts belong to a thread.
type NotSend = PhantomData<*const ()>;

/// A message is being written until this is dropped.
#[derive(Debug)]
pub struct Writing {
    outer: Option<Vec<Vec<u8>>>,
    thread: NotSend,
}

impl Writing {
    /// Begins a message.
    #[must_use]
    pub fn open() -> Self {
        Self { outer: WRITING.replace(Some(Vec::new())), thread: PhantomData }
    }

    /// Ends the message, and returns its byte arrays.
    #[must_use]
    pub fn close(self) -> Vec<Vec<u8>> {
        WRITING.take().unwrap_or_default()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(self.outer.take());
    }
}

/// Adds a byte array to the message that is being written, and returns its index.
///
/// # Errors
///
/// If no message is being written.
pub fn push<E: ser::Error>(bytes: Vec<u8>) -> Result<usize, E> {
    WRITING.with_borrow_mut(|arrays| {
        let arrays = arrays.as_mut().ok_or_else(|| E::custom("bytes can only be written as part of a call"))?;
        arrays.push(bytes);
        Ok(arrays.len() - 1)
    })
}

/// Adds the bytes of numbers of some kind to the message that is being written, and writes their placeholder.
///
/// # Errors
///
/// If no message is being written, and those of the serializer.
pub fn serialize<S: Serializer>(serializer: S, kind: &str, bytes: Vec<u8>) -> Result<S::Ok, S::Error> {
    let index = push(bytes)?;
    match kind {
        numbers::PLAIN => placeholder::serialize(serializer, placeholder::BYTES, index),
        _ => placeholder::serialize_with(serializer, (placeholder::BYTES, index), (placeholder::AS, kind)),
    }
}

/// A message is being read until this is dropped.
pub struct Reading {
    outer: Option<Arrays>,
    has_numbers: bool,
    thread: NotSend,
}

impl Reading {
    /// Begins to read a message.
    #[must_use]
    pub fn open(text: &str, arrays: Vec<Vec<u8>>) -> Self {
        let has_numbers = !arrays.is_empty() && numbers::may_be_in(text);
        // A text with numbers may be read twice.
        let may_take = !arrays.is_empty() && !has_numbers && names_each_once(text, arrays.len());
        let read = if has_numbers { vec![false; arrays.len()] } else { Vec::new() };
        let arrays = Arrays { arrays: arrays.into_iter().map(Some).collect(), may_take, read };
        Self { outer: READING.replace(Some(arrays)), has_numbers, thread: PhantomData }
    }

    /// Whether the message may have numbers beside its text. If so, it is to be read once more with [`expand`](Self::expand).
    #[must_use]
    pub fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// Returns the message's text, or a part of it, with the numbers that no [`TypedArray`](crate::TypedArray) and no
    /// [`BigInt`](crate::BigInt) has read, if there are any.
    #[must_use]
    pub fn expand(&self, text: &str) -> Option<Expanded> {
        READING.with_borrow(|arrays| {
            let Arrays { arrays, read, .. } = arrays.as_ref()?;
            expand::expand(text, |index| arrays.get(index)?.as_deref().filter(|_| !read[index]))
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.set(self.outer.take());
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").field("has_numbers", &self.has_numbers).finish_non_exhaustive()
    }
}

/// Whether a text names each of `count` byte arrays once, in order, as the writers of messages do. If it seems otherwise,
/// because an array is named twice, or because the text has the key elsewhere or may have it with escapes, the arrays are
/// copied.
fn names_each_once(text: &str, count: usize) -> bool {
    const KEY: &str = "\"__byte[]\"";
    let indices = text.match_indices(KEY).map(|(at, _)| {
        let value = text[at + KEY.len()..].trim_start().strip_prefix(':')?.trim_start();
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        value[..end].parse().ok()
    });
    indices.eq((0..count).map(Some)) && !text.contains("\\u")
}

/// Returns a byte array of the message that is being read. `is_once` says that its placeholder is not read again.
///
/// # Errors
///
/// If there is no such array, or no message is being read.
pub fn take<E: de::Error>(index: i64, is_once: bool) -> Result<Vec<u8>, E> {
    READING.with_borrow_mut(|arrays| {
        let Arrays { arrays, may_take, .. } = open(arrays.as_mut())?;
        let count = arrays.len();
        let slot = usize::try_from(index).ok().and_then(|index| arrays.get_mut(index));
        let bytes = slot.and_then(|slot| if *may_take && is_once { slot.take() } else { slot.clone() });
        bytes.ok_or_else(|| not_found(index, count))
    })
}

/// Reads a byte array of the message that is being read, and notes that it needs no expansion.
///
/// # Errors
///
/// If there is no such array, or no message is being read, and those of `read`.
pub fn with<T, E: de::Error>(index: i64, read: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T, E> {
    READING.with_borrow_mut(|arrays| {
        let Arrays { arrays, read: is_read, .. } = open(arrays.as_mut())?;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let bytes = arrays.get(at).and_then(Option::as_deref).ok_or_else(|| not_found(index, arrays.len()))?;
        if let Some(is_read) = is_read.get_mut(at) {
            *is_read = true;
        }
        read(bytes)
    })
}

fn open<E: de::Error>(arrays: Option<&mut Arrays>) -> Result<&mut Arrays, E> {
    arrays.ok_or_else(|| E::custom("bytes can only be read as part of a call"))
}

fn not_found<E: de::Error>(index: i64, count: usize) -> E {
    E::custom(match count {
        _ if i32::try_from(index).is_err() => format!("byte array index {index} is not a 32-bit integer"),
        0 => format!("unexpected byte array {index}: the message has none"),
        _ => format!("byte array {index} was not found: the message has {count}, counted from 0"),
    })
}

/// The contexts that were open, while a call that came in between uses its own. They are open again when this is dropped.
#[must_use = "the contexts are open again when this is dropped"]
pub struct Suspended {
    writing: Option<Vec<Vec<u8>>>,
    reading: Option<Arrays>,
    thread: NotSend,
}

impl Suspended {
    /// Suspends all contexts of this thread.
    #[expect(clippy::new_without_default, reason = "this has an effect")]
    pub fn new() -> Self {
        Self { writing: WRITING.take(), reading: READING.take(), thread: PhantomData }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        WRITING.set(self.writing.take());
        READING.set(self.reading.take());
    }
}

impl std::fmt::Debug for Suspended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Suspended")
    }
}
