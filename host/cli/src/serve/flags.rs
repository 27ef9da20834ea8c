//! What `dotwit serve` can be told: every flag with its default, in groups, as `--help` shows them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dotwit_host::server::{CircuitOptions, Origin, SystemAccess};
use dotwit_host::{Error, Runtime};
use ipnet::IpNet;

use super::LogFormat;
use super::values::{Dir, dir, header, pair, seconds_or_none, size};
use crate::common::{Limits, seconds};

/// The command's arguments.
#[derive(Args)]
pub(crate) struct Serve {
    /// The pages' guest: a component file. It is checked before anything is served.
    pub(super) guest: PathBuf,
    /// The folder that is served.
    #[arg(long, value_name = "DIR")]
    pub(super) root: PathBuf,
    /// A TOML file whose keys are these flags without their dashes. Flags win over it.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Prints what is set, by defaults, the file and the flags, in the form of such a file, and serves nothing.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// How the log is written on standard error. RUST_LOG selects what is in it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log: LogFormat,
    #[command(flatten)]
    pub(super) server: ServerFlags,
    #[command(flatten)]
    pub(super) access: AccessFlags,
    #[command(flatten)]
    pub(super) circuits: CircuitFlags,
    #[command(flatten)]
    pub(super) messages: MessageFlags,
    #[command(flatten)]
    pub(super) guests: GuestFlags,
}

#[derive(Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerFlags {
    /// The address and the port to listen at; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
    /// One more address, where everybody may ask for /metrics, /healthz and /readyz. Without it they are at the first one, and
    /// /metrics is for this machine alone.
    #[arg(long, value_name = "ADDR")]
    pub(super) admin_listen: Option<SocketAddr>,
    /// The certificate for HTTPS, in PEM, with those that lead to its root. SIGHUP reads it anew.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// The path below which everything is served, such as /app.
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(super) base_path: String,
    /// Replaces a header of pages, or adds one; an empty value leaves it out. Can be given several times. A page without scripts and
    /// styles of its own can do with 'Content-Security-Policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src
    /// 'none'; base-uri 'none'; frame-ancestors 'self''.
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub(super) header: Vec<(String, String)>,
    /// Takes up the guest's file when it changes, and has pages reload when anything below the root does.
    #[arg(long)]
    pub(super) watch: bool,
    /// This node's name, 1 to 16 of a-z and 0-9, which begins the ids of its circuits. The default is made of the machine's name.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// A WebSocket URL at which pages reach this node past all balancers, to come back to their circuits.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// How long circuits have to end once the server is asked to stop, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds_or_none)]
    drain_time: Duration,
    /// Sends the details of errors, and what a guest says when it panics, to the page. For development.
    #[arg(long)]
    detailed_errors: bool,
}

#[derive(Args)]
#[command(next_help_heading = "Who may connect")]
pub(super) struct AccessFlags {
    /// An origin whose pages may open circuits, such as https://example.com, in place of the server's own. Can be given several times.
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<Origin>,
    /// A name under which the server is reached. Can be given several times. localhost, addresses and the hosts of --origin are known.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Lets in clients that name no origin, which are not browsers.
    #[arg(long)]
    allow_no_origin: bool,
    /// A file with a token in each line, one of which a page must have. It is read anew when it changes.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// The addresses of a proxy that is believed what it says about its clients, such as 10.0.0.0/8. Can be given several times.
    #[arg(long, value_name = "CIDR", value_parser = network)]
    trusted_proxy: Vec<IpNet>,
    /// How many circuits one address (IPv4, or IPv6 /64) may have. No limit by default: many people can share an address.
    #[arg(long, value_name = "COUNT")]
    max_circuits_per_address: Option<usize>,
    /// How many circuits the holders of one token may have. No limit by default.
    #[arg(long, value_name = "COUNT")]
    max_circuits_per_subject: Option<usize>,
    /// How many sockets may be open that have not said hello.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    max_handshakes: usize,
    /// How many of them one address (IPv4, or IPv6 /64) may have.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    max_handshakes_per_address: usize,
    /// How long a socket may be open before its page says hello, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    hello_time: Duration,
}

#[derive(Args)]
#[command(next_help_heading = "Circuits")]
pub(super) struct CircuitFlags {
    /// How many circuits there may be.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub(super) max_circuits: u32,
    /// How many of them may wait for a page that is away, beyond those that have waited for less than the grace.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    max_waiting: usize,
    /// How long a circuit that waits does not count as such, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds_or_none)]
    waiting_grace: Duration,
    /// How long a circuit waits for a page that is away, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "180", value_parser = seconds_or_none)]
    retention: Duration,
    /// How often the server makes a sign of life on a silent socket, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    beat: Duration,
    /// After which silence a socket counts as lost, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    lost_after: Duration,
    /// After which time without a call a circuit ends, in seconds. It does not by default.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    idle: Option<Duration>,
    /// How long a function of the page may take that the guest calls, in seconds during which the page is there.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    page_call_limit: Duration,
}

#[derive(Args)]
#[command(next_help_heading = "Limits of each circuit")]
pub(super) struct MessageFlags {
    /// The largest message of a page. Streams carry more.
    #[arg(long, value_name = "SIZE", default_value = "32KiB", value_parser = size)]
    max_message: usize,
    /// The largest message of a guest.
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = size)]
    max_message_out: usize,
    /// How many asynchronous calls may be under way in each direction.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    max_pending_calls: usize,
    /// How many objects each side may hold of the other.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_references: usize,
    /// How many streams may be open in each direction.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    max_streams: usize,
    /// How many frames a page may send in a second.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    frame_rate: u32,
    /// How many it may send at once.
    #[arg(long, value_name = "COUNT", default_value_t = 4_000)]
    frame_burst: u32,
    /// For how long a page may send more before its circuit ends, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    overrun: Duration,
    /// How much may wait to be sent to a page or acknowledged by it.
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = size)]
    max_outbox: usize,
    /// How many frames of a page may wait for its guest.
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    max_mailbox_frames: usize,
    /// How much they may be.
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = size)]
    max_mailbox: usize,
    /// How much the server may hold for a circuit outside of its guest.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = size)]
    max_account: usize,
}

#[derive(Args)]
#[command(next_help_heading = "Guests")]
pub(super) struct GuestFlags {
    #[command(flatten)]
    limits: Limits,
    /// How much memory all guests may have together. The default is three quarters of what the machine has.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_guests_memory: Option<usize>,
    /// A folder that guests may use, and its name for them: ./uploads::/uploads, or ./data::/data:ro to read only. Can be given several
    /// times; without it guests have no files.
    #[arg(long, value_name = "PATH::NAME[:ro]", value_parser = dir)]
    dir: Vec<Dir>,
    /// An environment variable for guests. Can be given several times; without it they have none.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
}

impl Serve {
    /// Returns a runtime for the server's guests.
    pub(super) fn runtime(&self) -> Result<Runtime, Error> {
        let config = self.guests.limits.config().max_circuits(self.circuits.max_circuits);
        Runtime::new(match self.guests.max_guests_memory {
            Some(bytes) => config.max_total_memory(bytes),
            None => config,
        })
    }

    /// Returns the options of circuits, without who may have one.
    pub(super) fn options(&self) -> Result<CircuitOptions, Error> {
        let Self { server, access, circuits, messages, guests, .. } = self;
        let mut system = SystemAccess::none();
        for Dir { path, name, read_only } in &guests.dir {
            system = system.folder(path, name, *read_only)?;
        }
        for (name, value) in &guests.env {
            system = system.variable(name, value)?;
        }
        let mut options = CircuitOptions::new()
            .access(system)
            .base_path(&server.base_path)
            .drain_time(server.drain_time)
            .detailed_errors(server.detailed_errors)
            .allow_no_origin(access.allow_no_origin)
            .max_circuits_per_address(access.max_circuits_per_address)
            .max_circuits_per_subject(access.max_circuits_per_subject)
            .max_handshakes(access.max_handshakes, access.max_handshakes_per_address)
            .hello_time(access.hello_time)
            .max_waiting(circuits.max_waiting)
            .waiting_grace(circuits.waiting_grace)
            .retention(circuits.retention)
            .beat(circuits.beat)
            .lost_after(circuits.lost_after)
            .idle(circuits.idle)
            .page_call_limit(circuits.page_call_limit)
            .max_message(messages.max_message)
            .max_message_out(messages.max_message_out)
            .max_pending_calls(messages.max_pending_calls)
            .max_references(messages.max_references)
            .max_streams(messages.max_streams)
            .frame_rate(messages.frame_rate, messages.frame_burst)
            .overrun(messages.overrun)
            .max_outbox(messages.max_outbox)
            .max_mailbox_frames(messages.max_mailbox_frames)
            .max_mailbox(messages.max_mailbox)
            .max_account(messages.max_account);
        if let Some(node) = &server.node {
            options = options.node(node);
        }
        if let Some(url) = &server.public_url {
            options = options.public_url(url);
        }
        options = access.origin.iter().cloned().fold(options, CircuitOptions::origin);
        options = access.host.iter().fold(options, CircuitOptions::host);
        Ok(access.trusted_proxy.iter().copied().fold(options, CircuitOptions::trusted_proxy))
    }
}

/// Parses the addresses of a network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse().ok().map(|address: std::net::IpAddr| address.into());
    text.parse().ok().or_else(address).ok_or_else(|| "expected an address or a network, such as 10.0.0.0/8".to_owned())
}
