//! What the fuzz target `wire_read` does with its bytes, and its replay.

use bytes::Bytes;

use super::{CountedFrame, Frame, PageFrame, ServerFrame, SocketMessage, WireLimits};

/// The limit of a frame's body. The fuzzer's inputs are about as large, so that both sides of it are tried.
const LIMIT: usize = 2_048;

/// Reads a message: the first bit says from whom. Nothing may panic, and what is read can be written again: a counted frame in as many bytes,
/// and with the same meaning.
pub(crate) fn wire_read(data: &[u8]) {
    let Some((selector, message)) = data.split_first() else { return };
    let message = Bytes::copy_from_slice(message);
    match selector & 1 {
        0 => read::<PageFrame>(message, WireLimits::of_page(LIMIT)),
        _ => read::<ServerFrame>(message, WireLimits::of_server(LIMIT)),
    }
}

fn read<F: CountedFrame + std::fmt::Debug>(bytes: Bytes, limits: WireLimits) {
    let Ok(message) = SocketMessage::<F>::read(bytes, limits) else { return };
    let mut next = None;
    for frame in message.frames {
        let Ok(Frame::Counted { number, size, frame }) = frame else { continue };
        assert_eq!(number, next.unwrap_or(number), "numbers follow each other");
        next = Some(number + 1);
        let written = frame.encode(&limits).expect("what can be read can be written");
        assert_eq!(written.len(), size, "{frame:?}");
        let message = super::write_message(0, number, std::iter::once(&written));
        let again = SocketMessage::<F>::read(message, limits).expect("it has a header").frames.next();
        let Some(Ok(Frame::Counted { frame: again, .. })) = again else { panic!("{frame:?} is not read again") };
        assert_eq!(format!("{frame:?}"), format!("{again:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::wire_read;

    fn seeds() -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/wire");
        let mut seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        seeds.sort_unstable();
        seeds.iter().map(|file| std::fs::read(file).unwrap()).collect()
    }

    #[test]
    fn every_beginning_of_a_seed_is_read_or_refused() {
        for seed in seeds() {
            (0..=seed.len()).for_each(|length| wire_read(&seed[..length]));
        }
    }

    #[test]
    fn every_seed_with_one_other_byte_is_read_or_refused() {
        for mut seed in seeds() {
            for at in 0..seed.len() {
                let byte = seed[at];
                for other in [0, 1, 0x7f, 0x80, 0xff, byte.wrapping_add(1), byte.wrapping_sub(1)] {
                    seed[at] = other;
                    wire_read(&seed);
                }
                seed[at] = byte;
            }
        }
    }

    proptest! {
        #[test]
        fn a_seed_with_changes_is_read_or_refused(
            seed in select(seeds()),
            changes in vec((any::<Index>(), any::<u8>()), 1..6),
            cut in any::<Index>(),
            added in vec(any::<u8>(), 0..6),
        ) {
            let mut seed = seed;
            for (at, byte) in changes {
                let at = at.index(seed.len());
                seed[at] = byte;
            }
            let cut = cut.index(seed.len());
            seed.splice(cut..cut, added);
            wire_read(&seed);
        }
    }
}
