//! What a guest asks of its system, again and again.

use std::{
    collections::HashSet,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use dotwit::prelude::*;

/// Reads both clocks so many times, and gives the time of day in milliseconds.
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
