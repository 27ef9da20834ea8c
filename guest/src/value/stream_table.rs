//! The guest's streams: those that the page has, by id, and those on their way to it.
//!
//! A stream is unsent until a reference to it is written, leased to the message while that is being written, and in the table
//! from when the message is sent until the page has read all of it or closes it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use dotwit_wire::limits::MAX_OPEN_STREAMS;

use crate::codec::Attachment;
use crate::error::{Error, ErrorKind};
use crate::id_map::IdMap;
use crate::message::Chunk;
use crate::page::current::page;
use crate::task;
use crate::value::object_table;
use crate::value::stream_source::Source;

/// A stream that the page has.
enum Slot {
    Idle(Box<dyn Source>),
    /// A read is on the stack.
    Reading,
    /// A read waits for bytes.
    Waiting {
        call: u64,
        task: async_task::Task<()>,
    },
}

thread_local! {
    static STREAMS: RefCell<IdMap<Slot>> = RefCell::default();
    /// How many streams are in messages that have not been sent.
    static LEASED: Cell<usize> = const { Cell::new(0) };
}

/// A stream that has not been sent; once it has, an empty shell.
pub(super) struct UnsentStream {
    source: RefCell<Option<Box<dyn Source>>>,
    /// Whether a message has it, be that sent or still being written.
    is_sent: Cell<bool>,
}

impl UnsentStream {
    pub(super) fn new(source: impl Source + 'static) -> Rc<Self> {
        Rc::new(Self { source: RefCell::new(Some(Box::new(source))), is_sent: Cell::new(false) })
    }

    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.get()
    }
}

/// A stream in a message that is being written. Unless the message is sent, the stream can be sent again.
pub(super) struct StreamLease {
    id: u64,
    unsent: Rc<UnsentStream>,
}

impl StreamLease {
    /// Leases a stream to a message.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Failed`] if another message has it, [`ErrorKind::TooMany`] if too many streams are open.
    pub(super) fn new(unsent: &Rc<UnsentStream>) -> Result<Self, Error> {
        if unsent.is_sent.get() {
            let what = "A DotNetStreamReference cannot be sent twice: its bytes go to its first receiver.";
            return Err(Error::new(ErrorKind::Failed, what));
        }
        if live() + LEASED.get() >= MAX_OPEN_STREAMS {
            let what = format!(
                "A DotNetStreamReference cannot be sent: {MAX_OPEN_STREAMS} are open, and {MAX_OPEN_STREAMS} is the limit."
            );
            return Err(Error::new(ErrorKind::TooMany, what));
        }
        unsent.is_sent.set(true);
        LEASED.set(LEASED.get() + 1);
        Ok(Self { id: object_table::next_id(), unsent: Rc::clone(unsent) })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Hands the stream to the page.
    fn send(&self) {
        if let Some(source) = self.unsent.source.take() {
            LEASED.set(LEASED.get() - 1);
            STREAMS.with_borrow_mut(|streams| streams.insert(self.id, Slot::Idle(source)));
        }
    }
}

impl Attachment for StreamLease {
    fn sent_in_arguments(&self) {
        self.send();
    }

    fn sent_in_result(self: Rc<Self>) {
        self.send();
    }

    fn not_delivered(&self) {
        close(self.id);
    }
}

impl Drop for StreamLease {
    fn drop(&mut self) {
        if self.unsent.source.borrow().is_some() {
            self.unsent.is_sent.set(false);
            LEASED.set(LEASED.get() - 1);
        }
    }
}

/// `streams.read`: the chunk if it is there already; otherwise the page's `end-read` follows.
pub(crate) fn read(call: u64, stream: u64, max: u32) -> Option<Chunk> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    if max == 0 {
        return Some(Err(Error::new(ErrorKind::Protocol, "A read asks for at least one byte.")));
    }
    let mut source = match take(stream) {
        Ok(source) => source,
        Err(error) => return Some(Err(error)),
    };
    // Most chunks are there at once, and then no task is needed. The others are asked for again by a task, with its
    // waker.
    if let Poll::Ready(chunk) = source.poll_chunk(&mut Context::from_waker(Waker::noop()), max) {
        return Some(put_back(stream, source, chunk));
    }
    let task = task::spawn_cancellable(async move {
        let chunk = poll_fn(|cx| source.poll_chunk(cx, max)).await;
        // What takes the read out of the table ends it: this or `close`.
        if let Some(this) = take_waiting(stream) {
            this.detach();
            let chunk = put_back(stream, source, chunk);
            page().end_read(call, chunk);
        }
    });
    let closed = STREAMS.with_borrow_mut(|streams| match streams.get_mut(&stream) {
        Some(slot) => {
            *slot = Slot::Waiting { call, task };
            None
        }
        None => Some(task),
    });
    closed.map(|_| Err(cancelled()))
}

/// How many streams the page has.
pub(super) fn live() -> usize {
    STREAMS.with_borrow(IdMap::len)
}

/// How many reads are waiting.
pub(crate) fn waiting() -> usize {
    STREAMS.with_borrow(|streams| streams.values().filter(|slot| matches!(slot, Slot::Waiting { .. })).count())
}

/// `streams.close`.
pub(crate) fn close(stream: u64) {
    // Dropping a source runs the guest's code, which may need the table.
    match STREAMS.with_borrow_mut(|streams| streams.remove(&stream)) {
        Some(Slot::Waiting { call, task }) => {
            drop(task);
            page().end_read(call, Err(cancelled()));
        }
        slot => drop(slot),
    }
}

/// Takes a stream's source out of the table, for a read.
fn take(stream: u64) -> Result<Box<dyn Source>, Error> {
    STREAMS.with_borrow_mut(|streams| {
        let slot = streams.get_mut(&stream).ok_or_else(|| {
            Error::new(
                ErrorKind::NoSuchObject,
                format!("There is no stream with id '{stream}': it was never handed out, or has ended."),
            )
        })?;
        match std::mem::replace(slot, Slot::Reading) {
            Slot::Idle(source) => Ok(source),
            busy => {
                *slot = busy;
                Err(Error::new(ErrorKind::Protocol, format!("Stream {stream} is being read: reads follow each other.")))
            }
        }
    })
}

/// Takes a waiting read out of the table.
fn take_waiting(stream: u64) -> Option<async_task::Task<()>> {
    STREAMS.with_borrow_mut(|streams| {
        let slot = streams.get_mut(&stream)?;
        match std::mem::replace(slot, Slot::Reading) {
            Slot::Waiting { task, .. } => Some(task),
            other => {
                *slot = other;
                None
            }
        }
    })
}

/// Puts a stream's source back into the table, unless the stream has ended. The page may have closed it in the meantime.
fn put_back(stream: u64, source: Box<dyn Source>, chunk: Chunk) -> Chunk {
    let mut source = Some(source);
    let found = STREAMS.with_borrow_mut(|streams| {
        if chunk.as_ref().is_ok_and(|chunk| !chunk.is_empty()) {
            let slot = streams.get_mut(&stream)?;
            *slot = Slot::Idle(source.take()?);
            Some(())
        } else {
            streams.remove(&stream).map(drop)
        }
    });
    match found {
        Some(()) => chunk,
        None => Err(cancelled()),
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "The page has closed the stream.")
}
