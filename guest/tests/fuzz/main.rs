//! Replays the fuzz targets of `tests/fuzz` that a guest has: its seeds, and what proptest makes of them.

#![forbid(unsafe_code)]
#![allow(unreachable_pub)]

#[path = "../../../tests/fuzz/src/guest.rs"]
mod target;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/message");
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .expect("the seeds are there")
        .map(|entry| fs::read(entry.expect("a seed is a file").path()).expect("a seed can be read"))
        .collect();
    seeds.sort();
    assert!(seeds.len() >= 10, "there are {} seeds", seeds.len());
    seeds
}

/// Every method and every type of a result.
const SELECTORS: [u8; 12] = [0, 1, 2, 3, 4, 5, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85];

fn run(data: &[u8]) {
    target::arguments(data);
    target::result(data);
}

#[test]
fn every_seed_with_every_selector() {
    for seed in seeds() {
        for selector in SELECTORS {
            run(&[&[selector], &*seed].concat());
        }
    }
}

/// What messages are made of.
fn token() -> impl Strategy<Value = Vec<u8>> {
    const TOKENS: [&str; 40] = [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\"",
        "\\",
        "null",
        "true",
        "0",
        "1",
        "-1",
        "1e999",
        "9007199254740993",
        "\"a\"",
        "{\"__byte[]\":0}",
        "{\"__byte[]\":1}",
        "{\"__dotNetObject\":1}",
        "{\"__dotNetObject\":0}",
        "{\"__jsObjectId\":3}",
        "{\"__jsObjectId\":-1}",
        "{\"__jsObjectId\":0}",
        "{\"__jsStreamReferenceLength\":5,\"__jsObjectId\":4}",
        "{\"__jsObjectId\":4,\"__jsStreamReferenceLength\":5}",
        "{\"__dotNetStream\":1}",
        "\"__jsObjectId\"",
        "\"__byte[]\"",
        "\"bytes\":",
        "\"object\":",
        "\"stream\":",
        "\"thing\":",
        "\"inner\":[",
        "\"value\":",
        "\"AQID\"",
        "\\u005f",
        " ",
        "\u{e9}",
        "\u{1f600}",
        "\u{0}",
    ];
    prop_oneof![
        20 => select(&TOKENS[..]).prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
        1 => Just(vec![0xff]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_tokens(selector in select(&SELECTORS[..]), tokens in vec(token(), 0..40)) {
        run(&[&[selector], &*tokens.concat()].concat());
    }

    #[test]
    fn seeds_with_changes(
        selector in select(&SELECTORS[..]),
        seed in any::<Index>(),
        changes in vec((any::<Index>(), token(), 0..8_usize), 1..4),
    ) {
        let seeds = seeds();
        let mut data = seed.get(&seeds).clone();
        for (at, token, removed) in changes {
            let at = at.index(data.len() + 1);
            let end = data.len().min(at + removed);
            data.splice(at..end, token);
        }
        run(&[&[selector], &*data].concat());
    }
}
