//! The labels of counters, each with all the values that it can have, and the counters for them.

use std::marker::PhantomData;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::error::ErrorKind;

/// A label with a fixed set of values.
pub(super) trait Label: Copy + 'static {
    /// Its name.
    const KEY: &'static str;
    /// Its values, in the order of their numbers.
    const VALUES: &'static [&'static str];

    /// Returns the number of this value.
    fn index(self) -> usize;
}

/// Defines labels: the type, the label's name, and each value with its text.
macro_rules! labels {
    ($($(#[$docs:meta])* $name:ident $key:literal { $($(#[$value_docs:meta])* $value:ident $text:literal,)* })*) => {
        $(
            $(#[$docs])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub(crate) enum $name { $($(#[$value_docs])* $value,)* }

            impl $name {
                /// How many values there are.
                #[allow(dead_code, reason = "not all are counted")]
                pub(crate) const COUNT: usize = <Self as Label>::VALUES.len();
            }

            impl Label for $name {
                const KEY: &'static str = $key;
                const VALUES: &'static [&'static str] = &[$($text,)*];

                fn index(self) -> usize {
                    self as usize
                }
            }
        )*
    };
}

labels! {
    /// Which way something goes, as the server sees it.
    Direction "direction" {
        /// From the page to the guest.
        In "in",
        /// From the guest to the page.
        Out "out",
    }

    /// Why a circuit has ended.
    Ended "reason" {
        /// Its page said so.
        Page "page",
        /// Its page did not come back.
        Expired "expired",
        /// It waited, and others needed the place.
        Evicted "evicted",
        /// Its guest trapped.
        Trapped "trapped",
        /// Its page broke the protocol.
        Protocol "protocol",
        /// Its page sent too large a message.
        TooLarge "too-large",
        /// It had too much of something.
        TooMany "too-many",
        /// Its page did not take what the guest sent.
        Slow "slow",
        /// Nothing happened in it.
        Idle "idle",
        /// The server stopped.
        Drained "drained",
        /// Its subject's permission ended.
        Refused "refused",
    }

    /// Why a client was refused.
    Refused "reason" {
        /// It came from a page that may not.
        Origin "origin",
        /// It asked for a name that this server does not have.
        Host "host",
        /// It did not ask for a WebSocket as the protocol has it.
        Protocol "protocol",
        /// It speaks no version that this server does.
        Version "version",
        /// Too many sockets have not said hello.
        Handshakes "handshakes",
        /// It did not say hello in time.
        Late "late",
        /// It has no permission.
        Token "token",
        /// There are as many circuits as there may be.
        Full "full",
        /// Its address or subject has as many circuits as it may.
        Rate "rate",
        /// Its circuit is not here, or its secret is wrong.
        Unknown "unknown",
        /// The server is stopping.
        Draining "draining",
        /// The node of its circuit cannot be reached.
        OwnerAway "owner-away",
    }

    /// What became of a page that wanted its circuit back.
    Resume "result" {
        /// It has it again.
        Resumed "resumed",
        /// It has it again, and another socket has lost it.
        TakenOver "taken-over",
        /// It was not there, or not its own.
        Refused "refused",
    }

    /// Why a guest was trapped.
    Trap "cause" {
        /// It ran for too long.
        Time "time",
        /// It needed too much memory.
        Memory "memory",
        /// It panicked.
        Panic "panic",
        /// Anything else.
        Other "other",
    }

    /// A limit that was reached.
    Limit "limit" {
        /// The size of a message of the page.
        Message "message",
        /// The size of a message of the guest.
        MessageOut "message-out",
        /// The number of calls under way.
        PendingCalls "pending-calls",
        /// The number of streams.
        Streams "streams",
        /// The rate of frames.
        Frames "frames",
        /// What waits to be sent.
        Outbox "outbox",
        /// What the server holds for one circuit.
        Account "account",
        /// The time of a call of the page.
        PageCall "page-call",
        /// The number of circuits.
        Circuits "circuits",
        /// The number of circuits that wait.
        Waiting "waiting",
        /// The number of sockets before their hello.
        Handshakes "handshakes",
    }
}

/// One counter for each value of a label.
#[derive(Debug)]
pub(super) struct Counters<L> {
    counters: Vec<Counter>,
    label: PhantomData<L>,
}

impl<L: Label> Counters<L> {
    /// Registers the counters, so that each is there from the start.
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> Self {
        let family = Family::<[(&str, &str); 1], Counter>::default();
        registry.register(name, help, family.clone());
        let counters = L::VALUES.iter().map(|value| family.get_or_create_owned(&[(L::KEY, *value)])).collect();
        Self { counters, label: PhantomData }
    }

    pub(super) fn inc(&self, label: L) {
        self.add(label, 1);
    }

    pub(super) fn add(&self, label: L, count: u64) {
        if let Some(counter) = self.counters.get(label.index()) {
            counter.inc_by(count);
        }
    }
}

/// Counters by direction and by a value out of a list.
#[derive(Debug)]
struct Directed {
    counters: [Vec<Counter>; 2],
}

impl Directed {
    fn register(registry: &mut Registry, name: &str, help: &str, key: &'static str, values: &[&'static str]) -> Self {
        let family = Family::<[(&str, &str); 2], Counter>::default();
        registry.register(name, help, family.clone());
        let counters = [0, 1].map(|direction| {
            let direction = (Direction::KEY, Direction::VALUES[direction]);
            values.iter().map(|value| family.get_or_create_owned(&[direction, (key, *value)])).collect()
        });
        Self { counters }
    }

    fn inc(&self, direction: Direction, value: usize) {
        if let Some(counter) = self.counters[direction as usize].get(value) {
            counter.inc();
        }
    }
}

/// Counters of calls: "ok", or the kind of their error.
#[derive(Debug)]
pub(super) struct Outcomes(Directed);

impl Outcomes {
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> Self {
        let kinds = ErrorKind::OF_THE_WIT.iter().map(|kind| kind.as_str());
        let values: Vec<&'static str> = std::iter::once("ok").chain(kinds).collect();
        Self(Directed::register(registry, name, help, "outcome", &values))
    }

    pub(super) fn inc(&self, direction: Direction, outcome: Option<ErrorKind>) {
        let known = |kind| ErrorKind::OF_THE_WIT.iter().position(|known| *known == kind);
        self.0.inc(direction, outcome.and_then(known).map_or(0, |kind| kind + 1));
    }
}

/// The kinds of frames by their numbers on the wire; the first is for what is not among them.
const FRAMES: [(u8, &str); 26] = [
    (0, "other"),
    (1, "call"),
    (2, "cancel"),
    (3, "page-end"),
    (4, "release"),
    (5, "forget"),
    (6, "credit"),
    (7, "close"),
    (8, "page-data"),
    (33, "end"),
    (34, "page-call"),
    (35, "page-cancel"),
    (36, "page-release"),
    (37, "data"),
    (38, "data-end"),
    (39, "page-read"),
    (40, "trapped"),
    (64, "hello"),
    (65, "welcome"),
    (66, "resume"),
    (67, "resumed"),
    (68, "refused"),
    (69, "ping"),
    (70, "pong"),
    (71, "goodbye"),
    (72, "stale"),
];

/// Counters of frames by their kinds.
#[derive(Debug)]
pub(super) struct Frames {
    counters: Directed,
    /// The place of each kind among the counters.
    places: [u8; 256],
}

impl Frames {
    pub(super) fn register(registry: &mut Registry, name: &str, help: &str) -> Self {
        let mut places = [0; 256];
        for ((kind, _), place) in FRAMES.iter().zip(0..) {
            places[usize::from(*kind)] = place;
        }
        let values = FRAMES.map(|(_, name)| name);
        Self { counters: Directed::register(registry, name, help, "kind", &values), places }
    }

    pub(super) fn inc(&self, direction: Direction, kind: u8) {
        self.counters.inc(direction, usize::from(self.places[usize::from(kind)]));
    }
}

/// Registers durations for each direction.
pub(super) fn by_direction(registry: &mut Registry, name: &str, help: &str, buckets: &'static [f64]) -> [Histogram; 2] {
    let new = move || Histogram::new(buckets.iter().copied());
    let family = Family::<[(&str, &str); 1], Histogram, _>::new_with_constructor(new);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    [0, 1].map(|direction| family.get_or_create_owned(&[(Direction::KEY, Direction::VALUES[direction])]))
}
