//! A client of WebSocket that can do everything wrong: it writes its requests and frames byte by byte.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes so long on any machine.
const GUARD: Duration = Duration::from_secs(60);

/// The mask of what is sent: zeros, so that what is sent is what one reads in a file.
const MASK: [u8; 4] = [0; 4];

/// An open connection.
pub(crate) struct Socket {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What a server sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Binary(Vec<u8>),
    /// A close, with its code.
    Close(Option<u16>),
    /// The connection is gone without a close.
    Gone,
}

impl Socket {
    /// Opens a connection, and sends what should be the head of a request. Returns the status of the answer, or 0 if the connection is
    /// closed without any.
    pub(crate) fn open(address: SocketAddr, head: &[u8]) -> io::Result<(Self, u16)> {
        let mut socket = Self::connect(address)?;
        socket.raw(head)?;
        let status = socket.answer()?;
        Ok((socket, status))
    }

    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(GUARD))?;
        stream.set_write_timeout(Some(GUARD))?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Reads the head of an answer, and returns its status.
    fn answer(&mut self) -> io::Result<u16> {
        loop {
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.received[..end + 2]).into_owned();
                self.received.drain(..end + 4);
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                let head_lines = head.to_ascii_lowercase();
                if head_lines.contains("sec-websocket-extensions") {
                    return Err(io::Error::other("the server takes an extension of WebSocket"));
                }
                if status == Some(101) && !head_lines.contains("sec-websocket-protocol: dotwit.v1\r\n") {
                    return Err(io::Error::other("the server does not name its subprotocol"));
                }
                return status.ok_or_else(|| io::Error::other(format!("{head:?} has no status")));
            }
            if self.fill()? == 0 {
                return Ok(0);
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 16 << 10];
        let count = self.stream.read(&mut bytes)?;
        self.received.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a message in one frame.
    pub(crate) fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload);
        self.raw(&frame)
    }

    /// Sends a binary message.
    pub(crate) fn binary(&mut self, payload: &[u8]) -> io::Result<()> {
        self.send(2, payload)
    }

    /// Receives what the server sends next, but for its pings.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        loop {
            if let Some((opcode, payload)) = self.take_frame() {
                match opcode {
                    2 => return Ok(Received::Binary(payload)),
                    8 => {
                        return Ok(Received::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))));
                    }
                    9 => self.send(10, &payload)?,
                    10 => {}
                    other => return Err(io::Error::other(format!("a server does not send the opcode {other}"))),
                }
                continue;
            }
            match self.fill() {
                Ok(0) => return Ok(Received::Gone),
                Ok(_) => {}
                // The server need not read what a hostile client still sends.
                Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
                    return Ok(Received::Gone);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a whole frame out of what was received. A server does not mask, and ours does not split messages.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, second, rest @ ..] = self.received.as_slice() else { return None };
        let (length, header) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
            127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?, 10),
            length => (usize::from(length), 2),
        };
        let opcode = first & 0x0f;
        let payload = self.received.get(header..header + length)?.to_vec();
        self.received.drain(..header + length);
        Some((opcode, payload))
    }
}
