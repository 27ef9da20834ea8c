//! A page of `dotwit.v1`, as far as the tests need one: what it says first, calls, and what it hears.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::socket::{Received, Socket};

/// A page with a socket.
pub(crate) struct Page {
    pub(crate) socket: Socket,
    /// How many counted frames it has sent, and received.
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// The last welcome or resumed: the circuit and its secret.
    pub(crate) circuit: String,
    pub(crate) secret: String,
    calls: u64,
}

/// A frame of the server.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A control frame with a JSON body: its kind, and what it says.
    Control(&'static str, Value),
    /// A call has ended, well or with the kind of an error.
    End(u64, Result<String, u8>),
    /// Another frame.
    Other,
    /// The server has closed the socket.
    Closed(Option<u16>),
    Gone,
}

/// The head of a request that is let in.
pub(crate) fn head(address: SocketAddr) -> Vec<(String, String)> {
    let line = |name: &str, value: String| (name.to_owned(), value);
    vec![
        line("host", address.to_string()),
        line("origin", format!("http://{address}")),
        line("connection", "Upgrade".to_owned()),
        line("upgrade", "websocket".to_owned()),
        line("sec-websocket-version", "13".to_owned()),
        line("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".to_owned()),
        line("sec-websocket-protocol", "dotwit.v1".to_owned()),
    ]
}

/// Writes the head of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(String, String)]) -> Vec<u8> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{lines}\r\n").into_bytes()
}

/// Where circuits are opened.
pub(crate) const PATH: &str = "/_dotwit/circuit";

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    varint(out, text.len() as u64);
    out.extend(text.as_bytes());
}

fn frame(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    varint(out, body.len() as u64);
    out.extend(body);
}

/// Takes a varint from the beginning of what is left.
fn take_varint(rest: &mut &[u8]) -> io::Result<u64> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let Some((&byte, left)) = rest.split_first() else { return Err(io::Error::other("a varint breaks off")) };
        *rest = left;
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
}

fn take_text(rest: &mut &[u8]) -> io::Result<String> {
    let length = usize::try_from(take_varint(rest)?).map_err(io::Error::other)?;
    let (text, left) = rest.split_at_checked(length).ok_or_else(|| io::Error::other("a text breaks off"))?;
    *rest = left;
    Ok(String::from_utf8_lossy(text).into_owned())
}

impl Page {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, sent: 0, received: 0, circuit: String::new(), secret: String::new(), calls: 0 }
    }

    /// Returns the same page with another socket.
    pub(crate) fn with(&self, socket: Socket) -> Self {
        let Self { sent, received, calls, .. } = *self;
        Self { socket, sent, received, calls, circuit: self.circuit.clone(), secret: self.secret.clone() }
    }

    /// Opens a circuit.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let (socket, status) = Socket::open(address, &request("GET", PATH, &head(address)))?;
        if status != 101 {
            return Err(io::Error::other(format!("the server answers {status}")));
        }
        let mut page = Self::new(socket);
        page.hello()?;
        Ok(page)
    }

    /// Says hello, and hears the welcome.
    pub(crate) fn hello(&mut self) -> io::Result<()> {
        self.control(64, &json!({ "client": "hostile", "features": [] }))?;
        self.welcomed()
    }

    /// Comes back to a circuit, with its secret and the number of the last frame that was received.
    pub(crate) fn resume(&mut self, circuit: &str, secret: &str, received: u64) -> io::Result<()> {
        self.control(66, &json!({ "circuit": circuit, "secret": secret, "received": received }))
    }

    /// Hears a welcome or a resumed.
    pub(crate) fn welcomed(&mut self) -> io::Result<()> {
        match self.hear()?.pop() {
            Some(Heard::Control("welcome" | "resumed", body)) => {
                let text = |key: &str| body[key].as_str().map(str::to_owned);
                self.circuit = text("circuit").unwrap_or_else(|| self.circuit.clone());
                self.secret = text("secret").unwrap_or_default();
                Ok(())
            }
            other => Err(io::Error::other(format!("the server says {other:?} in place of a welcome"))),
        }
    }

    /// Sends a message as it is. Its counted frames count, as far as it has any.
    pub(crate) fn message(&mut self, message: &[u8]) -> io::Result<()> {
        let mut rest = message;
        if let (Ok(_), Ok(first)) = (take_varint(&mut rest), take_varint(&mut rest)) {
            let mut next = first;
            while let Some((&kind, mut body)) = rest.split_first() {
                let Ok(length) = take_varint(&mut body) else { break };
                rest = usize::try_from(length).ok().and_then(|length| body.get(length..)).unwrap_or_default();
                next += u64::from(kind < 64);
            }
            self.sent = self.sent.max(next.saturating_sub(1));
        }
        self.socket.binary(message)
    }

    /// Sends a control frame.
    pub(crate) fn control(&mut self, kind: u8, body: &Value) -> io::Result<()> {
        let mut message = Vec::new();
        varint(&mut message, self.received);
        varint(&mut message, self.sent + 1);
        frame(&mut message, kind, body.to_string().as_bytes());
        self.socket.binary(&message)
    }

    /// Sends calls of a method of the test's guest, `batch` in one message. Returns the id of the first.
    pub(crate) fn call(&mut self, method: &str, args: &Value, times: u64, batch: u64) -> io::Result<u64> {
        let first = self.calls + 1;
        let mut left = times;
        while left > 0 {
            let mut message = Vec::new();
            varint(&mut message, self.received);
            varint(&mut message, self.sent + 1);
            for _ in 0..left.min(batch) {
                self.calls += 1;
                self.sent += 1;
                let mut body = Vec::new();
                varint(&mut body, self.calls);
                body.push(0);
                text(&mut body, "TestGuest");
                text(&mut body, method);
                text(&mut body, &args.to_string());
                body.push(0);
                frame(&mut message, 1, &body);
            }
            left = left.saturating_sub(batch);
            self.socket.binary(&message)?;
        }
        Ok(first)
    }

    /// Calls a method that adds, and hears the sum.
    pub(crate) fn add(&mut self) -> io::Result<()> {
        let call = self.call("Add", &json!([20, 22]), 1, 1)?;
        loop {
            for heard in self.hear()? {
                match heard {
                    Heard::End(ended, Ok(sum)) if ended == call && sum == "42" => return Ok(()),
                    // Of calls before this one.
                    Heard::End(ended, _) if ended < call => {}
                    Heard::Other => {}
                    other => return Err(io::Error::other(format!("a call is answered by {other:?}"))),
                }
            }
        }
    }

    /// Hears the frames of the next message, which may be none.
    pub(crate) fn hear(&mut self) -> io::Result<Vec<Heard>> {
        let message = match self.socket.receive()? {
            Received::Binary(message) => message,
            Received::Close(code) => return Ok(vec![Heard::Closed(code)]),
            Received::Gone => return Ok(vec![Heard::Gone]),
        };
        let mut rest = message.as_slice();
        let (ack, first) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
        if ack > self.sent {
            return Err(io::Error::other(format!("frame {ack} is acknowledged, and {} were sent", self.sent)));
        }
        let mut number = first;
        let mut heard = Vec::new();
        while let Some((&kind, left)) = rest.split_first() {
            rest = left;
            let length = usize::try_from(take_varint(&mut rest)?).map_err(io::Error::other)?;
            let (body, left) = rest.split_at_checked(length).ok_or_else(|| io::Error::other("a frame breaks off"))?;
            rest = left;
            let control = |name| Ok::<_, io::Error>(Heard::Control(name, serde_json::from_slice(body)?));
            heard.push(match kind {
                65 => control("welcome")?,
                67 => control("resumed")?,
                68 => control("refused")?,
                71 => control("goodbye")?,
                33..=63 => {
                    if number > self.received + 1 {
                        return Err(io::Error::other("the server leaves frames out"));
                    }
                    self.received = self.received.max(number);
                    number += 1;
                    if kind == 33 { ended(body)? } else { Heard::Other }
                }
                _ => Heard::Other,
            });
        }
        Ok(heard)
    }
}

/// Reads an `end`.
fn ended(mut body: &[u8]) -> io::Result<Heard> {
    let call = take_varint(&mut body)?;
    let Some((outcome, mut rest)) = body.split_first() else { return Err(io::Error::other("an end has no outcome")) };
    if *outcome == 0 {
        return Ok(Heard::End(call, Ok(take_text(&mut rest)?)));
    }
    let kind = rest.first().copied().ok_or_else(|| io::Error::other("an error has no kind"))?;
    Ok(Heard::End(call, Err(kind)))
}
