//! Tests of the numbers: the sequences of `tests/circuit/vectors/numbers.json`, which JavaScript replays as well, and what they leave out.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::server::circuit::inbox::{Accepted, Inbox};
use crate::server::circuit::outbox::{Outbox, OutboxFull};
use crate::server::wire::{MAX_HEADER, WireError};

/// One end, which the steps of a vector are told to.
struct Numbers {
    inbox: Inbox,
    outbox: Outbox,
    now: Instant,
}

impl Numbers {
    fn step(&mut self, name: &Value, step: &Value) {
        let number = |key: &str| step[key].as_u64().unwrap();
        let (operation, argument) =
            step.as_object().unwrap().iter().find(|(key, _)| OPERATIONS.contains(&key.as_str())).unwrap();
        match operation.as_str() {
            "push" => match self.outbox.push(frame(size(argument))) {
                Ok(taken) => assert_eq!(taken, number("number"), "{name}: {step}"),
                Err(_) => assert_eq!(step["refused"], "too-many", "{name}: {step}"),
            },
            "send" => {
                let most = MAX_HEADER + size(argument);
                let ack = self.inbox.acknowledge();
                let message =
                    self.outbox.next_message(ack, most).unwrap_or_else(|| self.outbox.message_beside(ack, None));
                assert_eq!(sent(&message), step["message"], "{name}: {step}");
            }
            "receive" => match self.receive(&argument["first"], &argument["sizes"]) {
                Ok(new) => assert_eq!(Value::from(new), step["new"], "{name}: {step}"),
                Err(error) => assert_eq!(error.kind().as_str(), step["error"], "{name}: {step}: {error}"),
            },
            "acknowledge" => {
                let outcome = self.outbox.acknowledge(argument.as_u64().unwrap());
                self.check(outcome, name, step);
            }
            "rewind" => {
                let outcome = self.outbox.rewind(argument.as_u64().unwrap()).map(drop);
                self.check(outcome, name, step);
            }
            "ackDue" => {
                assert_eq!(self.inbox.ack_due().is_some_and(|due| due <= self.now), *argument, "{name}: {step}")
            }
            other => panic!("{other} is not a step"),
        }
    }

    fn receive(&mut self, first: &Value, sizes: &Value) -> Result<Vec<u64>, WireError> {
        let mut new = Vec::new();
        for (number, length) in (first.as_u64().unwrap()..).zip(sizes.as_array().unwrap()) {
            if self.inbox.accept(number, size(length), self.now)? == Accepted::New {
                new.push(number);
            }
        }
        Ok(new)
    }

    fn check(&self, outcome: Result<(), WireError>, name: &Value, step: &Value) {
        match outcome {
            Ok(()) => assert_eq!(self.outbox.bytes() as u64, step["held"], "{name}: {step}"),
            Err(error) => assert_eq!(error.kind().as_str(), step["error"], "{name}: {step}: {error}"),
        }
    }
}

const OPERATIONS: [&str; 6] = ["push", "send", "receive", "acknowledge", "rewind", "ackDue"];

fn size(value: &Value) -> usize {
    value.as_u64().unwrap().try_into().unwrap()
}

/// A frame of this size. Its kind is one that is skipped: numbers do not look into it.
fn frame(size: usize) -> Bytes {
    let body = vec![0; size - 2];
    [&[255, u8::try_from(body.len()).unwrap()], &*body].concat().into()
}

/// What a message says in the words of the vectors, whose numbers have one byte each.
fn sent(message: &[u8]) -> Value {
    let [ack, first, frames @ ..] = message else { panic!("a message begins with two numbers") };
    let (mut sizes, mut rest) = (Vec::new(), frames);
    while let [255, length, ..] = rest {
        let size = usize::from(*length) + 2;
        sizes.push(size);
        rest = &rest[size..];
    }
    assert!(rest.is_empty());
    json!({ "ack": ack, "first": first, "sizes": sizes })
}

#[test]
fn numbers_go_as_the_vectors_have_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/circuit/vectors/numbers.json");
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for vector in vectors {
        let replay = size(&vector["replay"]);
        let mut numbers = Numbers { inbox: Inbox::new(replay), outbox: Outbox::new(replay), now: Instant::now() };
        for step in vector["steps"].as_array().unwrap() {
            numbers.step(&vector["name"], step);
        }
    }
}

#[test]
fn an_ack_is_due_a_fifth_of_a_second_after_the_first_frame() {
    let mut inbox = Inbox::new(1_000);
    let start = Instant::now();
    assert_eq!(inbox.ack_due(), None);
    let _ = inbox.accept(1, 10, start).unwrap();
    let _ = inbox.accept(2, 10, start + Duration::from_millis(150)).unwrap();
    assert_eq!(inbox.ack_due(), Some(start + Duration::from_millis(200)));
    assert_eq!((inbox.acknowledge(), inbox.ack_due()), (2, None));
}

#[test]
fn control_frames_go_first_and_are_lost_with_their_connection() {
    let mut outbox = Outbox::new(100);
    assert!(!outbox.has_unsent());
    outbox.push(frame(10)).unwrap();
    assert!(outbox.push_control(frame(4)));
    assert_eq!(sent(&outbox.next_message(0, 1_000).unwrap()), json!({ "ack": 0, "first": 1, "sizes": [4, 10] }));

    assert!(outbox.push_control(frame(4)));
    outbox.rewind(0).unwrap();
    assert_eq!(sent(&outbox.next_message(0, 1_000).unwrap()), json!({ "ack": 0, "first": 1, "sizes": [10] }));
    assert_eq!(outbox.next_message(0, 1_000), None);

    // A ping costs its sender as much as its answer, but its sender need not read.
    let taken = (0..100).filter(|_| outbox.push_control(frame(4))).count();
    assert_eq!((taken, outbox.has_unsent()), (16, true));
}

#[test]
fn what_arrived_on_a_former_connection_is_not_sent_again_once_it_is_acknowledged() {
    let mut outbox = Outbox::new(100);
    for size in [10, 20, 30] {
        outbox.push(frame(size)).unwrap();
    }
    outbox.next_message(0, 1_000).unwrap();
    // The page has counted before the last two arrived.
    assert_eq!(outbox.rewind(1), Ok(2));
    outbox.acknowledge(2).unwrap();
    assert_eq!((outbox.bytes(), outbox.unsent_bytes()), (30, 30));
    assert_eq!(sent(&outbox.next_message(0, 1_000).unwrap()), json!({ "ack": 0, "first": 3, "sizes": [30] }));
}

#[test]
fn a_full_outbox_names_its_numbers() {
    let mut outbox = Outbox::new(100);
    outbox.push(frame(60)).unwrap();
    let full = outbox.push(frame(50)).unwrap_err();
    assert_eq!(full, OutboxFull { held: 60, more: 50, cap: 100 });
    let sentence = "The other side is a slow consumer: it has not acknowledged 60 bytes, a frame of 50 bytes is next, and 100 is the limit.";
    assert_eq!(full.to_string(), sentence);
}
