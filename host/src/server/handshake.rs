//! The first words on a socket: a hello gets a new circuit, and a resume the one that it names.
//!
//! No instance exists before it is known who asks. Every refusal is one `refused` frame that says what the page may do next, and a close.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use axum::http::request::Parts;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, timeout_at};

use super::auth::Subject;
use super::circuit::connection::{Connection, Lost, Socket};
use super::circuit::handle::{Command, Handle, Resumption};
use super::circuit::keys::{CircuitId, Keys};
use super::circuit::link::{self, page_replay};
use super::circuit::task::{self, Circuit};
use super::circuit::visit::GuestRunner;
use super::metrics;
use super::registry::Full;
use super::shared::Shared;
use super::upgrade::Client;
use super::wire::{
    CloseCode, Control, ControlBody, Frame, Goodbye, Hello, Limits, PageFrame, Reason, Refused, Resume, SocketMessage,
    Then, Welcome, WireError, WireLimits,
};
use crate::error::{Error, ErrorKind};

/// As good as any longer time for a hello, and one that can be added to the clock.
const LONGEST_HELLO: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long a page should wait before it tries once more where there is no room.
const RETRY: Duration = Duration::from_secs(5);

/// What a page can do beyond `dotwit.v1` that this server can do as well: nothing yet.
const FEATURES: [&str; 0] = [];

/// The one answer for a circuit that is not there, is another's, or has another secret: nobody learns which ids exist.
const UNKNOWN: &str = "There is no such circuit, or it is not this page's.";

/// Serves a socket, from its first message to the end of its circuit, or to its handing over to the circuit that it resumes.
pub(crate) async fn serve(shared: Arc<Shared>, socket: impl Socket + 'static, client: Client) {
    let deadline = Instant::now() + shared.options.hello_time.min(LONGEST_HELLO);
    let mut connection = Connection::new(Box::pin(socket), std::time::Instant::now());
    let first = timeout_at(deadline, first_frame(&shared, &mut connection)).await;
    let refusal = match first {
        Err(_) => {
            shared.metrics.refused(metrics::Refused::Late);
            let what = format!("No hello has come within {} s.", shared.options.hello_time.as_secs_f64());
            Refusal::new(ErrorKind::TimedOut, Reason::Rate, Then::Later, what).closing(CloseCode::HelloLate)
        }
        Ok(Err(Lost::Gone)) => return,
        Ok(Err(Lost::Broke(error))) => {
            shared.metrics.refused(metrics::Refused::Protocol);
            return break_off(connection, &error).await;
        }
        Ok(Ok(First::Hello(hello))) => match open(&shared, &client, hello, deadline).await {
            Ok(opened) => {
                drop(client);
                return Box::pin(opened.run(&shared, connection)).await;
            }
            Err(refusal) => refusal,
        },
        Ok(Ok(First::Resume(resume))) => match find(&shared, &client, &resume, deadline).await {
            Ok((handle, subject)) => match hand_over(connection, &handle, &resume, subject) {
                Ok(()) => return,
                Err(unsent) => {
                    let refusal;
                    (connection, refusal) = *unsent;
                    refusal
                }
            },
            Err(refusal) => refusal,
        },
    };
    shared.metrics.refused(refusal.counted());
    refusal.say(connection).await;
}

/// What a page says first.
enum First {
    Hello(Hello),
    Resume(Resume),
}

async fn first_frame(shared: &Shared, connection: &mut Connection) -> Result<First, Lost> {
    let bytes = loop {
        if let Some(bytes) = std::future::poll_fn(|cx| connection.poll_receive(cx, std::time::Instant::now())).await? {
            break bytes;
        }
    };
    let limits = WireLimits::of_page(shared.options.max_message);
    let read = || {
        let mut message = SocketMessage::<PageFrame>::read(bytes, limits)?;
        let first = message.frames.next().transpose()?;
        if message.frames.next().transpose()?.is_some() {
            return Err(WireError::protocol(
                "The first message has more than one frame, and a 'hello' or 'resume' stands alone.",
            ));
        }
        Ok(match first {
            Some(Frame::Control(Control::Hello(hello))) => First::Hello(hello),
            Some(Frame::Control(Control::Resume(resume))) => First::Resume(resume),
            _ => return Err(WireError::protocol("The first frame is not a 'hello' or a 'resume'.")),
        })
    };
    read().map_err(Lost::Broke)
}

/// Says what was wrong with the first message.
async fn break_off(mut connection: Connection, error: &WireError) {
    let goodbye =
        Goodbye { kind: error.kind().into(), message: error.message().to_owned(), then: Then::Never, after_ms: None };
    link::refuse(&mut connection, &goodbye.encode(), error.close_code());
    link::parted(connection).await;
}

/// Returns who asks.
async fn authenticate(
    shared: &Shared,
    request: &Parts,
    token: Option<&str>,
    deadline: Instant,
) -> Result<Subject, Refusal> {
    let bearer =
        request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let checked = timeout_at(deadline, shared.options.auth.check(request, token.or(bearer))).await;
    let refused = |what: &str| Refusal::new(ErrorKind::Failed, Reason::Token, Then::Never, what);
    match checked {
        Ok(Ok(subject)) => Ok(subject),
        Ok(Err(refusal)) => Err(refused(refusal.message())),
        Err(_) => {
            let what = "It could not be found out in time who asks.";
            Err(Refusal::new(ErrorKind::TimedOut, Reason::Rate, Then::Later, what).after(RETRY))
        }
    }
}

/// A circuit that is ready to run.
struct Opened {
    parts: Box<dyn FnOnce(Connection) -> task::Parts + Send>,
}

impl Opened {
    async fn run(self, shared: &Arc<Shared>, connection: Connection) {
        let circuit = Circuit::new((self.parts)(connection));
        let started = std::time::Instant::now();
        shared.metrics.started();
        let end = circuit.run().await;
        shared.metrics.ended(end.into(), started.elapsed());
    }
}

/// Starts a circuit.
async fn open(shared: &Arc<Shared>, client: &Client, hello: Hello, deadline: Instant) -> Result<Opened, Refusal> {
    let subject = authenticate(shared, &client.request, hello.token.as_deref(), deadline).await?;
    let mut slot = shared.registry.reserve(client.source.address, subject.name()).map_err(Refusal::full)?;
    let current = shared.guest.load_full();
    let started = GuestRunner::start(&shared.executor, &current.fiber, &shared.options.access).await;
    let guest = started.map_err(|error| Refusal::not_started(shared, &error))?;
    let random = |error: getrandom::Error| {
        let what = format!("The system has no random numbers: {error}.");
        Refusal::not_started(shared, &Error::new(ErrorKind::Failed, what))
    };
    let id = CircuitId::new(&shared.options.node).map_err(random)?;
    let keys = Keys::new().map_err(random)?;
    let config = current.guest.config();
    let options = &shared.options;
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let welcome = Welcome {
        circuit: id.to_string(),
        secret: keys.current().to_owned(),
        features: FEATURES
            .iter()
            .filter(|feature| hello.features.iter().any(|other| other == *feature))
            .map(|&feature| feature.to_owned())
            .collect(),
        limits: Limits {
            message: options.max_message as u64,
            message_out: options.max_message_out as u64,
            pending: options.max_pending_calls as u64,
            references: options.max_references as u64,
            streams: options.max_streams as u64,
            arguments: config.max_arguments as u64,
            depth: config.max_depth as u64,
            replay: page_replay(options) as u64,
        },
        retention: millis(options.retention),
        beat: millis(options.beat),
        public_url: options.public_url.clone(),
        detailed: options.detailed_errors,
        assemblies: current.guest.assemblies(),
    }
    .encode();
    let (handle, commands) = Handle::new(id, keys, client.origin.clone(), &subject);
    let handle = Arc::new(handle);
    slot.enter(Arc::clone(&handle)).map_err(Refusal::full)?;
    tracing::info!(
        circuit = %handle.id(), client = hello.client, peer = %client.source.address, subject = subject.name(), "a circuit begins"
    );
    let options = Arc::clone(options);
    let metrics = Arc::clone(&shared.metrics);
    Ok(Opened {
        parts: Box::new(move |connection| task::Parts {
            handle,
            commands,
            place: Box::new(slot),
            guest,
            config,
            options,
            metrics,
            subject,
            connection,
            welcome,
        }),
    })
}

/// Finds the circuit that a page wants back.
async fn find(
    shared: &Shared,
    client: &Client,
    resume: &Resume,
    deadline: Instant,
) -> Result<(Arc<Handle>, Subject), Refusal> {
    let subject = authenticate(shared, &client.request, resume.token.as_deref(), deadline).await?;
    let is_its_own = |handle: &Arc<Handle>| {
        handle.keys.lock().fits(&resume.secret) && handle.belongs_to(client.origin.as_ref(), &subject)
    };
    if let Some(handle) = shared.registry.get(&resume.circuit).filter(is_its_own) {
        return Ok((handle, subject));
    }
    shared.metrics.resumed(metrics::Resume::Refused);
    let ended = shared.registry.ended(&resume.circuit).filter(|(handle, _)| is_its_own(handle));
    Err(ended.map_or_else(Refusal::unknown, |(_, goodbye)| Refusal::ended(goodbye)))
}

/// Hands the socket over to the circuit, with the next secret. Returns it with a refusal where the circuit does not take it.
fn hand_over(
    connection: Connection,
    handle: &Handle,
    resume: &Resume,
    subject: Subject,
) -> Result<(), Box<(Connection, Refusal)>> {
    let later = |what: &str| Refusal::new(ErrorKind::Failed, Reason::Rate, Then::Later, what).after(RETRY);
    let secret = {
        let mut keys = handle.keys.lock();
        if keys.is_overtaken(resume.attempt) {
            return Err(Box::new((connection, Refusal::unknown())));
        }
        if let Err(error) = keys.rotate(&resume.secret, resume.attempt) {
            let refusal = later(&format!("The system has no random numbers: {error}."));
            return Err(Box::new((connection, refusal)));
        }
        keys.current().to_owned()
    };
    let (socket, received) = (connection.into_socket(), resume.received);
    let resumption = Box::new(Resumption { socket, received, secret, subject });
    let (unsent, refusal) = match handle.send(Command::Resume(resumption)) {
        Ok(()) => return Ok(()),
        Err(TrySendError::Closed(command)) => (command, Refusal::unknown()),
        Err(TrySendError::Full(command)) => (command, later("The circuit has too much to do.")),
    };
    match unsent {
        Command::Resume(resumption) => {
            let connection = Connection::new(resumption.socket, std::time::Instant::now());
            Err(Box::new((connection, refusal)))
        }
        _ => Ok(()),
    }
}

/// Why a socket gets no circuit.
struct Refusal {
    refused: Refused,
    code: CloseCode,
    /// The goodbye of a circuit that has ended, which is said again in place of the refusal.
    goodbye: Option<Goodbye>,
}

impl Refusal {
    fn new(kind: ErrorKind, reason: Reason, then: Then, message: impl Into<String>) -> Self {
        let refused = Refused { kind: kind.into(), reason, message: message.into(), then, after_ms: None };
        Self { refused, code: CloseCode::Refused, goodbye: None }
    }

    fn unknown() -> Self {
        Self::new(ErrorKind::Disconnected, Reason::Unknown, Then::Fresh, UNKNOWN)
    }

    fn ended(goodbye: Goodbye) -> Self {
        Self { goodbye: Some(goodbye), ..Self::unknown() }
    }

    fn full(full: Full) -> Self {
        match full {
            Full::Draining => {
                Self::new(ErrorKind::Disconnected, Reason::Draining, Then::Later, "The server is stopping.")
                    .after(RETRY)
            }
            Full::Limit(what) => Self::new(ErrorKind::TooMany, Reason::Full, Then::Later, what).after(RETRY),
        }
    }

    /// The guest did not start: there are too many, or it failed.
    fn not_started(shared: &Shared, error: &Error) -> Self {
        if error.kind() == ErrorKind::TooMany {
            shared.metrics.limit_hit(metrics::Limit::Circuits);
            return Self::new(ErrorKind::TooMany, Reason::Full, Then::Later, error.message()).after(RETRY);
        }
        tracing::error!(detail = error.detail(), "a circuit cannot be started: {error}");
        let what = if shared.options.detailed_errors { error.message() } else { "The guest cannot be started." };
        Self::new(error.kind(), Reason::Full, Then::Never, what)
    }

    fn after(mut self, time: Duration) -> Self {
        self.refused.after_ms = u64::try_from(time.as_millis()).ok();
        self
    }

    fn closing(mut self, code: CloseCode) -> Self {
        self.code = code;
        self
    }

    /// As metrics count it.
    fn counted(&self) -> metrics::Refused {
        match self.refused.reason {
            Reason::Token => metrics::Refused::Token,
            Reason::Version => metrics::Refused::Version,
            Reason::Full => metrics::Refused::Full,
            Reason::Rate => metrics::Refused::Rate,
            Reason::Unknown => metrics::Refused::Unknown,
            Reason::Draining => metrics::Refused::Draining,
            Reason::OwnerAway => metrics::Refused::OwnerAway,
        }
    }

    /// Tells the page, and waits until it has closed the socket, for a while.
    async fn say(self, mut connection: Connection) {
        let last = self.goodbye.map_or_else(|| self.refused.encode(), |goodbye| goodbye.encode());
        link::refuse(&mut connection, &last, self.code);
        link::parted(connection).await;
    }
}
