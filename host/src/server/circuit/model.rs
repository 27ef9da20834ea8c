//! A model test of the numbers and the states: a page and a server that call and answer over a link that is cut between any two messages,
//! and resume with what they have. Whatever happens, each side gets what the other sent once and in order, and each call ends
//! once.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::contract::message::{Message, Target};
use crate::server::circuit::inbox::{Accepted, Inbox};
use crate::server::circuit::outbox::Outbox;
use crate::server::circuit::state::{Action, End, Event, State};
use crate::server::wire::{CountedFrame, Frame, PageFrame, ServerFrame, SocketMessage, WireError, WireLimits};

/// The caps are small, so that they are reached.
const REPLAY_OF_PAGE: usize = 3_000;
const REPLAY_OF_SERVER: usize = 4_000;
const BATCH: usize = 700;
const MESSAGE: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Page,
    Server,
}

/// How the numbers or the secret of a page that resumes are wrong.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// It has received more than was sent.
    Ahead,
    /// It has received less than it has acknowledged.
    Behind,
}

#[derive(Clone, Debug)]
enum Transition {
    /// The page calls, with this many bytes.
    Call(usize),
    /// The server ends the eldest call that it has not ended, with this many bytes.
    Answer(usize),
    /// A side sends a message of what waits.
    Send(Side),
    /// A side acknowledges without sending anything else.
    Ack(Side),
    /// The eldest message on its way from a side arrives.
    Deliver(Side),
    /// The connection breaks, and what is on its way is lost. The server may not notice.
    Cut { noticed: bool },
    /// The page closes the connection, and will come back.
    Pause,
    /// The page comes back. Both sides may say that they have received a few frames less than they have: numbers from before the last
    /// ones arrived. The answer may be lost with the new connection.
    Resume { answered: bool, behind: u64 },
    /// The page comes back with numbers that cannot be.
    Lie(Lie),
    /// The server begins to stop.
    Drain,
    /// The circuit ends.
    End(End),
}

/// What is predicted without any numbers: whether there is a connection, and whether the circuit goes on.
#[derive(Clone, Debug)]
struct Model {
    connected: bool,
    stopping: bool,
    ended: bool,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self { connected: true, stopping: false, ended: false }).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Transition> {
        let side = || prop_oneof![Just(Side::Page), Just(Side::Server)];
        let end = prop_oneof![Just(End::Trapped), Just(End::Retention), Just(End::Evicted), Just(End::Goodbye)];
        let connection = if state.connected {
            prop_oneof![
                3 => any::<bool>().prop_map(|noticed| Transition::Cut { noticed }),
                1 => Just(Transition::Pause),
            ]
            .boxed()
        } else {
            prop_oneof![
                6 => (any::<bool>(), 0..4_u64).prop_map(|(answered, behind)| Transition::Resume { answered, behind }),
                1 => prop_oneof![Just(Lie::Ahead), Just(Lie::Behind)].prop_map(Transition::Lie),
            ]
            .boxed()
        };
        prop_oneof![
            120 => (0..600_usize).prop_map(Transition::Call),
            120 => (0..600_usize).prop_map(Transition::Answer),
            160 => side().prop_map(Transition::Send),
            40 => side().prop_map(Transition::Ack),
            240 => side().prop_map(Transition::Deliver),
            50 => connection,
            // Rare, because little happens afterwards.
            1 => Just(Transition::Drain),
            1 => end.prop_map(Transition::End),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, transition: &Transition) -> bool {
        match transition {
            Transition::Cut { .. } | Transition::Pause => state.connected,
            Transition::Resume { .. } | Transition::Lie(_) => !state.connected,
            _ => true,
        }
    }

    fn apply(mut state: Self, transition: &Transition) -> Self {
        match transition {
            Transition::Cut { noticed } => {
                state.ended |= state.stopping && *noticed;
                state.connected = false;
            }
            Transition::Pause => {
                state.ended |= state.stopping;
                state.connected = false;
            }
            Transition::Resume { answered, .. } => state.connected = *answered && !state.ended && !state.stopping,
            Transition::Drain => {
                state.stopping = true;
            }
            Transition::End(_) => state.ended = true,
            _ => {}
        }
        state.connected &= !state.ended;
        state
    }
}

/// One end of the wire.
#[derive(Debug)]
struct Peer {
    inbox: Inbox,
    outbox: Outbox,
    /// The messages that it has sent on this connection, and that have not arrived.
    on_their_way: VecDeque<Bytes>,
    cap: usize,
}

impl Peer {
    fn new(cap: usize, others: usize) -> Self {
        Self { inbox: Inbox::new(others), outbox: Outbox::new(cap), on_their_way: VecDeque::new(), cap }
    }

    fn send(&mut self) {
        if self.outbox.has_unsent() {
            let message = self.outbox.next_message(self.inbox.acknowledge(), BATCH);
            self.on_their_way.push_back(message.expect("something is unsent"));
        }
    }

    fn ack(&mut self) {
        self.on_their_way.push_back(self.outbox.message_beside(self.inbox.acknowledge(), None));
    }

    /// Takes a message, and returns the frames that are new.
    fn receive<F: CountedFrame>(&mut self, message: Bytes, limits: WireLimits) -> Result<Vec<F>, WireError> {
        let message = SocketMessage::<F>::read(message, limits)?;
        self.outbox.acknowledge(message.ack)?;
        let mut new = Vec::new();
        for frame in message.frames {
            let Frame::Counted { number, size, frame } = frame? else { continue };
            if self.inbox.accept(number, size, Instant::now())? == Accepted::New {
                new.push(frame);
            }
        }
        Ok(new)
    }
}

/// Begins again with numbers that are `behind`, unless what they leave out has been acknowledged.
fn rewind(outbox: &mut Outbox, received: u64, behind: u64) {
    if outbox.rewind(received.saturating_sub(behind)).is_err() {
        outbox.rewind(received).unwrap();
    }
}

/// The two ends, and the link between them.
#[derive(Debug)]
struct Circuit {
    state: State,
    page: Peer,
    server: Peer,
    connected: bool,
    /// The number of the last call that the page made.
    calls: u64,
    /// The number of ends that each call has had at the page.
    ends: BTreeMap<u64, u32>,
    /// The calls that the server has received, in order, and how many of them it has ended.
    received: Vec<u64>,
    answered: usize,
    /// The ends that the server sent, and those that have arrived.
    sent_ends: Vec<u64>,
    received_ends: Vec<u64>,
    /// The calls that the page refused to send. They take no number in the order of calls.
    refused: Vec<u64>,
}

impl Circuit {
    fn new() -> Self {
        let (state, action) = State::Connecting.on(Event::Started);
        assert_eq!(action, Action::Welcome);
        Self {
            state,
            page: Peer::new(REPLAY_OF_PAGE, REPLAY_OF_SERVER),
            server: Peer::new(REPLAY_OF_SERVER, REPLAY_OF_PAGE),
            connected: true,
            calls: 0,
            ends: BTreeMap::new(),
            received: Vec::new(),
            answered: 0,
            sent_ends: Vec::new(),
            received_ends: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn event(&mut self, event: Event) -> Action {
        let (state, action) = self.state.on(event);
        self.state = state;
        if let Action::Finish(_) = action {
            self.disconnect();
            // The page ends what is under way.
            for call in 1..=self.calls {
                self.ends.entry(call).or_insert(1);
            }
        }
        action
    }

    fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// What is on its way is lost.
    fn disconnect(&mut self) {
        self.connected = false;
        self.page.on_their_way.clear();
        self.server.on_their_way.clear();
    }

    fn call(&mut self, size: usize) {
        self.calls += 1;
        let call = self.calls;
        let (target, args) = (Target::from("Model"), Message::from_json("x".repeat(size)));
        let frame = PageFrame::Call { call, target, method: "Call".to_owned(), args };
        if self.page.outbox.push(frame.encode(&WireLimits::of_page(MESSAGE)).unwrap()).is_err() {
            *self.ends.entry(call).or_default() += 1;
            self.refused.push(call);
        }
    }

    fn answer(&mut self, size: usize) {
        let Some(&call) = self.received.get(self.answered) else { return };
        let frame = ServerFrame::End { call, outcome: Ok(Message::from_json("x".repeat(size))) };
        match self.server.outbox.push(frame.encode(&WireLimits::of_server(MESSAGE)).unwrap()) {
            Ok(_) => {
                self.answered += 1;
                self.sent_ends.push(call);
            }
            Err(full) => {
                assert!(full.held + full.more > full.cap);
                let _ = self.event(Event::End(End::SlowConsumer));
            }
        }
    }

    fn deliver(&mut self, from: Side) {
        match from {
            Side::Page => {
                let Some(message) = self.page.on_their_way.pop_front() else { return };
                for frame in self.server.receive(message, WireLimits::of_page(MESSAGE)).unwrap() {
                    let PageFrame::Call { call, .. } = frame else { panic!("the page sends calls alone") };
                    self.received.push(call);
                }
            }
            Side::Server => {
                let Some(message) = self.server.on_their_way.pop_front() else { return };
                for frame in self.page.receive(message, WireLimits::of_server(MESSAGE)).unwrap() {
                    let ServerFrame::End { call, .. } = frame else { panic!("the server sends ends alone") };
                    self.received_ends.push(call);
                    *self.ends.entry(call).or_default() += 1;
                }
            }
        }
    }

    fn resume(&mut self, answered: bool, behind: u64) {
        match self.event(Event::Resumed) {
            Action::Refuse => return,
            action => assert!(matches!(action, Action::Resume | Action::TakeOver), "{action:?}"),
        }
        self.disconnect();
        rewind(&mut self.server.outbox, self.page.inbox.received(), behind);
        if answered {
            rewind(&mut self.page.outbox, self.server.inbox.received(), behind);
            self.connected = true;
        } else {
            // It sends into the void before it notices, or a former page comes back before that.
            self.server.send();
            self.disconnect();
        }
    }

    fn lie(&mut self, lie: Lie) {
        let outbox = &mut self.server.outbox;
        let received = match lie {
            Lie::Ahead => outbox.last() + 1,
            Lie::Behind if self.page.inbox.received() > 0 => {
                // All that it has received is acknowledged.
                outbox.acknowledge(self.page.inbox.received()).unwrap();
                self.page.inbox.received() - 1
            }
            Lie::Behind => return,
        };
        let (held, last) = (outbox.bytes(), outbox.last());
        assert!(outbox.rewind(received).is_err());
        assert_eq!((outbox.bytes(), outbox.last()), (held, last), "a refused resume changes nothing");
    }

    /// Lets everything arrive that still can.
    fn come_to_rest(&mut self) {
        if self.state == State::Draining {
            let _ = self.event(Event::Quiet);
        }
        if self.has_ended() {
            return;
        }
        if !self.connected {
            self.resume(true, 0);
        }
        loop {
            for side in [Side::Page, Side::Server] {
                let peer = if side == Side::Page { &mut self.page } else { &mut self.server };
                peer.send();
                peer.ack();
                while !(if side == Side::Page { &self.page } else { &self.server }).on_their_way.is_empty() {
                    self.deliver(side);
                }
            }
            if self.answered < self.received.len() {
                self.answer(1);
            } else if !self.page.outbox.has_unsent() && !self.server.outbox.has_unsent() {
                break;
            }
        }
        // The acks of the last round.
        for side in [Side::Page, Side::Server] {
            let peer = if side == Side::Page { &mut self.page } else { &mut self.server };
            peer.ack();
            self.deliver(side);
        }
    }
}

struct Exchange;

impl StateMachineTest for Exchange {
    type SystemUnderTest = Circuit;
    type Reference = Model;

    fn init_test(_: &Model) -> Circuit {
        Circuit::new()
    }

    fn apply(mut circuit: Circuit, model: &Model, transition: Transition) -> Circuit {
        if circuit.has_ended() {
            assert_eq!(circuit.state.on(Event::Resumed), (circuit.state, Action::Refuse), "what has ended stays so");
            return circuit;
        }
        match transition {
            Transition::Call(size) => circuit.call(size),
            Transition::Answer(size) => circuit.answer(size),
            Transition::Send(Side::Page) if circuit.connected => circuit.page.send(),
            Transition::Ack(Side::Page) if circuit.connected => circuit.page.ack(),
            // A server that has not noticed sends into the void.
            Transition::Send(Side::Server) if circuit.state.has_socket() => circuit.server.send(),
            Transition::Ack(Side::Server) if circuit.state.has_socket() => circuit.server.ack(),
            Transition::Send(_) | Transition::Ack(_) => {}
            Transition::Deliver(side) => circuit.deliver(side),
            Transition::Cut { noticed } => {
                circuit.disconnect();
                if noticed {
                    let _ = circuit.event(Event::SocketLost);
                }
            }
            Transition::Pause => {
                circuit.disconnect();
                let _ = circuit.event(Event::Paused);
            }
            Transition::Resume { answered, behind } => circuit.resume(answered, behind),
            Transition::Lie(lie) => circuit.lie(lie),
            Transition::Drain => {
                let _ = circuit.event(Event::Drain);
            }
            Transition::End(end) => {
                assert_eq!(circuit.event(Event::End(end)), Action::Finish(end));
            }
        }
        if !circuit.connected {
            circuit.page.on_their_way.clear();
            circuit.server.on_their_way.clear();
        }
        assert!(circuit.has_ended() || circuit.connected == model.connected);
        circuit
    }

    fn check_invariants(circuit: &Circuit, _: &Model) {
        let sent = (1..=circuit.calls).filter(|call| !circuit.refused.contains(call));
        assert!(sent.zip(&circuit.received).all(|(sent, received)| sent == *received), "in order, without repeats");
        assert!(circuit.sent_ends.starts_with(&circuit.received_ends), "in order, without repeats");
        assert!(circuit.ends.values().all(|ends| *ends == 1), "a call ends once: {:?}", circuit.ends);
        for peer in [&circuit.page, &circuit.server] {
            assert!(peer.outbox.bytes() <= peer.cap && peer.outbox.unsent_bytes() <= peer.outbox.bytes());
        }
    }

    fn teardown(mut circuit: Circuit, model: Model) {
        circuit.come_to_rest();
        Self::check_invariants(&circuit, &model);
        assert!((1..=circuit.calls).all(|call| circuit.ends.contains_key(&call)), "each call has ended");
        if !circuit.has_ended() {
            assert_eq!(circuit.received.len() + circuit.refused.len(), usize::try_from(circuit.calls).unwrap());
            for peer in [&circuit.page, &circuit.server] {
                assert_eq!((peer.outbox.bytes(), peer.inbox.ack_due()), (0, None), "nothing is left");
            }
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_side_gets_what_the_other_sent_once_and_in_order(sequential 1..250 => Exchange);
}
