//! What a guest asks of its system, again and again.

use std::{
    collections::HashSet,
    fs,
    io::{Read, stdin},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use dotwit::prelude::*;
use wasip2::{
    cli::stdout::get_stdout,
    clocks::monotonic_clock::{now, subscribe_duration, subscribe_instant},
    io::{poll::poll, streams::StreamError},
};

/// Reads both clocks so many times, and returns the time of day in milliseconds.
#[js_invokable]
pub fn read_clocks(times: u32) -> u64 {
    let begin = Instant::now();
    let mut millis = 0;
    for _ in 0..times {
        assert!(Instant::now() >= begin, "the clock runs backwards");
        millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    }
    u64::try_from(millis).unwrap_or(u64::MAX)
}

/// Writes a line to standard output so many times.
#[js_invokable]
pub fn print_lines(line: String, times: u32) {
    for _ in 0..times {
        println!("{line}");
    }
}

/// How many variables the environment has, counted in a set that random numbers seed.
#[js_invokable]
pub fn count_variables() -> usize {
    std::env::vars().collect::<HashSet<_>>().len()
}

/// Returns a variable of the environment, if there is one of that name.
#[js_invokable]
pub fn read_variable(name: String) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the text of a file.
#[js_invokable]
pub fn read_file(path: String) -> Result<String, std::io::Error> {
    fs::read_to_string(path)
}

/// Writes a text to a file.
#[js_invokable]
pub fn write_file(path: String, text: String) -> Result<(), std::io::Error> {
    fs::write(path, text)
}

/// Sleeps in the system, and returns how many milliseconds that took.
#[js_invokable]
pub fn thread_sleep(millis: u64) -> u64 {
    let begin = Instant::now();
    thread::sleep(Duration::from_millis(millis));
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Sleeps in the system within an asynchronous method, before and after it has awaited something.
#[js_invokable]
pub async fn thread_sleep_async(millis: u64) -> u64 {
    let before = thread_sleep(millis);
    task::yield_now().await;
    before.min(thread_sleep(millis))
}

/// Polls timers of so many milliseconds each at once, and returns the indices of those that are over and how long that took.
#[js_invokable]
pub fn poll_timers(millis: Vec<u64>) -> (Vec<u32>, u64) {
    let begin = Instant::now();
    let timers: Vec<_> = millis.iter().map(|millis| subscribe_duration(millis.saturating_mul(1_000_000))).collect();
    let ready = poll(&timers.iter().collect::<Vec<_>>());
    (ready, u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Whether timers of an hour and of the end of time are not over, keep nobody waiting beside one that is, and can be dropped.
#[js_invokable]
pub fn drop_timers() -> bool {
    let long = subscribe_duration(3_600_000_000_000);
    let endless = subscribe_duration(u64::MAX);
    let over = subscribe_instant(now().saturating_sub(1));
    let ready = long.ready() || endless.ready() || !over.ready();
    drop(endless);
    let polled = poll(&[&long, &over]);
    drop(long);
    over.block();
    !ready && polled == [1]
}

/// Whether timers of no time, of the past and of now are over at once, alone and together.
#[js_invokable]
pub fn past_timers() -> bool {
    let timers = [subscribe_duration(0), subscribe_instant(0), subscribe_instant(now())];
    timers.iter().for_each(|timer| timer.block());
    timers.iter().all(|timer| timer.ready()) && poll(&timers.iter().collect::<Vec<_>>()) == [0, 1, 2]
}

/// Reads standard input to its end, and returns the number of bytes.
#[js_invokable]
pub fn read_stdin() -> Result<usize, std::io::Error> {
    stdin().read_to_end(&mut Vec::new())
}

/// Does what blocks with the streams of the system: returns what each of the reads, skips and splices of standard input says.
#[js_invokable]
pub fn block_on_streams() -> Vec<String> {
    let input = wasip2::cli::stdin::get_stdin();
    let output = get_stdout();
    input.subscribe().block();
    output.subscribe().block();
    let told = |result: Result<u64, StreamError>| match result {
        Ok(count) => count.to_string(),
        Err(StreamError::Closed) => "closed".to_owned(),
        Err(StreamError::LastOperationFailed(error)) => error.to_debug_string(),
    };
    let mut said = vec![
        told(input.read(5).map(|bytes| bytes.len() as u64)),
        told(input.blocking_read(5).map(|bytes| bytes.len() as u64)),
        told(input.skip(5)),
        told(input.blocking_skip(5)),
        told(output.splice(&input, 5)),
        told(output.blocking_splice(&input, 5)),
    ];
    said.push(told(output.blocking_write_and_flush(b"a line\n").map(|()| 7)));
    said.push(told(output.blocking_flush().map(|()| 0)));
    drop(output);
    said.push(told(get_stdout().blocking_write_and_flush(b"another\n").map(|()| 8)));
    said
}
