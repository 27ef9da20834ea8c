//! The byte arrays of a message, while its text is written or read.
//!
//! serde carries no context, but a byte array is a placeholder in the text and an element of a list beside it. So a value is
//! serialised while a [`Writing`] is open and deserialised while a [`Reading`] is open, and [`Bytes`](crate::Bytes),
//! [`TypedArray`](crate::TypedArray) and [`BigInt`](crate::BigInt) use the innermost that this thread has open. Without one
//! they fail with a message that says so. What a guest or a host keeps beside a text otherwise, such as references, it keeps
//! in contexts of its own.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use serde::ser::Serializer;
use serde::{de, ser};

use crate::expand::{self, Expanded};
use crate::numbers::PLAIN;
use crate::placeholder::{self, AS, BYTES};

/// A context: its part of the thread's list of arrays. The contexts of messages that are written or read inside others have the
/// parts behind theirs.
#[derive(Clone, Copy, Debug)]
struct Context {
    is_open: bool,
    first: usize,
    count: usize,
    /// Whether the text names each array once, so that its reader can take it without a copy.
    may_take: bool,
}

impl Context {
    const CLOSED: Self = Self { is_open: false, first: 0, count: 0, may_take: false };
    const EMPTY: Self = Self { is_open: true, ..Self::CLOSED };
}

/// An array of a message that is being read.
struct Array {
    /// None once it was taken.
    bytes: Option<Vec<u8>>,
    /// Whether it was read as numbers.
    is_read: bool,
}

// Most messages have no arrays, and then the lists are not used.
thread_local! {
    static WRITING: Cell<Context> = const { Cell::new(Context::CLOSED) };
    static WRITTEN: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static READING: Cell<Context> = const { Cell::new(Context::CLOSED) };
    static UNREAD: RefCell<Vec<Array>> = const { RefCell::new(Vec::new()) };
}

/// Contexts belong to a thread.
type NotSend = PhantomData<*const ()>;

/// A message is being written until this is dropped.
#[derive(Debug)]
pub struct Writing {
    outer: Context,
    thread: NotSend,
}

impl Writing {
    /// Begins a message.
    #[inline]
    #[must_use]
    pub fn open() -> Self {
        Self { outer: WRITING.replace(Context::EMPTY), thread: PhantomData }
    }

    /// Ends the message, and returns its byte arrays.
    #[inline]
    #[must_use]
    pub fn close(self) -> Vec<Vec<u8>> {
        let Context { first, count, .. } = WRITING.replace(Context::EMPTY);
        match (first, count) {
            (_, 0) => Vec::new(),
            (0, _) => WRITTEN.take(),
            _ => WRITTEN.with_borrow_mut(|arrays| arrays.split_off(first)),
        }
    }
}

impl Drop for Writing {
    #[inline]
    fn drop(&mut self) {
        let Context { first, count, .. } = WRITING.replace(self.outer);
        if count > 0 {
            WRITTEN.with_borrow_mut(|arrays| arrays.truncate(first));
        }
    }
}

/// Whether a message is being written.
#[inline]
#[must_use]
pub fn is_writing() -> bool {
    WRITING.get().is_open
}

/// Adds a byte array to the message that is being written, and returns its index.
///
/// # Errors
///
/// If no message is being written.
pub fn push<E: ser::Error>(bytes: Vec<u8>) -> Result<usize, E> {
    let mut context = WRITING.get();
    if !context.is_open {
        return Err(E::custom("bytes can only be written as part of a call"));
    }
    WRITTEN.with_borrow_mut(|arrays| {
        if context.count == 0 {
            context.first = arrays.len();
        }
        arrays.push(bytes);
    });
    context.count += 1;
    WRITING.set(context);
    Ok(context.count - 1)
}

/// Adds the bytes of numbers of some kind to the message that is being written, and writes their placeholder.
///
/// # Errors
///
/// If no message is being written, and those of the serializer.
pub fn serialize<S: Serializer>(serializer: S, kind: &str, bytes: Vec<u8>) -> Result<S::Ok, S::Error> {
    let index = push(bytes)?;
    match kind {
        PLAIN => placeholder::serialize(serializer, BYTES, index),
        _ => placeholder::serialize_with(serializer, (BYTES, index), (AS, kind)),
    }
}

/// A message is being read until this is dropped.
#[derive(Debug)]
pub struct Reading {
    outer: Context,
    has_numbers: bool,
    thread: NotSend,
}

impl Reading {
    /// Begins to read a message.
    #[inline]
    #[must_use]
    pub fn open(text: &str, arrays: Vec<Vec<u8>>) -> Self {
        let (context, has_numbers) =
            if arrays.is_empty() { (Context::EMPTY, false) } else { Self::with_arrays(text, arrays) };
        Self { outer: READING.replace(context), has_numbers, thread: PhantomData }
    }

    fn with_arrays(text: &str, arrays: Vec<Vec<u8>>) -> (Context, bool) {
        let count = arrays.len();
        let (may_take, has_numbers) = look(text, count);
        let first = UNREAD.with_borrow_mut(|unread| {
            let first = unread.len();
            unread.extend(arrays.into_iter().map(|bytes| Array { bytes: Some(bytes), is_read: false }));
            first
        });
        (Context { is_open: true, first, count, may_take }, has_numbers)
    }

    /// Whether the message may have numbers beside its text. If so, it is to be read once more with [`expand`](Self::expand).
    #[inline]
    #[must_use]
    pub fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// Returns the message's text, or a part of it, with the numbers that no [`TypedArray`](crate::TypedArray) and no
    /// [`BigInt`](crate::BigInt) has read, if there are any.
    #[must_use]
    pub fn expand(&self, text: &str) -> Option<Expanded> {
        let Context { first, count, .. } = READING.get();
        UNREAD.with_borrow(|unread| {
            let arrays = unread.get(first..first + count)?;
            expand::expand(text, |index| arrays.get(index).filter(|array| !array.is_read)?.bytes.as_deref())
        })
    }
}

impl Drop for Reading {
    #[inline]
    fn drop(&mut self) {
        let Context { first, count, .. } = READING.replace(self.outer);
        if count > 0 {
            UNREAD.with_borrow_mut(|unread| unread.truncate(first));
        }
    }
}

/// Whether a message is being read.
#[inline]
#[must_use]
pub fn is_reading() -> bool {
    READING.get().is_open
}

/// Looks at the placeholders in a text: whether each of `count` arrays is named once, in order, as the writers of messages do, so
/// that it can be taken; and whether some are numbers. If it seems otherwise, because an array is named twice, or because the text
/// has the key elsewhere or may have it with escapes, the arrays are copied. So are numbers, because their text may be read twice.
fn look(text: &str, count: usize) -> (bool, bool) {
    const KEY: &str = "\"__byte[]\"";
    const KIND: &str = ",\"__as\"";
    let (mut named, mut is_in_order, mut has_numbers) = (0, true, false);
    for (at, _) in text.match_indices(KEY) {
        let value = text[at + KEY.len()..].trim_start();
        let value = value.strip_prefix(':').unwrap_or(value).trim_start();
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        is_in_order &= value[..end].parse() == Ok(named);
        has_numbers |= value[end..].starts_with(KIND);
        named += 1;
    }
    let may_take = is_in_order && !has_numbers && named == count && !(text.contains('\\') && text.contains("\\u"));
    (may_take, has_numbers)
}

/// Returns a byte array of the message that is being read. `is_once` says that its placeholder is not read again.
///
/// # Errors
///
/// If there is no such array, or no message is being read.
pub fn take<E: de::Error>(index: i64, is_once: bool) -> Result<Vec<u8>, E> {
    let may_take = READING.get().may_take && is_once;
    array(index, |array| {
        if may_take { array.bytes.take() } else { array.bytes.clone() }.ok_or_else(|| not_found(index))
    })
}

/// Reads a byte array of the message that is being read, and notes that it needs no expansion.
///
/// # Errors
///
/// If there is no such array, or no message is being read, and those of `read`.
pub fn with<T, E: de::Error>(index: i64, read: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T, E> {
    array(index, |array| {
        array.is_read = true;
        read(array.bytes.as_deref().ok_or_else(|| not_found(index))?)
    })
}

fn array<T, E: de::Error>(index: i64, use_it: impl FnOnce(&mut Array) -> Result<T, E>) -> Result<T, E> {
    let Context { is_open, first, count, .. } = READING.get();
    if !is_open {
        return Err(E::custom("bytes can only be read as part of a call"));
    }
    UNREAD.with_borrow_mut(|unread| {
        let arrays = unread.get_mut(first..first + count).unwrap_or_default();
        let array = usize::try_from(index).ok().and_then(|index| arrays.get_mut(index));
        use_it(array.ok_or_else(|| not_found(index))?)
    })
}

fn not_found<E: de::Error>(index: i64) -> E {
    E::custom(match READING.get().count {
        _ if i32::try_from(index).is_err() => format!("byte array index {index} is not a 32-bit integer"),
        0 => format!("unexpected byte array {index}: the message has none"),
        count => format!("byte array {index} was not found: the message has {count}, counted from 0"),
    })
}

/// The contexts that were open, while a call that came in between uses its own. They are open again when this is dropped.
#[derive(Debug)]
#[must_use = "the contexts are open again when this is dropped"]
pub struct Suspended {
    writing: Context,
    reading: Context,
    thread: NotSend,
}

impl Suspended {
    /// Suspends all contexts of this thread.
    #[expect(clippy::new_without_default, reason = "this has an effect")]
    pub fn new() -> Self {
        let (writing, reading) = (WRITING.replace(Context::CLOSED), READING.replace(Context::CLOSED));
        Self { writing, reading, thread: PhantomData }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        WRITING.set(self.writing);
        READING.set(self.reading);
    }
}
