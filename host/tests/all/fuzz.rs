//! Replays the fuzz target of the host: a guest's file with changes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::guest_path;

#[path = "../../../tests/fuzz/src/component.rs"]
#[allow(unreachable_pub)]
mod target;

#[test]
fn every_beginning_of_a_guest_is_refused() {
    let guest = std::fs::read(guest_path("hello")).unwrap();
    for length in (0..64).chain((64..guest.len()).step_by(guest.len() / 20)) {
        target::load(&guest[..length]);
    }
}

proptest! {
    // Each that is valid is compiled.
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_guest_with_changes_is_refused_or_runs(changes in vec((any::<Index>(), any::<u8>()), 1..8)) {
        let mut guest = std::fs::read(guest_path("hello")).unwrap();
        for (at, byte) in changes {
            let at = at.index(guest.len());
            guest[at] = byte;
        }
        target::load(&guest);
    }

    #[test]
    fn a_guest_whose_structure_has_changes_is_refused_or_runs(at in 0..4_096_usize, removed in 0..8_usize, added in vec(any::<u8>(), 0..8)) {
        let mut guest = std::fs::read(guest_path("hello")).unwrap();
        guest.splice(at..at + removed, added);
        target::load(&guest);
    }
}
