//! The measurements.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Bytes;

use crate::Result;
use crate::connection::{Connection, call};
use crate::server::Server;
use crate::system::{Usage, allowed};
use crate::times::{Times, print_rate, print_time};

/// The guest that is called, which can loop as well, and the one that is idle: the README's.
const GUEST: &str = "test_guest.wasm";
const SMALL_GUEST: &str = "hello.wasm";

/// The call that is measured: with its names it is a message of 64 bytes.
const ASSEMBLY: &str = "TestGuest";
const METHOD: &str = "EchoString";
const ARGS: &str = r#"["some text of a page, like this"]"#;

/// The round trips of one block. Blocks of both kinds alternate, so that what else the machine does meets both.
const BLOCK: usize = 500;
const BLOCKS: usize = 60;

/// The clients that are busy at once.
const BUSY: usize = 32;

/// How long they are busy at a time, and how often.
const BUSY_TIME: Duration = Duration::from_secs(1);
const BUSY_TIMES: usize = 4;

/// The guests that never return.
const LOOPS: usize = 100;

/// The idle circuits.
const IDLE: u32 = 10_000;

/// The circuits that are there before memory is measured: what the first ones bring is not theirs alone.
const BEFORE: u32 = 50;

/// The circuits that begin at once: the server allows an address 64 that have not said hello.
const BEGINNING: usize = 32;

pub(crate) fn run() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        println!("circuits beside a bare echo{:>33} {:>9} {:>11}", "", "ratio", "reference");
        round_trips().await?;
        throughput().await?;
        loops().await?;
        idle().await
    })
}

async fn round_trips() -> Result<()> {
    let server = Server::start(GUEST, 10)?;
    let message = Bytes::from(call(1, 1, ASSEMBLY, METHOD, ARGS));
    let (mut echo, mut circuit) = (Connection::echo(server.address).await?, Connection::circuit(server.address).await?);
    let (mut bare, mut called) = (Times::default(), Times::default());
    for block in 0..=BLOCKS {
        for _ in 0..BLOCK {
            let began = Instant::now();
            echo.round_trip_of_echo(&message).await?;
            let between = Instant::now();
            // The first block is not measured.
            if block > 0 {
                bare.push(between - began);
            }
        }
        for _ in 0..BLOCK {
            let began = Instant::now();
            circuit.call(ASSEMBLY, METHOD, ARGS).await?;
            if block > 0 {
                called.push(began.elapsed());
            }
        }
    }
    let what = format!("round trip of {} bytes", message.len());
    print_time(&format!("{what}, p50"), called.quantile(0.5), bare.quantile(0.5), 1.2);
    print_time(&format!("{what}, p99"), called.quantile(0.99), bare.quantile(0.99), 2.0);
    Ok(())
}

async fn throughput() -> Result<()> {
    let server = Server::start(GUEST, BUSY as u32)?;
    let (mut bare, mut called) = (0, 0);
    let (mut echoes, mut circuits) = (Vec::new(), Vec::new());
    for _ in 0..BUSY {
        echoes.push(Connection::echo(server.address).await?);
        circuits.push(Connection::circuit(server.address).await?);
    }
    let message = Bytes::from(call(1, 1, ASSEMBLY, METHOD, ARGS));
    for _ in 0..BUSY_TIMES {
        let until = Instant::now() + BUSY_TIME;
        let mut busy = JoinSet::new();
        for mut echo in std::mem::take(&mut echoes) {
            let message = message.clone();
            busy.spawn(async move {
                let mut count = 0;
                while Instant::now() < until {
                    echo.round_trip_of_echo(&message).await?;
                    count += 1;
                }
                Result::Ok((echo, count))
            });
        }
        for done in busy.join_all().await {
            let (echo, count) = done?;
            echoes.push(echo);
            bare += count;
        }
        let until = Instant::now() + BUSY_TIME;
        let mut busy = JoinSet::new();
        for mut circuit in std::mem::take(&mut circuits) {
            busy.spawn(async move {
                let mut count = 0;
                while Instant::now() < until {
                    circuit.call(ASSEMBLY, METHOD, ARGS).await?;
                    count += 1;
                }
                Result::Ok((circuit, count))
            });
        }
        for done in busy.join_all().await {
            let (circuit, count) = done?;
            circuits.push(circuit);
            called += count;
        }
    }
    let rate = |count: i32| f64::from(count) / (BUSY_TIME.as_secs_f64() * BUSY_TIMES as f64);
    print_rate(&format!("{BUSY} busy circuits"), rate(called), rate(bare), 0.7);
    Ok(())
}

/// Measures a quick circuit without and beside guests that never return.
async fn loops() -> Result<()> {
    let server = Server::start(GUEST, LOOPS as u32 + 1)?;
    let mut quick = Connection::circuit(server.address).await?;
    round_trips_of(&mut quick).await?;
    let mut alone = round_trips_of(&mut quick).await?;
    let mut looping = Vec::new();
    for _ in 0..LOOPS {
        let mut circuit = Connection::circuit(server.address).await?;
        circuit.begin(ASSEMBLY, "LoopForever", "[]").await?;
        looping.push(circuit);
    }
    round_trips_of(&mut quick).await?;
    let mut beside = round_trips_of(&mut quick).await?;
    let what = format!("beside {LOOPS} guests that loop");
    print_time(&format!("{what}, p50"), beside.quantile(0.5), alone.quantile(0.5), 1.3);
    print_time(&format!("{what}, p99"), beside.quantile(0.99), alone.quantile(0.99), 3.0);
    Ok(())
}

async fn round_trips_of(circuit: &mut Connection) -> Result<Times> {
    let mut times = Times::default();
    for _ in 0..BLOCK * BLOCKS / 3 {
        let began = Instant::now();
        circuit.call(ASSEMBLY, METHOD, ARGS).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

async fn idle() -> Result<()> {
    let (count, why) = allowed(IDLE);
    if let Some(why) = why {
        println!("{IDLE} idle circuits are more than {why} allows here: {count} are measured");
    }
    let server = Server::start(SMALL_GUEST, count)?;
    let mut idle = begin(server.address, BEFORE, 0).await?;
    let before = Usage::of(server.id())?;
    idle.push_all(begin(server.address, count - BEFORE, 0).await?);
    let after = Usage::of(server.id())?;
    print_usage(&format!("{count} idle circuits"), before, after, count - BEFORE);
    drop((idle, server));

    let server = Server::start(SMALL_GUEST, count)?;
    let mut idle = begin(server.address, BEFORE, 1).await?;
    let before = Usage::of(server.id())?;
    idle.push_all(begin(server.address, count - BEFORE, 1).await?);
    let after = Usage::of(server.id())?;
    print_usage(&format!("{count} idle circuits, each after a call"), before, after, count - BEFORE);
    Ok(())
}

/// Idle circuits. They end with this.
struct Idle(JoinSet<()>);

impl Idle {
    fn push_all(&mut self, other: Self) {
        // Both are only there to be dropped.
        self.0.spawn(async move {
            std::future::pending::<()>().await;
            drop(other)
        });
    }
}

/// Opens circuits that make some calls and are idle then.
async fn begin(server: SocketAddr, count: u32, calls: u32) -> Result<Idle> {
    let mut idle = Idle(JoinSet::new());
    let mut beginning = JoinSet::new();
    for _ in 0..count {
        if beginning.len() == BEGINNING {
            keep(&mut idle, beginning.join_next().await)?;
        }
        beginning.spawn(async move {
            let mut circuit = Connection::circuit(server).await?;
            for _ in 0..calls {
                circuit.call("Hello", "Add", "[1,2]").await?;
            }
            Result::Ok(circuit)
        });
    }
    while let Some(begun) = beginning.join_next().await {
        keep(&mut idle, Some(begun))?;
    }
    // What follows a call, such as its acknowledgement, has time to be over.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(idle)
}

fn keep(idle: &mut Idle, begun: Option<std::result::Result<Result<Connection>, tokio::task::JoinError>>) -> Result<()> {
    if let Some(begun) = begun {
        idle.0.spawn(begun??.idle());
    }
    Ok(())
}

fn print_usage(what: &str, before: Usage, after: Usage, circuits: u32) {
    let each = |of: fn(Usage) -> u64| of(after).saturating_sub(of(before)) as f64 / f64::from(circuits);
    let (anonymous, guests, tables) =
        (each(|usage| usage.anonymous), each(|usage| usage.guests), each(|usage| usage.page_tables));
    let beside = anonymous - guests + tables;
    let verdict = if beside <= 100.0 { "" } else { "  MISSED" };
    println!(
        "{what:<48} {beside:>7.1} KiB each beside the guest's own {guests:.1} KiB   bar ≤ 100 KiB{verdict}\n{:<48} {tables:>7.1} KiB \
         of it page tables, {:.2} maps each",
        "",
        each(|usage| usage.maps)
    );
}
