//! The page at the other end.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use axum::http::Request as HttpRequest;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::Config;
use crate::contract::message::{Message as Args, Target};
use crate::engine::Runtime;
use crate::guest::Guest;
use crate::server::circuit::inbox::{Accepted, Inbox};
use crate::server::circuit::outbox::Outbox;
use crate::server::circuits::Circuits;
use crate::server::handshake;
use crate::server::handshakes::Handshakes;
use crate::server::options::CircuitOptions;
use crate::server::proxy::Source;
use crate::server::shared::Shared;
use crate::server::upgrade::Client;
use crate::server::wire::{
    Control, ControlBody, CountedFrame, Frame, Hello, PageFrame, Resume, Resumed, ServerFrame, SocketMessage, Welcome,
    WireLimits, write_message,
};

/// How long a test waits for what must come. It is there to end a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the page sends may be larger than the server allows.
const LIMITS: WireLimits = WireLimits { message: 8 << 20, control: 8 << 20 };

/// Returns the guest of tests.
pub(super) fn guest(config: Config) -> Guest {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/wasm32-wasip2/release/test_guest.wasm");
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask guests`", path.display()))
    });
    Runtime::new(config).unwrap().load_bytes("test-guest", bytes).unwrap()
}

/// Returns circuits of that guest, which is compiled once for all tests that have no limits of their own.
pub(super) fn circuits(options: CircuitOptions) -> Circuits {
    static GUEST: OnceLock<Guest> = OnceLock::new();
    // Enough for all tests at once.
    let guest = GUEST.get_or_init(|| guest(Config::new().max_sessions(1).max_circuits(200)));
    Circuits::new(guest, options).unwrap()
}

/// Waits for what must come.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it did not come")
}

/// The server's end of a socket in memory.
struct Socket {
    sent: UnboundedSender<Message>,
    received: UnboundedReceiver<Message>,
}

impl Stream for Socket {
    type Item = Result<Message, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.received.poll_recv(cx).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for Socket {
    type Error = axum::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), axum::Error> {
        self.sent.send(message).map_err(axum::Error::new)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }
}

/// A page: its numbers, and its socket.
pub(super) struct Page {
    shared: Arc<Shared>,
    pub(super) address: IpAddr,
    inbox: Inbox,
    outbox: Outbox,
    sent: UnboundedSender<Message>,
    received: UnboundedReceiver<Message>,
    /// Frames that came together with one that was asked for.
    waiting: VecDeque<Heard>,
    pub(super) circuit: String,
    pub(super) secret: String,
    next_call: u64,
    task: JoinHandle<()>,
}

/// What the page hears.
#[derive(Debug)]
pub(super) enum Heard {
    Frame(ServerFrame),
    Control(Control),
    Closed(Option<u16>),
}

impl Page {
    /// Opens a socket on which nothing has been said.
    pub(super) fn connect(circuits: &Circuits) -> Self {
        let address = Ipv4Addr::LOCALHOST.into();
        let shared = Arc::clone(&circuits.shared);
        let (sent, received, task) = open(&shared, address);
        Self {
            shared,
            address,
            inbox: Inbox::new(1 << 20),
            outbox: Outbox::new(8 << 20),
            sent,
            received,
            waiting: VecDeque::new(),
            circuit: String::new(),
            secret: String::new(),
            next_call: 0,
            task,
        }
    }

    /// Opens a circuit.
    pub(super) async fn start(circuits: &Circuits) -> Self {
        let mut page = Self::connect(circuits);
        page.hello().await;
        page
    }

    /// Says hello, and returns the welcome.
    pub(super) async fn hello(&mut self) -> Welcome {
        let hello = Hello { client: "test".to_owned(), features: Vec::new(), token: None };
        self.say_control(&hello.encode());
        match self.control().await {
            Control::Welcome(welcome) => {
                (self.circuit, self.secret) = (welcome.circuit.clone(), welcome.secret.clone());
                *welcome
            }
            other => panic!("{other:?} in place of a welcome"),
        }
    }

    /// Loses the socket, without a word.
    pub(super) fn cut(&mut self) {
        let (sent, received) = (mpsc::unbounded_channel().0, mpsc::unbounded_channel().1);
        (self.sent, self.received) = (sent, received);
        self.waiting.clear();
    }

    /// Opens another socket, and asks on it for the circuit.
    pub(super) fn ask_to_resume(&mut self) {
        let (sent, received, task) = open(&self.shared, self.address);
        (self.sent, self.received, self.task) = (sent, received, task);
        let resume = Resume {
            circuit: self.circuit.clone(),
            secret: self.secret.clone(),
            received: self.inbox.received(),
            attempt: 0,
            token: None,
        };
        self.say_control(&resume.encode());
    }

    /// Opens another socket, resumes the circuit, and sends again what the server does not have. Returns how much the server has.
    pub(super) async fn resume(&mut self) -> u64 {
        self.ask_to_resume();
        match self.control().await {
            Control::Resumed(Resumed { secret, received }) => {
                self.secret = secret;
                self.outbox.rewind(received).unwrap();
                self.flush();
                received
            }
            other => panic!("{other:?} in place of a 'resumed'"),
        }
    }

    /// Sends a counted frame.
    pub(super) fn say(&mut self, frame: &PageFrame) {
        self.say_together([frame]);
    }

    /// Sends counted frames in one message.
    pub(super) fn say_together<'f>(&mut self, frames: impl IntoIterator<Item = &'f PageFrame>) {
        for frame in frames {
            self.outbox.push(frame.encode(&LIMITS).unwrap()).unwrap();
        }
        self.flush();
    }

    fn flush(&mut self) {
        while self.outbox.has_unsent() {
            let message = self.outbox.next_message(self.inbox.acknowledge(), 1 << 20).unwrap();
            self.raw(message);
        }
    }

    /// Sends a control frame.
    pub(super) fn say_control(&mut self, frame: &Bytes) {
        let message = write_message(self.inbox.acknowledge(), self.outbox.last() + 1, std::iter::once(frame));
        self.raw(message);
    }

    /// Says what it has received, and nothing else.
    pub(super) fn acknowledge(&mut self) {
        let message = self.outbox.message_beside(self.inbox.acknowledge(), None);
        self.raw(message);
    }

    /// Sends a message. It may be lost.
    pub(super) fn raw(&mut self, message: Bytes) {
        self.say_message(Message::Binary(message));
    }

    pub(super) fn say_message(&mut self, message: Message) {
        let _ = self.sent.send(message);
    }

    /// Begins a call, and returns its number.
    pub(super) fn begin(&mut self, method: &str, args: &str) -> u64 {
        self.next_call += 1;
        let (call, target) = (self.next_call, Target::from("TestGuest"));
        let (method, args) = (method.to_owned(), Args::from_json(args));
        self.say(&PageFrame::Call { call, target, method, args });
        call
    }

    /// Calls a method, and returns its result, or the error's kind and message.
    pub(super) async fn call(&mut self, method: &str, args: &str) -> Result<String, String> {
        let call = self.begin(method, args);
        self.end(call).await
    }

    /// Waits for the end of a call, past other frames.
    pub(super) async fn end(&mut self, expected: u64) -> Result<String, String> {
        loop {
            match self.frame().await {
                ServerFrame::End { call, outcome } if call == expected => {
                    return outcome
                        .map(|message| message.json)
                        .map_err(|error| format!("{}: {}", error.kind(), error.message()));
                }
                ServerFrame::Trapped { error } => return Err(format!("{}: {}", error.kind(), error.message())),
                _ => {}
            }
        }
    }

    /// Waits for the next counted frame.
    pub(super) async fn frame(&mut self) -> ServerFrame {
        loop {
            match self.hear().await {
                Heard::Frame(frame) => return frame,
                Heard::Control(Control::Ping(_) | Control::Pong(_)) => {}
                other => panic!("{other:?} in place of a frame"),
            }
        }
    }

    /// Waits for the next control frame.
    pub(super) async fn control(&mut self) -> Control {
        match self.hear().await {
            Heard::Control(control) => control,
            other => panic!("{other:?} in place of a control frame"),
        }
    }

    /// Waits for whatever comes next. What has come before is dropped.
    pub(super) async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.waiting.pop_front() {
                return heard;
            }
            match soon(self.received.recv()).await {
                Some(Message::Binary(bytes)) => self.take(bytes),
                Some(Message::Close(close)) => return Heard::Closed(close.map(|CloseFrame { code, .. }| code)),
                Some(Message::Ping(_)) => self.say_message(Message::Pong(Bytes::new())),
                Some(_) => {}
                None => return Heard::Closed(None),
            }
        }
    }

    fn take(&mut self, bytes: Bytes) {
        let message = SocketMessage::<ServerFrame>::read(bytes, LIMITS).unwrap();
        self.outbox.acknowledge(message.ack).unwrap();
        for frame in message.frames {
            match frame.unwrap() {
                Frame::Counted { number, size, frame } => {
                    if self.inbox.accept(number, size, std::time::Instant::now()).unwrap() == Accepted::New {
                        self.waiting.push_back(Heard::Frame(frame));
                    }
                }
                Frame::Control(control) => self.waiting.push_back(Heard::Control(control)),
            }
        }
    }

    /// Waits for the end of the server's task for this socket.
    pub(super) async fn served(&mut self) {
        soon(&mut self.task).await.unwrap();
    }
}

/// Opens a socket in memory, and has the server serve it.
fn open(
    shared: &Arc<Shared>,
    address: IpAddr,
) -> (UnboundedSender<Message>, UnboundedReceiver<Message>, JoinHandle<()>) {
    let (sent, received) = mpsc::unbounded_channel();
    let (answered, answers) = mpsc::unbounded_channel();
    let (request, ()) = HttpRequest::new(()).into_parts();
    let source = Source { address, secure: false, host: "localhost".to_owned(), prefix: String::new() };
    let handshake = Handshakes::new(8, 8).begin(address).unwrap();
    let client = Client { source, origin: None, request, _handshake: handshake };
    let task = tokio::spawn(handshake::serve(Arc::clone(shared), Socket { sent: answered, received }, client));
    (sent, answers, task)
}
