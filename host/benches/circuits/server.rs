//! The server that is measured: circuits, and the echo beside them.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::routing::get;
use axum::serve::ListenerExt;
use dotwit_host::server::{CircuitOptions, Circuits};
use dotwit_host::{Config, Runtime};
use tokio::net::TcpListener;

use crate::Result;

/// What makes this program the server.
pub(crate) const ARGUMENT: &str = "--as-server";

/// The buffers of a circuit's socket, in bytes.
const BUFFER: usize = 4 << 10;

/// The largest message of a circuit's page, in bytes.
const MAX_MESSAGE: usize = 33 << 10;

/// Serves until its input ends.
pub(crate) fn run() -> Result<()> {
    let circuits = std::env::var("CIRCUITS")?.parse()?;
    let runtime =
        Runtime::new(Config::new().max_sessions(1).max_circuits(circuits).cpu_limit(Duration::from_secs(3600)))?;
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/wasm32-wasip2/release");
    let guest = runtime.load(guests.join(std::env::var("GUEST")?))?;
    // A client that measures sends more than any page, and has no origin.
    let options = CircuitOptions::new().frame_rate(u32::MAX, u32::MAX).allow_no_origin(true);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async move {
        let circuits = Circuits::new(&guest, options)?;
        let router = Router::new().route("/echo", get(echo)).merge(circuits.router());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap_or_default());
        let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
        tokio::select! {
            served = serving.into_future() => Ok(served?),
            ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())) => {
                ended??;
                Ok(())
            }
        }
    })
}

async fn echo(upgrade: WebSocketUpgrade) -> axum::response::Response {
    upgrade
        .protocols(["dotwit.v1"])
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(async |mut socket: WebSocket| {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        })
}

/// The server, seen from the process that measures. It ends with this.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server with room for `circuits`, whose guest is in the file of this name.
    pub(crate) fn start(guest: &str, circuits: u32) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .env("CIRCUITS", circuits.to_string())
            .env("GUEST", guest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        match line.trim().parse() {
            Ok(address) => Ok(Self { process, address }),
            Err(_) => Err("the server has not started".into()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
