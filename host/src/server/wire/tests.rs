//! The vectors that JavaScript reads as well, in `tests/circuit/vectors`, and what they leave out.

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::contract::message::{Message, Target};
use crate::contract::request::{Operation, Request, ResultType};
use crate::error::{Error, ErrorKind};

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/circuit/vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Reads bytes as the vectors write them: digits, or a list of digits and repetitions.
fn bytes(value: &Value) -> Vec<u8> {
    let digits = |text: &Value| -> Vec<u8> {
        let text = text.as_str().unwrap();
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let Some(parts) = value.as_array() else { return digits(value) };
    let part = |part: &Value| match part.get("repeat") {
        Some(repeated) => digits(repeated).repeat(part["times"].as_u64().unwrap().try_into().unwrap()),
        None => digits(part),
    };
    parts.iter().flat_map(part).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A frame in the words of the vectors.
trait Words {
    fn words(&self) -> Value;
}

impl Words for Message {
    fn words(&self) -> Value {
        json!({ "json": self.json, "bytes": self.bytes.iter().map(|array| hex(array)).collect::<Vec<_>>() })
    }
}

impl Words for Vec<u8> {
    fn words(&self) -> Value {
        hex(self).into()
    }
}

impl Words for () {
    fn words(&self) -> Value {
        Value::Null
    }
}

impl Words for Error {
    fn words(&self) -> Value {
        let mut words = json!({ "kind": self.kind().as_str(), "message": self.message() });
        if let Some(detail) = self.detail() {
            words["detail"] = detail.into();
        }
        words
    }
}

impl<T: Words> Words for Result<T, Error> {
    fn words(&self) -> Value {
        match self {
            Ok(value) => json!({ "ok": value.words() }),
            Err(error) => json!({ "error": error.words() }),
        }
    }
}

fn releases<T: Copy + Into<Value>>(objects: &[(T, u32)]) -> Value {
    objects.iter().map(|&(object, times)| json!({ "object": object.into(), "times": times })).collect()
}

impl Words for PageFrame {
    fn words(&self) -> Value {
        let kind = self.name();
        match self {
            Self::Call { call, target, method, args } => {
                let target = match target {
                    Target::Assembly(assembly) => json!({ "assembly": assembly }),
                    Target::Object(object) => json!({ "object": object }),
                };
                json!({ "kind": kind, "call": call, "target": target, "method": method, "args": args.words() })
            }
            Self::Cancel { call } => json!({ "kind": kind, "call": call }),
            Self::PageEnd { id, outcome } => json!({ "kind": kind, "id": id, "outcome": outcome.words() }),
            Self::Release { object } => json!({ "kind": kind, "object": object }),
            Self::Forget { objects } => json!({ "kind": kind, "objects": releases(objects) }),
            Self::Credit { stream, bytes } => json!({ "kind": kind, "stream": stream, "bytes": bytes }),
            Self::Close { stream } => json!({ "kind": kind, "stream": stream }),
            Self::PageData { id, outcome } => json!({ "kind": kind, "id": id, "outcome": outcome.words() }),
        }
    }
}

impl Words for ServerFrame {
    fn words(&self) -> Value {
        let kind = self.name();
        match self {
            Self::End { call, outcome } => json!({ "kind": kind, "call": call, "outcome": outcome.words() }),
            Self::PageCall { id, request } => {
                let operation = match request.operation {
                    Operation::Call => "call",
                    Operation::Construct => "construct",
                    Operation::Get => "get",
                    Operation::Set => "set",
                };
                let want = match request.result_type {
                    ResultType::Json => "json",
                    ResultType::Object => "object",
                    ResultType::Stream => "stream",
                    ResultType::Nothing => "nothing",
                };
                let Request { target, identifier, args, .. } = request;
                json!({
                    "kind": kind, "id": id, "object": target, "identifier": identifier, "operation": operation,
                    "want": want, "args": args.words()
                })
            }
            Self::PageCancel { id } => json!({ "kind": kind, "id": id }),
            Self::PageRelease { objects } => json!({ "kind": kind, "objects": releases(objects) }),
            Self::Data { stream, bytes } => json!({ "kind": kind, "stream": stream, "bytes": hex(bytes) }),
            Self::DataEnd { stream, outcome } => json!({ "kind": kind, "stream": stream, "outcome": outcome.words() }),
            Self::PageRead { id, object, offset, length } => {
                json!({ "kind": kind, "id": id, "object": object, "offset": offset, "length": length })
            }
            Self::Trapped { error } => json!({ "kind": kind, "error": error.words() }),
        }
    }
}

impl Words for Control {
    fn words(&self) -> Value {
        let body = |kind: &str, body: Result<Value, serde_json::Error>| json!({ "kind": kind, "body": body.unwrap() });
        match self {
            Self::Hello(hello) => body("hello", serde_json::to_value(hello)),
            Self::Welcome(welcome) => body("welcome", serde_json::to_value(welcome)),
            Self::Resume(resume) => body("resume", serde_json::to_value(resume)),
            Self::Resumed(resumed) => body("resumed", serde_json::to_value(resumed)),
            Self::Refused(refused) => body("refused", serde_json::to_value(refused)),
            Self::Ping(bytes) => json!({ "kind": "ping", "bytes": hex(bytes) }),
            Self::Pong(bytes) => json!({ "kind": "pong", "bytes": hex(bytes) }),
            Self::Goodbye(goodbye) => body("goodbye", serde_json::to_value(goodbye)),
            Self::Stale => json!({ "kind": "stale", "body": {} }),
        }
    }
}

fn encode_control(control: &Control) -> Bytes {
    match control {
        Control::Hello(hello) => hello.encode(),
        Control::Welcome(welcome) => welcome.encode(),
        Control::Resume(resume) => resume.encode(),
        Control::Resumed(resumed) => resumed.encode(),
        Control::Refused(refused) => refused.encode(),
        Control::Ping(bytes) => Control::ping(*bytes),
        Control::Pong(bytes) => Control::pong(*bytes),
        Control::Goodbye(goodbye) => goodbye.encode(),
        Control::Stale => Stale {}.encode(),
    }
}

fn limits<F: CountedFrame>(message: usize) -> WireLimits {
    if F::OF_SERVER { WireLimits::of_server(message) } else { WireLimits::of_page(message) }
}

fn read_all<F: CountedFrame>(bytes: Vec<u8>, message: usize) -> Result<(u64, Vec<Frame<F>>), WireError> {
    let message = SocketMessage::<F>::read(bytes.into(), limits::<F>(message))?;
    Ok((message.ack, message.frames.collect::<Result<_, _>>()?))
}

fn words<F: CountedFrame + Words>(frame: &Frame<F>) -> Value {
    match frame {
        Frame::Counted { frame, .. } => frame.words(),
        Frame::Control(control) => control.words(),
    }
}

fn one<F: CountedFrame>(frame: &[u8]) -> Frame<F> {
    let (_, mut frames) = read_all::<F>([&[0, 1], frame].concat(), DEFAULT).unwrap();
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

/// The limit of a frame's body where a vector does not name one.
const DEFAULT: usize = 32_768;

fn check_frames<F: CountedFrame + Words>(vectors: &Value) {
    for vector in list(vectors) {
        let (name, sent) = (&vector["name"], bytes(&vector["hex"]));
        let frame = one::<F>(&sent);
        assert_eq!(words(&frame), vector["frame"], "{name}");
        match frame {
            Frame::Counted { number, size, frame } => {
                assert_eq!((number, size), (1, sent.len()), "{name}");
                assert_eq!(hex(&frame.encode(&limits::<F>(DEFAULT)).unwrap()), hex(&sent), "{name}");
            }
            Frame::Control(control) => {
                let written = one::<F>(&encode_control(&control));
                assert_eq!(words(&written), vector["frame"], "{name}, written and read");
            }
        }
    }
}

#[test]
fn frames_are_read_and_written_as_the_vectors_have_them() {
    let vectors = vectors("frames.json");
    check_frames::<PageFrame>(&vectors["page"]);
    check_frames::<ServerFrame>(&vectors["server"]);
}

#[test]
fn frames_of_younger_senders_are_read() {
    for vector in list(&vectors("frames.json")["younger"]) {
        let sent = bytes(&vector["hex"]);
        let words =
            if vector["from"] == "page" { words(&one::<PageFrame>(&sent)) } else { words(&one::<ServerFrame>(&sent)) };
        assert_eq!(words, vector["frame"], "{}", vector["name"]);
    }
}

fn check_message<F: CountedFrame + Words>(vector: &Value) {
    let name = &vector["name"];
    let (ack, frames) = read_all::<F>(bytes(&vector["hex"]), DEFAULT).unwrap();
    assert_eq!(ack, vector["ack"], "{name}");
    assert_eq!(Value::from_iter(frames.iter().map(words)), vector["frames"], "{name}");
    let numbers = frames.iter().filter_map(|frame| match frame {
        Frame::Counted { number, .. } => Some(*number),
        Frame::Control(_) => None,
    });
    let first = vector["first"].as_u64().unwrap();
    assert!(numbers.eq((first..).take(frames.iter().filter(|frame| matches!(frame, Frame::Counted { .. })).count())));
}

#[test]
fn messages_are_read_as_the_vectors_have_them() {
    for vector in list(&vectors("frames.json")["messages"]) {
        match vector["from"].as_str().unwrap() {
            "page" => check_message::<PageFrame>(vector),
            _ => check_message::<ServerFrame>(vector),
        }
    }
}

fn outcome_of(vector: &Value) -> Result<(), WireError> {
    let limit = vector["limits"]["message"].as_u64().map_or(DEFAULT, |limit| limit.try_into().unwrap());
    let sent = bytes(&vector["hex"]);
    if vector["from"] == "page" {
        read_all::<PageFrame>(sent, limit).map(drop)
    } else {
        read_all::<ServerFrame>(sent, limit).map(drop)
    }
}

#[test]
fn refused_messages_are_refused_with_their_kinds() {
    for vector in list(&vectors("refused.json")["refused"]) {
        let name = &vector["name"];
        let error = outcome_of(vector).map_or_else(|error| error, |()| panic!("{name} is read"));
        assert_eq!(error.kind().as_str(), vector["kind"], "{name}: {error}");
        let sentence = error.message();
        assert!(sentence.starts_with("A ") && sentence.ends_with('.'), "{name}: {sentence}");
    }
}

#[test]
fn the_largest_that_is_allowed_is_read() {
    for vector in list(&vectors("refused.json")["allowed"]) {
        outcome_of(vector).unwrap_or_else(|error| panic!("{}: {error}", vector["name"]));
    }
}

#[test]
fn refusals_say_what_was_wrong_and_what_was_expected() {
    let refusals = vectors("refused.json");
    let said = |name: &str| {
        let vector = list(&refusals["refused"]).iter().find(|vector| vector["name"] == name).unwrap();
        outcome_of(vector).unwrap_err().to_string()
    };
    let expected = [
        ("an ack that breaks off", "A message ends within its ack."),
        ("an ack of 2^53", "A message has the ack 9007199254740992, and 2^53 - 1 is the largest number."),
        ("a frame that is shorter than its length", "A message says that its frame has 5 bytes, and 1 follow."),
        ("a frame of the server", "A frame of the page has the kind 33, which it does not send."),
        (
            "a call of a target that is neither",
            "A 'call' frame has the target 2, where 0 is an assembly and 1 is an object.",
        ),
        ("a method of 257 bytes", "A 'call' frame has a method of 257 bytes, and 256 is the limit."),
        ("1025 byte arrays", "A 'call' frame names 1025 byte arrays, and 1024 is the limit."),
        ("a frame that is larger than its limit by a byte", "A 'call' frame has 17 bytes, and 16 is the limit."),
        (
            "a message that is larger than its limit by a byte",
            "A message of the page has 1041 bytes, and 1040 is the limit.",
        ),
        ("a ping of seven bytes", "A 'ping' frame has 7 bytes, and it must have 8."),
    ];
    for (name, sentence) in expected {
        assert_eq!(said(name), sentence, "{name}");
    }
}

#[test]
fn after_a_refusal_a_message_has_no_more_frames() {
    let limits = WireLimits::of_page(DEFAULT);
    let message = SocketMessage::<PageFrame>::read(Bytes::from_static(&[0, 1, 2, 0, 2, 1, 7]), limits).unwrap();
    assert_eq!(message.frames.map(|frame| frame.is_ok()).collect::<Vec<_>>(), [false]);
}

#[test]
fn what_is_too_large_to_send_is_not_written() {
    let end = |size| ServerFrame::End { call: 1, outcome: Ok(Message::from_json("x".repeat(size))) };
    let limits = WireLimits::of_server(100);
    // The call, the outcome, the text's length and the count of byte arrays are a byte each.
    assert_eq!(end(96).encode(&limits).unwrap().len(), 102);
    let error = end(97).encode(&limits).unwrap_err();
    assert_eq!(error.to_string(), "The 'end' frame of 101 bytes cannot be sent: 100 is the limit.");
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::TooLarge, CloseCode::TooLarge));

    let request = |identifier: &str, target, args| Request {
        target,
        identifier: identifier.to_owned(),
        operation: Operation::Call,
        result_type: ResultType::Json,
        args,
    };
    let refused =
        |request| ServerFrame::PageCall { id: 1, request }.encode(&WireLimits::of_server(1 << 20)).unwrap_err().kind();
    assert_eq!(refused(request(&"é".repeat(513), 0, Message::default())), ErrorKind::TooLarge);
    let args = Message { json: String::new(), bytes: vec![Vec::new(); MAX_BYTE_ARRAYS + 1] };
    assert_eq!(refused(request("f", 0, args)), ErrorKind::TooMany);
    assert_eq!(refused(request("f", -1, Message::default())), ErrorKind::NoSuchObject);
    assert_eq!(refused(request("f", 1 << 53, Message::default())), ErrorKind::NoSuchObject);
    let read = ServerFrame::PageRead { id: 1, object: 1, offset: 1 << 53, length: 1 };
    assert_eq!(read.encode(&limits).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn long_texts_of_errors_are_cut_at_a_character() {
    let error = Error::new(ErrorKind::Failed, "é".repeat(3_000)).with_detail(format!("a{}", "é".repeat(9_000)));
    let frame = ServerFrame::Trapped { error }.encode(&WireLimits::of_server(1 << 20)).unwrap();
    let Frame::Counted { frame: ServerFrame::Trapped { error }, .. } = one::<ServerFrame>(&frame) else {
        panic!("it is the same frame");
    };
    assert_eq!(error.message(), "é".repeat(2_048));
    assert_eq!(error.detail().unwrap().len(), 16_383);
}

proptest! {
    #[test]
    fn no_bytes_are_more_than_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_all::<PageFrame>(bytes.clone(), 64);
        let _ = read_all::<ServerFrame>(bytes, 64);
    }

    #[test]
    fn numbers_have_one_spelling(value in 0..=MAX_INTEGER, shift in 0_u32..53) {
        let value = value >> shift;
        let sent = write_message(value, value, std::iter::empty());
        let message = SocketMessage::<PageFrame>::read(sent.clone(), WireLimits::of_page(64)).unwrap();
        prop_assert_eq!(message.ack, value);
        // With another byte it is another number, or none.
        let longer = [&sent[..sent.len() / 2 - 1], &[sent[sent.len() / 2 - 1] | 0x80, 0], &[1]].concat();
        prop_assert!(SocketMessage::<PageFrame>::read(longer.into(), WireLimits::of_page(64)).is_err());
    }
}
