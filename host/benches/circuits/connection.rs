//! One socket of the client, and as much of `dotwit.v1` as calls need.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Result;

const CALL: u8 = 1;
const END: u8 = 33;
const HELLO: u8 = 64;
const WELCOME: u8 = 65;
const GOODBYE: u8 = 71;

/// A socket to the echo or to a circuit.
pub(crate) struct Connection {
    socket: WebSocketStream<TcpStream>,
    /// The number of the last counted frame that came.
    received: u64,
    /// The number of the last call, which is also that of its frame.
    calls: u64,
}

impl Connection {
    /// Opens a socket to the bare echo.
    pub(crate) async fn echo(server: SocketAddr) -> Result<Self> {
        Self::open(server, "echo").await
    }

    /// Opens a circuit.
    pub(crate) async fn circuit(server: SocketAddr) -> Result<Self> {
        let mut connection = Self::open(server, "circuit").await?;
        let mut hello = vec![0, 1];
        push_frame(&mut hello, HELLO, br#"{"client":"bench","features":[]}"#);
        connection.send(hello).await?;
        let welcome = connection.receive().await?;
        match welcome.get(2) {
            Some(&WELCOME) => Ok(connection),
            _ => Err(format!("no welcome: {}", String::from_utf8_lossy(&welcome)).into()),
        }
    }

    async fn open(server: SocketAddr, path: &str) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{server}/{path}").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "dotwit.v1".parse()?);
        let config = WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(4 << 10);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self { socket, received: 0, calls: 0 })
    }

    /// Sends a message and waits until it is back.
    pub(crate) async fn round_trip_of_echo(&mut self, message: &Bytes) -> Result<()> {
        self.socket.send(Message::Binary(message.clone())).await?;
        let returned = self.receive().await?;
        if returned == *message { Ok(()) } else { Err("the echo returned something else".into()) }
    }

    /// Begins a call.
    pub(crate) async fn begin(&mut self, assembly: &str, method: &str, args: &str) -> Result<()> {
        self.calls += 1;
        let message = call(self.received, self.calls, assembly, method, args);
        self.send(message).await
    }

    /// Makes a call and waits until it has ended well.
    pub(crate) async fn call(&mut self, assembly: &str, method: &str, args: &str) -> Result<()> {
        self.begin(assembly, method, args).await?;
        loop {
            let message = self.receive().await?;
            if self.has_ended(&message)? {
                return Ok(());
            }
        }
    }

    /// Reads a message of the server. Returns whether the last call has ended in it.
    fn has_ended(&mut self, message: &[u8]) -> Result<bool> {
        let mut rest = message;
        let _acknowledged = varint(&mut rest)?;
        let mut number = varint(&mut rest)?;
        let mut ended = false;
        while let Some((&kind, after)) = rest.split_first() {
            rest = after;
            let length = usize::try_from(varint(&mut rest)?)?;
            let (mut body, after) = rest.split_at_checked(length).ok_or("a frame is cut off")?;
            rest = after;
            match kind {
                END => {
                    let (call, outcome) = (varint(&mut body)?, body.first());
                    if call == self.calls && outcome != Some(&0) {
                        return Err(format!("the call failed: {}", String::from_utf8_lossy(body)).into());
                    }
                    ended |= call == self.calls;
                }
                GOODBYE => return Err(format!("goodbye: {}", String::from_utf8_lossy(body)).into()),
                _ => {}
            }
            if kind < HELLO {
                self.received = self.received.max(number);
                number += 1;
            }
        }
        Ok(ended)
    }

    async fn send(&mut self, message: Vec<u8>) -> Result<()> {
        Ok(self.socket.send(Message::Binary(message.into())).await?)
    }

    /// Receives the next binary message, and answers pings.
    async fn receive(&mut self) -> Result<Bytes> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Close(frame))) => {
                    return Err(format!("the server closed the socket: {frame:?}").into());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err("the server closed the socket".into()),
            }
        }
    }

    /// Answers pings until the socket is closed.
    pub(crate) async fn idle(mut self) {
        while let Some(Ok(message)) = self.socket.next().await {
            // The answer to a ping is written with the next read.
            drop(message);
        }
    }
}

/// Returns the message of one call.
pub(crate) fn call(received: u64, call: u64, assembly: &str, method: &str, args: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(64);
    push_varint(&mut body, call);
    body.push(0);
    push_text(&mut body, assembly);
    push_text(&mut body, method);
    push_text(&mut body, args);
    // No byte arrays.
    body.push(0);
    let mut message = Vec::with_capacity(body.len() + 16);
    push_varint(&mut message, received);
    push_varint(&mut message, call);
    push_frame(&mut message, CALL, &body);
    message
}

fn push_frame(message: &mut Vec<u8>, kind: u8, body: &[u8]) {
    message.push(kind);
    push_varint(message, body.len() as u64);
    message.extend_from_slice(body);
}

fn push_text(body: &mut Vec<u8>, text: &str) {
    push_varint(body, text.len() as u64);
    body.extend_from_slice(text.as_bytes());
}

fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for shift in (0..56).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or("a number is cut off")?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err("a number is too long".into())
}
