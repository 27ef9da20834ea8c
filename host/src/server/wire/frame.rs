//! Counted frames: each is one function of the WIT, and has a number that acks and replays go by.

use bytes::{Bytes, BytesMut};

use super::error::WireError;
use super::read::Reader;
use super::write::{self, Counter, Sink};
use super::{MAX_IDENTIFIER, MAX_NAME, MAX_RELEASES, WireLimits};
use crate::contract::message::{Message, Target};
use crate::contract::request::{Operation, Request, ResultType};
use crate::error::Error;

/// The operations, in the WIT's order.
const OPERATIONS: [Operation; 4] = [Operation::Call, Operation::Construct, Operation::Get, Operation::Set];

/// The ways in which a result is wanted, in the WIT's order.
const RESULT_TYPES: [ResultType; 4] = [ResultType::Json, ResultType::Object, ResultType::Stream, ResultType::Nothing];

/// A counted frame of one direction.
pub(crate) trait CountedFrame: Sized {
    /// Who sends it, in words.
    const SENDER: &'static str;

    /// Whether the server sends it.
    const OF_SERVER: bool;

    /// Its kind on the wire.
    fn kind(&self) -> u8;

    /// Its name, which errors and metrics use.
    fn name(&self) -> &'static str;

    /// Returns the name of a kind that this direction has.
    fn name_of(kind: u8) -> Option<&'static str>;

    /// Writes its body.
    ///
    /// # Errors
    ///
    /// If a name or a count in it is beyond its limit.
    fn write_body<S: Sink>(&self, out: &mut S) -> Result<(), WireError>;

    /// Reads the body of a frame of a kind that [`name_of`](Self::name_of) knows.
    fn read_body(kind: u8, body: &mut Reader) -> Result<Self, WireError>;

    /// Returns the whole frame as it is sent.
    ///
    /// # Errors
    ///
    /// If its body is larger than the limit, which the error names with the size, or something in it is beyond a limit of its own.
    fn encode(&self, limits: &WireLimits) -> Result<Bytes, WireError> {
        let mut size = Counter::default();
        self.write_body(&mut size)?;
        let (size, limit) = (size.0, limits.message);
        if size > limit {
            let what = format!("The '{}' frame of {size} bytes cannot be sent: {limit} is the limit.", self.name());
            return Err(WireError::too_large(what));
        }
        // A kind, and a length of at most eight bytes.
        let mut out = BytesMut::with_capacity(size + 9);
        write::u8(&mut out, self.kind());
        write::varint(&mut out, size as u64);
        self.write_body(&mut out)?;
        Ok(out.freeze())
    }
}

/// What a page sends.
#[derive(Clone, Debug)]
pub(crate) enum PageFrame {
    /// `invocation.begin-invoke`: begins a call, whose id no other call that is under way has.
    Call { call: u64, target: Target, method: String, args: Message },
    /// `invocation.cancel-invoke`.
    Cancel { call: u64 },
    /// `invocation.end-invoke-js`: ends a [`ServerFrame::PageCall`].
    PageEnd { id: u64, outcome: Result<Message, Error> },
    /// `references.release`: disposes of an object.
    Release { object: u64 },
    /// `references.forget`: gives back references to objects, with their numbers.
    Forget { objects: Vec<(u64, u32)> },
    /// `streams.read`: the server may send this many bytes more of a stream.
    Credit { stream: u64, bytes: u64 },
    /// `streams.close`.
    Close { stream: u64 },
    /// `streams.end-read-js`: ends a [`ServerFrame::PageRead`].
    PageData { id: u64, outcome: Result<Vec<u8>, Error> },
}

/// What the server sends.
#[derive(Clone, Debug)]
pub(crate) enum ServerFrame {
    /// `page.end-invoke`: ends a [`PageFrame::Call`].
    End { call: u64, outcome: Result<Message, Error> },
    /// `page.begin-invoke-js`. The id is the host's.
    PageCall { id: u64, request: Request },
    /// `page.cancel-invoke-js`.
    PageCancel { id: u64 },
    /// `page.release-js`: gives back references to objects of the page, with their numbers: at most
    /// [`MAX_RELEASES`] in one frame.
    PageRelease { objects: Vec<(i64, u32)> },
    /// Bytes of a stream, for which there was credit.
    Data { stream: u64, bytes: Bytes },
    /// A stream has ended: all of it has been sent, or it has failed.
    DataEnd { stream: u64, outcome: Result<(), Error> },
    /// `page.read-js-stream`. The id is the host's.
    PageRead { id: u64, object: i64, offset: u64, length: u32 },
    /// The guest is gone: each call and each stream that is under way ends with this error.
    Trapped { error: Error },
}

impl CountedFrame for PageFrame {
    const SENDER: &'static str = "page";
    const OF_SERVER: bool = false;

    fn kind(&self) -> u8 {
        match self {
            Self::Call { .. } => 1,
            Self::Cancel { .. } => 2,
            Self::PageEnd { .. } => 3,
            Self::Release { .. } => 4,
            Self::Forget { .. } => 5,
            Self::Credit { .. } => 6,
            Self::Close { .. } => 7,
            Self::PageData { .. } => 8,
        }
    }

    fn name(&self) -> &'static str {
        Self::name_of(self.kind()).unwrap_or_default()
    }

    fn name_of(kind: u8) -> Option<&'static str> {
        Some(match kind {
            1 => "call",
            2 => "cancel",
            3 => "page-end",
            4 => "release",
            5 => "forget",
            6 => "credit",
            7 => "close",
            8 => "page-data",
            _ => return None,
        })
    }

    fn write_body<S: Sink>(&self, out: &mut S) -> Result<(), WireError> {
        match self {
            Self::Call { call, target, method, args } => {
                write::varint(out, *call);
                write_target(out, target)?;
                write::name(out, "method", method, MAX_NAME)?;
                write::message(out, args)?;
            }
            Self::Cancel { call: id } | Self::Release { object: id } | Self::Close { stream: id } => {
                write::varint(out, *id);
            }
            Self::PageEnd { id, outcome } => {
                write::varint(out, *id);
                write::outcome(out, outcome, write::message)?;
            }
            Self::Forget { objects } => write_releases(out, objects, |out, object| {
                write::varint(out, *object);
                Ok(())
            })?,
            Self::Credit { stream, bytes } => {
                write::varint(out, *stream);
                write::varint(out, *bytes);
            }
            Self::PageData { id, outcome } => {
                write::varint(out, *id);
                write::outcome(out, outcome, |out, bytes| {
                    write::bytes(out, bytes);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    fn read_body(kind: u8, body: &mut Reader) -> Result<Self, WireError> {
        Ok(match kind {
            1 => {
                let call = body.varint("call")?;
                let target = match body.u8("target")? {
                    0 => Target::Assembly(body.text("assembly", MAX_NAME)?),
                    1 => Target::Object(body.varint("object")?),
                    other => {
                        let what = format!("has the target {other}, where 0 is an assembly and 1 is an object");
                        return Err(body.wrong(what));
                    }
                };
                Self::Call { call, target, method: body.text("method", MAX_NAME)?, args: body.message()? }
            }
            2 => Self::Cancel { call: body.varint("call")? },
            3 => Self::PageEnd { id: body.varint("id")?, outcome: body.outcome(Reader::message)? },
            4 => Self::Release { object: body.varint("object")? },
            5 => Self::Forget { objects: body.releases(|body| body.varint("object"))? },
            6 => Self::Credit { stream: body.varint("stream")?, bytes: body.varint("credit")? },
            7 => Self::Close { stream: body.varint("stream")? },
            8 => Self::PageData { id: body.varint("id")?, outcome: body.outcome(|body| body.bytes("data"))? },
            _ => return Err(body.wrong("has a kind that no page sends")),
        })
    }
}

impl ServerFrame {
    /// The kinds of frames that a page has to answer, or gives credit for.
    pub(crate) const PAGE_CALL: u8 = 34;
    pub(crate) const DATA: u8 = 37;
    pub(crate) const PAGE_READ: u8 = 39;
}

impl CountedFrame for ServerFrame {
    const SENDER: &'static str = "server";
    const OF_SERVER: bool = true;

    fn kind(&self) -> u8 {
        match self {
            Self::End { .. } => 33,
            Self::PageCall { .. } => Self::PAGE_CALL,
            Self::PageCancel { .. } => 35,
            Self::PageRelease { .. } => 36,
            Self::Data { .. } => Self::DATA,
            Self::DataEnd { .. } => 38,
            Self::PageRead { .. } => Self::PAGE_READ,
            Self::Trapped { .. } => 40,
        }
    }

    fn name(&self) -> &'static str {
        Self::name_of(self.kind()).unwrap_or_default()
    }

    fn name_of(kind: u8) -> Option<&'static str> {
        Some(match kind {
            33 => "end",
            34 => "page-call",
            35 => "page-cancel",
            36 => "page-release",
            37 => "data",
            38 => "data-end",
            39 => "page-read",
            40 => "trapped",
            _ => return None,
        })
    }

    fn write_body<S: Sink>(&self, out: &mut S) -> Result<(), WireError> {
        match self {
            Self::End { call, outcome } => {
                write::varint(out, *call);
                write::outcome(out, outcome, write::message)?;
            }
            Self::PageCall { id, request } => {
                write::varint(out, *id);
                write::page_object(out, request.target)?;
                write::name(out, "identifier", &request.identifier, MAX_IDENTIFIER)?;
                write::u8(out, index(&OPERATIONS, &request.operation));
                write::u8(out, index(&RESULT_TYPES, &request.result_type));
                write::message(out, &request.args)?;
            }
            Self::PageCancel { id } => write::varint(out, *id),
            Self::PageRelease { objects } => {
                write_releases(out, objects, |out, object| write::page_object(out, *object))?;
            }
            Self::Data { stream, bytes } => {
                write::varint(out, *stream);
                write::bytes(out, bytes);
            }
            Self::DataEnd { stream, outcome } => {
                write::varint(out, *stream);
                write::outcome(out, outcome, |_, ()| Ok(()))?;
            }
            Self::PageRead { id, object, offset, length } => {
                write::varint(out, *id);
                write::page_object(out, *object)?;
                write::number(out, "offset", *offset)?;
                write::varint(out, u64::from(*length));
            }
            Self::Trapped { error } => write::error(out, error),
        }
        Ok(())
    }

    fn read_body(kind: u8, body: &mut Reader) -> Result<Self, WireError> {
        Ok(match kind {
            33 => Self::End { call: body.varint("call")?, outcome: body.outcome(Reader::message)? },
            34 => {
                let id = body.varint("id")?;
                let request = Request {
                    target: body.page_object()?,
                    identifier: body.text("identifier", MAX_IDENTIFIER)?,
                    operation: read_index(body, "operation", &OPERATIONS)?,
                    result_type: read_index(body, "result type", &RESULT_TYPES)?,
                    args: body.message()?,
                };
                Self::PageCall { id, request }
            }
            35 => Self::PageCancel { id: body.varint("id")? },
            36 => Self::PageRelease { objects: body.releases(Reader::page_object)? },
            37 => Self::Data { stream: body.varint("stream")?, bytes: body.slice("data")? },
            38 => Self::DataEnd { stream: body.varint("stream")?, outcome: body.outcome(|_| Ok(()))? },
            39 => Self::PageRead {
                id: body.varint("id")?,
                object: body.page_object()?,
                offset: body.varint("offset")?,
                length: body.u32("length")?,
            },
            40 => Self::Trapped { error: body.error()? },
            _ => return Err(body.wrong("has a kind that no server sends")),
        })
    }
}

fn write_target(out: &mut impl Sink, target: &Target) -> Result<(), WireError> {
    match target {
        Target::Assembly(assembly) => {
            write::u8(out, 0);
            write::name(out, "assembly", assembly, MAX_NAME)
        }
        Target::Object(object) => {
            write::u8(out, 1);
            write::varint(out, *object);
            Ok(())
        }
    }
}

fn write_releases<S: Sink, T>(
    out: &mut S,
    objects: &[(T, u32)],
    object: impl Fn(&mut S, &T) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let count = objects.len();
    if count > MAX_RELEASES {
        let what = format!("A frame cannot give back {count} objects: {MAX_RELEASES} is the limit.");
        return Err(WireError::too_many(what));
    }
    write::varint(out, count as u64);
    for (id, times) in objects {
        object(out, id)?;
        write::varint(out, u64::from(*times));
    }
    Ok(())
}

/// Returns the place of what is in the list.
fn index<T: PartialEq>(list: &[T], item: &T) -> u8 {
    let place = list.iter().position(|other| other == item).unwrap_or_default();
    u8::try_from(place).unwrap_or_default()
}

fn read_index<T: Copy>(body: &mut Reader, field: &str, list: &[T]) -> Result<T, WireError> {
    let index = body.u8(field)?;
    let last = list.len() - 1;
    list.get(usize::from(index))
        .copied()
        .ok_or_else(|| body.wrong(format!("has the {field} {index}, and {last} is the last")))
}
