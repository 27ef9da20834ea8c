//! An attack, as its file has it, and its making.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use dotwit_host::ErrorKind;
use dotwit_host::server::Circuits;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::GUARD;
use super::page::{Heard, PATH, Page, head, request};
use super::socket::Socket;

/// A file. `tests/circuit/README.md` says what it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Attack {
    #[expect(dead_code, reason = "for people")]
    about: String,
    #[serde(default)]
    pub(crate) options: Options,
    #[serde(default)]
    request: Request,
    /// The status that the request gets; 0 where the connection is closed without any.
    #[serde(default = "switching")]
    status: u16,
    /// Whether it takes so long that once is enough.
    #[serde(default)]
    pub(crate) slow: bool,
    #[serde(default)]
    steps: Vec<Step>,
    /// What the last control frame before the close says.
    says: Option<Map<String, Value>>,
    /// The code of the close; without it, the circuit goes on.
    close: Option<u16>,
}

fn switching() -> u16 {
    101
}

/// Options of the server: times in milliseconds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Options {
    pub(crate) hello_time: Option<u64>,
    pub(crate) retention: Option<u64>,
    pub(crate) overrun: Option<u64>,
    pub(crate) frame_rate: Option<u32>,
    pub(crate) handshakes: Option<usize>,
    pub(crate) waiting: Option<usize>,
    pub(crate) waiting_grace: Option<u64>,
}

/// What is not as it should be in the request.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: Option<String>,
    path: Option<String>,
    /// Headers in place of those of a good request: none, one or several. `{host}` is the server's address.
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    /// How many bytes another header has.
    padding: Option<usize>,
    /// How many bytes of the head are sent; all, where it is not given.
    sent: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Step {
    /// Says hello and hears the welcome.
    Hello,
    /// Sends a message.
    Message(Bytes),
    /// Sends one message again and again.
    Messages { bytes: Bytes, times: usize },
    /// Sends a text message.
    Text(String),
    /// Sends bytes that should be frames of WebSocket.
    Raw(Bytes),
    /// Calls a method without hearing what becomes of it.
    Call { method: String, args: Value, times: u64, batch: u64 },
    /// Hears until so many calls have ended with this kind, or `ok`.
    Ends { kind: String, times: usize },
    /// Calls and hears the result.
    Answers,
    /// Opens so many more sockets, which get these statuses, and keeps them.
    Sockets { times: usize, status: u16 },
    /// Opens circuits of so many other pages, which stay until the attack has ended.
    Pages(usize),
    /// Closes the connection without a word, and opens another.
    Cut,
    /// Opens another connection, and keeps the former.
    Reconnect,
    /// Comes back on the new connection, with a secret and the number of the last frame that was received.
    Resume { secret: Secret, received: Option<u64>, circuit: Option<String> },
    /// Hears that it is back.
    Resumed,
    /// Hears that the former connection was closed with this code.
    FormerClosed(u16),
    /// Waits until the circuit is gone, without hearing anything.
    Gone,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Secret {
    Current,
    Former,
    Wrong,
}

/// Bytes as vectors write them: digits, or a list of digits and repetitions.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Digits(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Digits(String),
    Run { repeat: String, times: usize },
}

impl Bytes {
    fn get(&self) -> Vec<u8> {
        let digits = |text: &str| -> Vec<u8> {
            let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("it is hexadecimal");
            (0..text.len()).step_by(2).map(digit).collect()
        };
        match self {
            Self::Digits(text) => digits(text),
            Self::Parts(parts) => parts
                .iter()
                .flat_map(|part| match part {
                    Part::Digits(text) => digits(text),
                    Part::Run { repeat, times } => digits(repeat).repeat(*times),
                })
                .collect(),
        }
    }
}

/// Makes an attack, beside a neighbour that is answered during each step.
pub(crate) fn make(attack: &Attack, address: SocketAddr, circuits: &Circuits) -> Result<(), String> {
    let mut neighbour = Page::open(address).map_err(|error| format!("the neighbour has no circuit: {error}"))?;
    let mut ask =
        |when: &str| neighbour.add().map_err(|error| format!("the neighbour is not answered {when}: {error}"));
    ask("before")?;
    let (socket, status) = Socket::open(address, &attack.request.head(address)).map_err(|error| error.to_string())?;
    if status != attack.status {
        return Err(format!("the request gets the status {status}, and {} was expected", attack.status));
    }
    ask("after the request")?;
    if status == switching() {
        let mut attacker = Attacker {
            address,
            circuits,
            page: Page::new(socket),
            former: None,
            secrets: Vec::new(),
            others: Vec::new(),
            pages: Vec::new(),
        };
        for (index, step) in attack.steps.iter().enumerate() {
            let failed = |error: io::Error| format!("step {}: {error}", index + 1);
            attacker.step(step).map_err(failed)?;
            ask(&format!("after step {}", index + 1))?;
        }
        attacker.end(attack).map_err(|error| error.to_string())?;
    }
    ask("afterwards")?;
    alone(circuits).map_err(|error| error.to_string())
}

/// Waits until the neighbour's circuit is the only one.
fn alone(circuits: &Circuits) -> io::Result<()> {
    let until = Instant::now() + GUARD;
    while circuits.count() > 1 {
        if Instant::now() > until {
            return Err(io::Error::other(format!("{} circuits are left beside the neighbour's", circuits.count() - 1)));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

impl Request {
    fn head(&self, address: SocketAddr) -> Vec<u8> {
        let mut headers = head(address);
        headers.retain(|(name, _)| !self.headers.contains_key(name));
        for (name, value) in &self.headers {
            let values = match value {
                Value::Null => Vec::new(),
                Value::Array(values) => values.clone(),
                other => vec![other.clone()],
            };
            let text = |value: &Value| value.as_str().unwrap_or_default().replace("{host}", &address.to_string());
            headers.extend(values.iter().map(|value| (name.clone(), text(value))));
        }
        headers.extend(self.padding.map(|length| ("x-padding".to_owned(), "x".repeat(length))));
        let mut head = request(self.method.as_deref().unwrap_or("GET"), self.path.as_deref().unwrap_or(PATH), &headers);
        head.truncate(self.sent.unwrap_or(head.len()));
        head
    }
}

/// The attacker, between two steps.
struct Attacker<'a> {
    address: SocketAddr,
    circuits: &'a Circuits,
    page: Page,
    former: Option<Page>,
    /// The secrets that it has had.
    secrets: Vec<String>,
    others: Vec<Socket>,
    pages: Vec<Page>,
}

impl Attacker<'_> {
    fn step(&mut self, step: &Step) -> io::Result<()> {
        let page = &mut self.page;
        match step {
            Step::Hello => {
                page.hello()?;
                self.secrets.push(page.secret.clone());
            }
            Step::Message(bytes) => page.message(&bytes.get())?,
            Step::Messages { bytes, times } => {
                let bytes = bytes.get();
                (0..*times).try_for_each(|_| page.message(&bytes))?;
            }
            Step::Text(text) => page.socket.send(1, text.as_bytes())?,
            Step::Raw(bytes) => page.socket.raw(&bytes.get())?,
            Step::Call { method, args, times, batch } => {
                page.call(method, args, *times, *batch)?;
            }
            Step::Ends { kind, times } => self.ends(kind, *times)?,
            Step::Answers => page.add()?,
            Step::Sockets { times, status } => {
                for _ in 0..*times {
                    let (socket, answer) = Socket::open(self.address, &Request::default().head(self.address))?;
                    if answer != *status {
                        return Err(io::Error::other(format!("a socket gets the status {answer}")));
                    }
                    self.others.push(socket);
                }
            }
            Step::Pages(times) => {
                for _ in 0..*times {
                    self.pages.push(Page::open(self.address)?);
                }
            }
            Step::Cut => {
                self.reconnect()?;
                self.former = None;
            }
            Step::Reconnect => self.reconnect()?,
            Step::Resume { secret, received, circuit } => {
                let secret = match secret {
                    Secret::Current => self.secrets.last(),
                    Secret::Former => self.secrets.iter().nth_back(1),
                    Secret::Wrong => None,
                };
                let secret = secret.cloned().unwrap_or_else(|| "AAAAAAAAAAAAAAAAAAAAAA".to_owned());
                let circuit = circuit.clone().unwrap_or_else(|| page.circuit.clone());
                page.resume(&circuit, &secret, received.unwrap_or(page.received))?;
            }
            Step::Resumed => {
                page.welcomed()?;
                self.secrets.push(page.secret.clone());
            }
            Step::FormerClosed(code) => {
                let former = self.former.as_mut().ok_or_else(|| io::Error::other("there is no former connection"))?;
                let (_, closed) = last_words(former)?;
                if closed != Some(*code) {
                    return Err(io::Error::other(format!("the former connection was closed with {closed:?}")));
                }
            }
            Step::Gone => alone(self.circuits)?,
        }
        Ok(())
    }

    /// Opens a connection on which the circuit may be resumed.
    fn reconnect(&mut self) -> io::Result<()> {
        let (socket, status) = Socket::open(self.address, &Request::default().head(self.address))?;
        if status != switching() {
            return Err(io::Error::other(format!("the new connection gets the status {status}")));
        }
        let next = self.page.with(socket);
        self.former = Some(std::mem::replace(&mut self.page, next));
        Ok(())
    }

    fn ends(&mut self, kind: &str, times: usize) -> io::Result<()> {
        let kinds = [
            ErrorKind::NoSuchAssembly,
            ErrorKind::NoSuchMethod,
            ErrorKind::NoSuchObject,
            ErrorKind::BadArguments,
            ErrorKind::Failed,
            ErrorKind::GuestTrapped,
            ErrorKind::Cancelled,
            ErrorKind::TimedOut,
            ErrorKind::TooLarge,
            ErrorKind::TooMany,
        ];
        let mut count = 0;
        while count < times {
            for heard in self.page.hear()? {
                let is_it = match &heard {
                    Heard::End(_, Ok(_)) => kind == "ok",
                    Heard::End(_, Err(index)) => {
                        kinds.get(usize::from(*index)).is_some_and(|found| found.as_str() == kind)
                    }
                    Heard::Other => continue,
                    other => {
                        return Err(io::Error::other(format!("{count} calls have ended so, and then comes {other:?}")));
                    }
                };
                if !is_it {
                    return Err(io::Error::other(format!("a call has ended with {heard:?}")));
                }
                count += 1;
            }
        }
        Ok(())
    }

    /// Hears what the attack comes to, and leaves nothing behind.
    fn end(mut self, attack: &Attack) -> io::Result<()> {
        let Some(code) = attack.close else {
            // It has done no harm, and goes as one should.
            self.page.control(71, &json!({ "kind": "disconnected", "message": "", "then": "end" }))?;
            let (_, closed) = last_words(&mut self.page)?;
            return match closed {
                Some(1000) => Ok(()),
                other => Err(io::Error::other(format!("a goodbye is answered with {other:?}"))),
            };
        };
        let (said, closed) = last_words(&mut self.page)?;
        if closed != Some(code) {
            return Err(io::Error::other(format!("the close has {closed:?} after {said:?}, and {code} was expected")));
        }
        let (frame, body) = said.map_or((None, Value::Null), |(frame, body)| (Some(frame), body));
        for (key, expected) in attack.says.iter().flatten() {
            let found = if key == "frame" { frame.into() } else { body[key].clone() };
            if found != *expected {
                return Err(io::Error::other(format!(
                    "the server says {frame:?} {body}, and {key} should be {expected}"
                )));
            }
        }
        match attack.says.is_some() == frame.is_some() {
            true => Ok(()),
            false => Err(io::Error::other(format!("the server says {frame:?} {body}"))),
        }
    }
}

/// The last control frame before a close, with its name.
type Said = Option<(&'static str, Value)>;

/// Hears a page until its socket is closed: what was said last, and the code.
fn last_words(page: &mut Page) -> io::Result<(Said, Option<u16>)> {
    let mut said = None;
    loop {
        for heard in page.hear()? {
            match heard {
                Heard::Control(name, body) => said = Some((name, body)),
                Heard::Closed(code) => return Ok((said, code)),
                Heard::Gone => return Ok((said, None)),
                Heard::End(..) | Heard::Other => {}
            }
        }
    }
}
