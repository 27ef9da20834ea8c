//! Control frames: what connects, resumes and ends. They are rare and may grow, so that their bodies are JSON, whose unknown keys are
//! ignored; they have no numbers, and are not sent again.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::error::WireError;
use super::write;
use crate::error::ErrorKind;

/// A control frame with a JSON body.
pub(crate) trait ControlBody: Serialize {
    /// Its kind on the wire.
    const KIND: u8;

    /// Returns the whole frame as it is sent.
    fn encode(&self) -> Bytes {
        // The bodies have texts, numbers and lists of them, which serialise.
        let body = serde_json::to_vec(self).unwrap_or_else(|_| b"{}".to_vec());
        encode(Self::KIND, &body)
    }
}

fn encode(kind: u8, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 9);
    write::u8(&mut out, kind);
    write::varint(&mut out, body.len() as u64);
    out.put_slice(body);
    out.freeze()
}

/// The page's first frame: it wants a circuit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The page's adapter and its version, for logs: `dotwit/0.1.0`.
    #[serde(default)]
    pub(crate) client: String,
    /// What the page can do beyond `dotwit.v1`; those count that both sides name.
    #[serde(default)]
    pub(crate) features: Vec<String>,
    /// What the page shows to be let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

/// The answer to a [`Hello`]. `A` is a list of [assemblies](crate::Assembly) where it is written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Welcome<A = Value> {
    /// The circuit's public id.
    pub(crate) circuit: String,
    /// What resumes the circuit, once.
    pub(crate) secret: String,
    /// The features that both sides name.
    pub(crate) features: Vec<String>,
    /// What the page may send and will get.
    pub(crate) limits: Limits,
    /// How long a circuit waits for a page whose connection is lost, in milliseconds.
    pub(crate) retention: u64,
    /// How often each side sends something, in milliseconds.
    pub(crate) beat: u64,
    /// Where the page resumes, if that is not where it has connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    /// Whether errors come with what developers want to know.
    pub(crate) detailed: bool,
    /// What can be called, as `manifest.describe` returns it.
    pub(crate) assemblies: A,
}

/// The limits that a [`Welcome`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Limits {
    /// The most bytes of the body of a frame that the page sends.
    pub(crate) message: u64,
    /// The most bytes of the body of a frame that the server sends.
    pub(crate) message_out: u64,
    /// The most calls that may be under way, each way.
    pub(crate) pending: u64,
    /// The most references that either side may hold.
    pub(crate) references: u64,
    /// The most streams that may be open, each way.
    pub(crate) streams: u64,
    /// The most arguments of a call.
    pub(crate) arguments: u64,
    /// How deep JSON may nest.
    pub(crate) depth: u64,
    /// The most bytes of frames that the page may keep unsent and unacknowledged.
    pub(crate) replay: u64,
}

/// The page's first frame on a new socket: it wants its circuit back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resume {
    /// The circuit's id.
    pub(crate) circuit: String,
    /// The last secret that the page has seen.
    pub(crate) secret: String,
    /// The number of the last frame that the page has received.
    pub(crate) received: u64,
    /// The number of the page's try, which grows. A socket that was given up may arrive after the one that took its place; a page that
    /// names no number has no such protection.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) attempt: u64,
    /// What the page shows to be let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

/// Whether a number is none: the other side need not name it.
fn is_none(attempt: &u64) -> bool {
    *attempt == 0
}

/// The answer to a [`Resume`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resumed {
    /// The secret that counts from now on.
    pub(crate) secret: String,
    /// The number of the last frame that the server has received.
    pub(crate) received: u64,
}

/// Why a socket gets no circuit. The socket is closed after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refused {
    /// What the page's calls end with.
    pub(crate) kind: Kind,
    /// Why, for programs.
    pub(crate) reason: Reason,
    /// Why, in one sentence.
    pub(crate) message: String,
    /// What the page may do.
    pub(crate) then: Then,
    /// How long the page should wait before it does it, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after_ms: Option<u64>,
}

/// The last frame of a connection, from either side. The socket is closed after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Goodbye {
    /// What the calls end with that are under way, if the circuit ends.
    #[serde(default)]
    pub(crate) kind: Kind,
    /// Why, in one sentence.
    #[serde(default)]
    pub(crate) message: String,
    /// What becomes of the circuit.
    pub(crate) then: Then,
    /// How long the page should wait before it does it, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after_ms: Option<u64>,
}

/// The server has a newer guest than the page's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stale {}

/// Debug output that names a frame and leaves out its tokens and secrets.
macro_rules! debug_without_secrets {
    ($($frame:ty),*) => {$(
        impl fmt::Debug for $frame {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($frame))
            }
        }
    )*};
}

debug_without_secrets!(Hello, Welcome, Resume, Resumed);

impl ControlBody for Hello {
    const KIND: u8 = 64;
}
impl<A: Serialize> ControlBody for Welcome<A> {
    const KIND: u8 = 65;
}
impl ControlBody for Resume {
    const KIND: u8 = 66;
}
impl ControlBody for Resumed {
    const KIND: u8 = 67;
}
impl ControlBody for Refused {
    const KIND: u8 = 68;
}
impl ControlBody for Goodbye {
    const KIND: u8 = 71;
}
impl ControlBody for Stale {
    const KIND: u8 = 72;
}

const PING: u8 = 69;
const PONG: u8 = 70;

/// What happens after a [`Refused`] or a [`Goodbye`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    /// The circuit has ended. The page may start a new one when it wants to.
    End,
    /// The circuit waits, and may be resumed.
    Resume,
    /// The circuit is gone, and a new one may be had at once.
    Fresh,
    /// The same may succeed later.
    Later,
    /// The same will never succeed.
    Never,
}

/// Why a socket is [`Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// The token is missing, wrong, or no longer good.
    Token,
    /// The sides have no version in common.
    Version,
    /// There are as many circuits as there may be.
    Full,
    /// There were too many attempts.
    Rate,
    /// There is no such circuit, or the secret is another.
    Unknown,
    /// The server stops.
    Draining,
    /// The node that has the circuit cannot be reached.
    OwnerAway,
}

/// An error kind by its name. A name that this version does not have reads as `failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(crate) ErrorKind);

impl Default for Kind {
    fn default() -> Self {
        Self(ErrorKind::Disconnected)
    }
}

impl From<ErrorKind> for Kind {
    fn from(kind: ErrorKind) -> Self {
        Self(kind)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = ErrorKind::OF_THE_WIT.iter().find(|kind| kind.as_str() == name);
        Ok(Self(known.copied().unwrap_or(ErrorKind::Failed)))
    }
}

/// A control frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// The page wants a circuit.
    Hello(Hello),
    /// The page has one.
    Welcome(Box<Welcome>),
    /// The page wants its circuit back.
    Resume(Resume),
    /// The page has it back.
    Resumed(Resumed),
    /// The page gets none.
    Refused(Refused),
    /// The other side wants these bytes back.
    Ping([u8; 8]),
    /// These bytes have come back.
    Pong([u8; 8]),
    /// The connection ends.
    Goodbye(Goodbye),
    /// There is a newer guest.
    Stale,
}

impl Control {
    /// Returns a ping as it is sent.
    #[cfg(test)]
    pub(crate) fn ping(bytes: [u8; 8]) -> Bytes {
        encode(PING, &bytes)
    }

    /// Returns the answer to a ping as it is sent.
    pub(crate) fn pong(bytes: [u8; 8]) -> Bytes {
        encode(PONG, &bytes)
    }

    /// Returns the name of a kind, and whether the page may send it, and the server.
    pub(super) fn name_of(kind: u8) -> Option<(&'static str, bool, bool)> {
        Some(match kind {
            Hello::KIND => ("hello", true, false),
            <Welcome>::KIND => ("welcome", false, true),
            Resume::KIND => ("resume", true, false),
            Resumed::KIND => ("resumed", false, true),
            Refused::KIND => ("refused", false, true),
            PING => ("ping", true, true),
            PONG => ("pong", true, true),
            Goodbye::KIND => ("goodbye", true, true),
            Stale::KIND => ("stale", false, true),
            _ => return None,
        })
    }

    /// Reads the body of a frame of a kind that [`name_of`](Self::name_of) knows.
    pub(super) fn read(kind: u8, name: &str, body: &[u8]) -> Result<Self, WireError> {
        Ok(match kind {
            Hello::KIND => Self::Hello(json(name, body)?),
            <Welcome>::KIND => Self::Welcome(json(name, body)?),
            Resume::KIND => Self::Resume(json(name, body)?),
            Resumed::KIND => Self::Resumed(json(name, body)?),
            Refused::KIND => Self::Refused(json(name, body)?),
            PING => Self::Ping(eight(name, body)?),
            PONG => Self::Pong(eight(name, body)?),
            Goodbye::KIND => Self::Goodbye(json(name, body)?),
            _ => {
                let Stale {} = json(name, body)?;
                Self::Stale
            }
        })
    }
}

fn json<T: DeserializeOwned>(name: &str, body: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(body)
        .map_err(|error| WireError::protocol(format!("A '{name}' frame cannot be read: {error}.")))
}

fn eight(name: &str, body: &[u8]) -> Result<[u8; 8], WireError> {
    let length = body.len();
    body.try_into()
        .map_err(|_| WireError::protocol(format!("A '{name}' frame has {length} bytes, and it must have 8.")))
}
