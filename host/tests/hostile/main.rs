//! The hostile client: each file of `tests/circuit/hostile` is an attack on a real server over a real socket, and a test.
//!
//! Each attack gets the refusal that its file names, and no other; a neighbour's circuit answers during all of it, and afterwards only that
//! one is left. At the end all attacks are made once more, and the process is as large as before.

mod attack;
mod page;
mod socket;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use dotwit_host::server::{CircuitOptions, Circuits, Server};
use dotwit_host::{Config, Guest, Runtime};
use libtest_mimic::{Arguments, Failed, Trial};

use self::attack::{Attack, Options};

/// Nothing takes so long on any machine.
const GUARD: Duration = Duration::from_secs(60);

/// How much larger the process may be after all attacks have been made once more, in bytes: what an allocator keeps of what was freed.
const KEPT: usize = 2 << 20;

/// How often that is tried: memory that leaks does so each time, and an allocator that finds its size does not.
const ROUNDS: usize = 4;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let config = Config::new().max_memory(64 << 20).max_circuits(16).cpu_limit(Duration::from_secs(60));
    let runtime = Runtime::new(config).expect("the engine starts");
    let file = root.join("target/guests/wasm32-wasip2/release/test_guest.wasm");
    let guest = runtime.load(&file).unwrap_or_else(|error| panic!("{error} Run `cargo xtask guests` first."));

    let folder = root.join("tests/circuit/hostile");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the attacks are there")
        .map(|file| file.expect("it can be listed").path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut trials: Vec<Trial> = files
        .iter()
        .map(|file| {
            let (name, file, guest) = (name(file), file.clone(), guest.clone());
            Trial::test(name, move || run(&file, &guest))
        })
        .collect();
    trials.push(Trial::test("memory_returns", move || memory_returns(&files, &guest)));
    // One after the other: the process has one size.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Makes one attack on a server of its own.
fn run(file: &Path, guest: &Guest) -> Result<(), Failed> {
    let attack = read(file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let circuits = Circuits::new(guest, options(&attack.options))?;
    let pages = env::temp_dir();
    let server = runtime.block_on(Server::bind(pages, ([127, 0, 0, 1], 0).into()))?.circuits(&circuits);
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = runtime.spawn(server.run(async move {
        let _ = stopped.await;
    }));
    let outcome = attack::make(&attack, address, &circuits);
    runtime.block_on(circuits.drain());
    let _ = stop.send(());
    runtime.block_on(running)??;
    outcome.map_err(Into::into)
}

fn options(options: &Options) -> CircuitOptions {
    let milliseconds = |time: Option<u64>, default| Duration::from_millis(time.unwrap_or(default));
    CircuitOptions::new()
        .hello_time(milliseconds(options.hello_time, 60_000))
        .retention(milliseconds(options.retention, 60_000))
        .overrun(milliseconds(options.overrun, 60_000))
        .frame_rate(options.frame_rate.unwrap_or(1_000_000), options.frame_rate.unwrap_or(1_000_000))
        .max_handshakes(1_000, options.handshakes.unwrap_or(64))
        .max_waiting(options.waiting.unwrap_or(100))
        .waiting_grace(milliseconds(options.waiting_grace, 60_000))
        .drain_time(Duration::from_millis(200))
}

/// Makes all attacks again, after which the process is as large as before.
fn memory_returns(files: &[PathBuf], guest: &Guest) -> Result<(), Failed> {
    let mut sizes = Vec::new();
    for _ in 0..=ROUNDS {
        for file in files.iter().filter(|file| read(file).is_ok_and(|attack| !attack.slow)) {
            run(file, guest)?;
        }
        let Some(after) = resident() else { return Ok(()) };
        // The first time fills what stays: threads, pools, the allocator's own.
        if sizes.last().is_some_and(|before| after <= before + KEPT) {
            return Ok(());
        }
        sizes.push(after);
    }
    Err(format!("the process grows with each round of attacks, in bytes: {sizes:?}").into())
}

fn read(file: &Path) -> Result<Attack, Failed> {
    serde_json::from_str(&fs::read_to_string(file)?).map_err(|error| format!("{}: {error}", name(file)).into())
}

/// The bytes of memory that the process has, on Linux.
fn resident() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kilobytes| kilobytes << 10)
}
