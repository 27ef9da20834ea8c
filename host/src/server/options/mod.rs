//! What circuits are held to, and who may have one: every limit, with its default and the reason for it.
//!
//! Here are the fields and their checks, in `limits.rs` the setters of how much, in `life.rs` those of how long, and in `access.rs`
//! those of who and where.

mod access;
mod life;
mod limits;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Authority;
use ipnet::IpNet;

use super::auth::{AnyAuth, Everybody};
use super::origin::{Listed, Origins, SameOrigin};
use crate::engine::access::SystemAccess;
use crate::error::{Error, ErrorKind};

/// The longest name of a node: it is part of each circuit's id and of the URL at which it resumes.
const MAX_NODE: usize = 16;

/// The limits of circuits, and who may have one.
///
/// How many circuits there are at once, and the limits of each one's guest, are those of the runtime's
/// [`Config`](crate::Config).
///
/// ```
/// use std::time::Duration;
///
/// use dotwit_host::server::CircuitOptions;
///
/// let options = CircuitOptions::new().max_message(1 << 20).retention(Duration::from_secs(60));
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct CircuitOptions {
    // How much: limits.rs.
    pub(crate) max_message: usize,
    pub(crate) max_message_out: usize,
    pub(crate) max_pending_calls: usize,
    pub(crate) max_references: usize,
    pub(crate) max_streams: usize,
    pub(crate) frame_rate: u32,
    pub(crate) frame_burst: u32,
    pub(crate) max_outbox: usize,
    pub(crate) max_mailbox_frames: usize,
    pub(crate) max_mailbox: usize,
    pub(crate) max_account: usize,
    pub(crate) max_waiting: usize,
    pub(crate) max_handshakes: usize,
    pub(crate) max_handshakes_per_address: usize,
    pub(crate) max_circuits_per_address: Option<usize>,
    pub(crate) max_circuits_per_subject: Option<usize>,
    // How long: life.rs.
    pub(crate) hello_time: Duration,
    pub(crate) beat: Duration,
    pub(crate) lost_after: Duration,
    pub(crate) retention: Duration,
    pub(crate) waiting_grace: Duration,
    pub(crate) page_call_limit: Duration,
    pub(crate) overrun: Duration,
    pub(crate) idle: Option<Duration>,
    pub(crate) drain_time: Duration,
    // Who and where: access.rs.
    pub(crate) auth: Arc<dyn AnyAuth>,
    pub(crate) origins: Arc<dyn Origins>,
    pub(crate) listed_origins: Listed,
    pub(crate) hosts: Vec<String>,
    pub(crate) allow_no_origin: bool,
    pub(crate) secure: bool,
    pub(crate) access: Arc<SystemAccess>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) base_path: String,
    pub(crate) node: String,
    pub(crate) public_url: Option<String>,
    pub(crate) detailed_errors: bool,
}

impl CircuitOptions {
    /// Returns the limits that each method names as its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses options under which no circuit could live.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refused = |what: String| Err(Error::new(ErrorKind::Unsupported, format!("The circuits' {what}.")));
        for (name, value) in self.amounts() {
            if value == 0 {
                return refused(format!("{name} is 0, and must be at least 1"));
            }
        }
        for (name, value) in self.times() {
            if value.is_zero() {
                return refused(format!("{name} is zero, and must be longer"));
            }
        }
        let larger = [
            ("max_outbox", self.max_outbox, "max_message_out", self.max_message_out),
            ("max_account", self.max_account, "max_outbox", self.max_outbox),
            ("max_mailbox", self.max_mailbox, "max_message", self.max_message),
        ];
        for (large, size, small, least) in larger {
            if size < least {
                return refused(format!("{large} is {size} bytes, and must hold {small}, which is {least}"));
            }
        }
        if self.lost_after <= self.beat {
            let (lost, beat) = (self.lost_after, self.beat);
            return refused(format!("lost_after is {lost:?}, and must be longer than beat, which is {beat:?}"));
        }
        if self.frame_burst < self.frame_rate {
            let (burst, rate) = (self.frame_burst, self.frame_rate);
            return refused(format!("frame_burst is {burst}, and must be at least frame_rate, which is {rate}"));
        }
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(1..=MAX_NODE).contains(&self.node.len()) || !self.node.bytes().all(is_plain) {
            return refused(format!(
                "node is '{}', and must be 1 to {MAX_NODE} of the characters a-z and 0-9",
                self.node
            ));
        }
        if let Some(url) = &self.public_url
            && public_origin(url).is_none()
        {
            return refused(format!(
                "public_url is '{url}', and must be a URL like 'wss://n1.example.com/_dotwit/circuit'"
            ));
        }
        let base = &self.base_path;
        let is_path = base.is_empty() || (base.starts_with('/') && !base.ends_with('/'));
        if !is_path || base.contains(|c: char| !c.is_ascii_graphic() || "?#{}*".contains(c)) {
            return refused(format!(
                "base_path is '{base}', and must be empty or like '/app', without a slash at its end"
            ));
        }
        Ok(())
    }

    /// Returns the rule for origins: the list, where there is one, and else the program's own.
    pub(crate) fn origin_rule(&self) -> &dyn Origins {
        if self.listed_origins.0.is_empty() { &*self.origins } else { &self.listed_origins }
    }

    /// The amounts that must not be 0.
    fn amounts(&self) -> [(&'static str, usize); 13] {
        [
            ("max_message", self.max_message),
            ("max_message_out", self.max_message_out),
            ("max_pending_calls", self.max_pending_calls),
            ("max_references", self.max_references),
            ("max_streams", self.max_streams),
            ("frame_rate", self.frame_rate as usize),
            ("max_outbox", self.max_outbox),
            ("max_mailbox_frames", self.max_mailbox_frames),
            ("max_mailbox", self.max_mailbox),
            ("max_handshakes", self.max_handshakes),
            ("max_handshakes_per_address", self.max_handshakes_per_address),
            ("max_circuits_per_address", self.max_circuits_per_address.unwrap_or(1)),
            ("max_circuits_per_subject", self.max_circuits_per_subject.unwrap_or(1)),
        ]
    }

    /// The times that must not be zero. Those that may be: no retention, no grace, no time to drain.
    fn times(&self) -> [(&'static str, Duration); 5] {
        [
            ("hello_time", self.hello_time),
            ("beat", self.beat),
            ("page_call_limit", self.page_call_limit),
            ("overrun", self.overrun),
            ("idle", self.idle.unwrap_or(Duration::MAX)),
        ]
    }
}

impl Default for CircuitOptions {
    fn default() -> Self {
        Self {
            max_message: 32 << 10,
            max_message_out: 4 << 20,
            max_pending_calls: 1_000,
            max_references: 10_000,
            max_streams: 64,
            frame_rate: 2_000,
            frame_burst: 4_000,
            max_outbox: 8 << 20,
            max_mailbox_frames: 64,
            max_mailbox: 256 << 10,
            max_account: 16 << 20,
            max_waiting: 100,
            max_handshakes: 1_000,
            max_handshakes_per_address: 64,
            max_circuits_per_address: None,
            max_circuits_per_subject: None,
            hello_time: Duration::from_secs(5),
            beat: Duration::from_secs(15),
            lost_after: Duration::from_secs(30),
            retention: Duration::from_secs(3 * 60),
            waiting_grace: Duration::from_secs(30),
            page_call_limit: Duration::from_secs(60),
            overrun: Duration::from_secs(10),
            idle: None,
            drain_time: Duration::from_secs(30),
            auth: Arc::new(Everybody),
            origins: Arc::new(SameOrigin),
            listed_origins: Listed::default(),
            hosts: Vec::new(),
            allow_no_origin: false,
            secure: false,
            access: Arc::default(),
            trusted_proxies: Vec::new(),
            base_path: String::new(),
            node: node_of_this_machine(),
            public_url: None,
            detailed_errors: false,
        }
    }
}

impl fmt::Debug for CircuitOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitOptions").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Returns the scheme and the host of a WebSocket's URL.
pub(crate) fn public_origin(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "ws" | "wss"))?;
    // A policy, which names it, has its parts between these.
    let authority = uri.authority().map(Authority::as_str).filter(|authority| !authority.contains([';', ',', '@']))?;
    Some(format!("{scheme}://{authority}"))
}

/// Returns a name for this machine that is the same whenever it starts, and says nothing about it.
fn node_of_this_machine() -> String {
    let mut hasher = DefaultHasher::new();
    rustix::system::uname().nodename().to_bytes().hash(&mut hasher);
    format!("n{:08x}", hasher.finish() & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::CircuitOptions;

    #[test]
    fn the_defaults_are_sound() {
        CircuitOptions::new().check().unwrap();
    }

    #[test]
    fn what_no_circuit_could_live_with_is_refused_by_name() {
        let new = CircuitOptions::new;
        let ms = Duration::from_millis;
        for (options, part) in [
            (new().max_message(0), "max_message is 0"),
            (new().max_outbox(100), "max_outbox is 100 bytes, and must hold max_message_out, which is 4194304"),
            (new().max_mailbox(100), "must hold max_message, which is 32768"),
            (new().max_account(100), "must hold max_outbox, which is 8388608"),
            (new().beat(Duration::ZERO), "beat is zero"),
            (new().beat(ms(30_000)), "lost_after is 30s, and must be longer than beat, which is 30s"),
            (new().frame_rate(10, 9), "frame_burst is 9"),
            (new().node("Node 1"), "node is 'Node 1'"),
            (new().node(""), "node is ''"),
            (new().node("a".repeat(17)), "1 to 16"),
            (new().base_path("app"), "base_path is 'app'"),
            (new().base_path("/app/"), "base_path is '/app/'"),
            (new().base_path("/{x}"), "base_path is '/{x}'"),
            (new().public_url("https://example.com"), "public_url is 'https://example.com'"),
            (new().public_url("wss:///x"), "public_url is 'wss:///x'"),
            (new().public_url("n1"), "public_url is 'n1'"),
        ] {
            let error = options.check().unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn limits_that_may_be_zero_can_be() {
        let options = CircuitOptions::new().max_waiting(0).retention(Duration::ZERO).drain_time(Duration::ZERO);
        options.waiting_grace(Duration::ZERO).check().unwrap();
    }
}
