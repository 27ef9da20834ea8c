//! Tasks, and the wake-ups that the guest asks its page for.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use dotwit::__private::dispatch;
use dotwit::prelude::*;

use crate::support::*;

const MILLISECOND: Duration = Duration::from_millis(1);

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static SPAWNED: RefCell<Option<task::JoinHandle<u64>>> = const { RefCell::new(None) };
}

fn log(what: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(what.into()));
}

#[track_caller]
fn assert_log(expected: &[&str]) {
    assert_eq!(LOG.take(), expected);
}

#[js_invokable]
pub async fn sleep_millis(milliseconds: u64) {
    task::sleep(Duration::from_millis(milliseconds)).await;
}

#[js_invokable]
pub fn spawn_at_gate(number: u64) {
    log("spawning");
    let task = task::spawn(async move {
        let _counted = CountsDrop;
        log("polled");
        gate(number).await;
        log("through");
        number
    });
    SPAWNED.set(Some(task));
    log("spawned");
}

#[js_invokable]
pub async fn await_spawned() -> u64 {
    let task = SPAWNED.take().expect("a task was spawned");
    task.await
}

#[js_invokable]
pub async fn yield_in_turns(name: String, turns: usize) {
    for turn in 0..turns {
        log(format!("{name}{turn}"));
        task::yield_now().await;
    }
}

/// Waits for whichever comes first, and wakes at the gate before the page has had its turn.
#[js_invokable]
pub async fn yield_beside_gate(number: u64) -> String {
    let (mut at_gate, mut yielding) = (Box::pin(gate(number)), Box::pin(task::yield_now()));
    let mut opened = false;
    std::future::poll_fn(|cx| {
        opened = opened || at_gate.as_mut().poll(cx).is_ready();
        yielding.as_mut().poll(cx)
    })
    .await;
    format!("opened: {opened}")
}

#[test]
fn a_spawned_task_is_polled_before_the_guest_returns() {
    in_new_guest(|page| {
        invoke("SpawnAtGate", "[1]").expect("it spawns");
        assert_log(&["spawning", "spawned", "polled"]);
        invoke("OpenGate", "[1]").expect("gates open");
        assert_log(&["through"]);
        assert_eq!(begin(1, "AwaitSpawned", "[]"), Some(ok("1")));
        assert_eq!(page.asked(), [] as [Duration; 0]);
    });
}

#[test]
fn awaiting_a_task_gives_its_output() {
    in_new_guest(|page| {
        invoke("SpawnAtGate", "[7]").expect("it spawns");
        assert_eq!(begin(1, "AwaitSpawned", "[]"), None);
        invoke("OpenGate", "[7]").expect("gates open");
        assert_eq!(page.ended(), [(1, ok("7"))]);
    });
}

#[test]
fn a_task_whose_handle_is_dropped_runs_on() {
    in_new_guest(|_| {
        invoke("SpawnAtGate", "[1]").expect("it spawns");
        drop(SPAWNED.take());
        invoke("OpenGate", "[1]").expect("gates open");
        assert_log(&["spawning", "spawned", "polled", "through"]);
        assert_eq!(drops(), 1);
    });
}

/// Aborts the task that was spawned.
#[js_invokable]
pub fn abort_spawned() {
    SPAWNED.take().expect("a task was spawned").abort();
}

#[test]
fn an_aborted_task_is_dropped_before_the_guest_returns() {
    in_new_guest(|_| {
        invoke("SpawnAtGate", "[1]").expect("it spawns");
        assert_eq!(drops(), 0);
        invoke("AbortSpawned", "[]").expect("it aborts");
        assert_eq!(drops(), 1);
        invoke("OpenGate", "[1]").expect("gates open");
        assert_log(&["spawning", "spawned", "polled"]);
    });
}

#[test]
fn sleeping_takes_the_time_that_it_should() {
    in_new_guest(|page| {
        let start = Instant::now();
        assert_eq!(begin(1, "SleepMillis", "[20]"), None);
        let asked = page.asked();
        assert!(asked.len() == 1 && asked[0] <= 20 * MILLISECOND, "{asked:?}");
        page.wake_until_idle();
        assert!(start.elapsed() >= 20 * MILLISECOND);
        assert_eq!(page.ended(), [(1, ok("null"))]);
        assert_eq!(page.asked(), [] as [Duration; 0]);
    });
}

#[test]
fn a_sleep_that_is_over_does_not_ask_for_time() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "SleepMillis", "[0]"), Some(ok("null")));
        assert_eq!(page.asked(), [] as [Duration; 0]);
    });
}

#[test]
fn a_sleep_without_an_end_is_merely_long() {
    in_new_guest(|page| {
        task::spawn(async { task::sleep(Duration::MAX).await });
        page.wake();
        assert!(page.asked().pop() > Some(Duration::from_secs(1 << 30)));
    });
}

/// The dispatcher does not know of calls of the guest's own exports.
#[test]
fn a_task_of_an_export_of_its_own_asks_the_page_for_a_turn() {
    in_new_guest(|page| {
        task::spawn(async { log("first") });
        task::spawn(async { log("second") });
        assert_eq!(page.asked(), [Duration::ZERO]);
        assert_log(&[]);
        assert!(page.wake());
        assert_log(&["first", "second"]);
        assert!(!page.alarm_is_set());
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    in_new_guest(|page| {
        for (call, milliseconds) in [(1, 240), (2, 80), (3, 160)] {
            assert_eq!(begin(call, "SleepMillis", &*format!("[{milliseconds}]")), None);
        }
        page.wake_until_idle();
        assert_eq!(page.ended().into_iter().map(|(call, _)| call).collect::<Vec<_>>(), [2, 3, 1]);
    });
}

#[test]
fn the_page_is_not_asked_again_for_what_it_will_do_anyway() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "SleepMillis", "[20]"), None);
        assert_eq!(page.asked().len(), 1);
        // It will be woken before these are due, and asks then.
        for call in 2..10 {
            assert_eq!(begin(call, "SleepMillis", "[40]"), None);
        }
        assert_eq!(page.asked(), [] as [Duration; 0]);
        page.wake_until_idle();
        assert_eq!(page.ended().len(), 9);
        assert!(page.asked().len() <= 8, "one wake-up does for all that are due");
    });
}

#[test]
fn a_shorter_sleep_sets_the_alarm_anew_and_the_longer_one_is_remembered() {
    in_new_guest(|page| {
        assert_eq!(begin(0, "SleepMillis", "[60000]"), None);
        for call in 1..=20 {
            assert_eq!(begin(call, "SleepMillis", "[1]"), None);
            assert!(page.wake());
            assert_eq!(page.ended().len(), 1);
            assert!(page.alarm_is_set());
        }
        assert_eq!(page.asked().len(), 41, "once for the long sleep, and twice for each short one in it");
    });
}

#[test]
fn wake_ups_that_come_early_are_asked_for_again() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "SleepMillis", "[200]"), None);
        dispatch::run_ready();
        assert_eq!(page.asked().len(), 2);
        assert_eq!(page.ended(), []);
        page.wake_until_idle();
        assert_eq!(page.ended().len(), 1);
    });
}

#[test]
fn one_wake_up_does_for_all_that_are_due() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "SleepMillis", "[40]"), None);
        assert_eq!(begin(2, "SleepMillis", "[20]"), None);
        std::thread::sleep(50 * MILLISECOND);
        assert!(page.wake());
        assert_eq!(page.ended().len(), 2);
        assert!(!page.alarm_is_set());
    });
}

#[test]
fn yielding_gives_the_page_and_the_other_tasks_their_turn() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "YieldInTurns", "[\"a\",3]"), None);
        assert_eq!(page.asked(), [Duration::ZERO]);
        assert_eq!(begin(2, "YieldInTurns", "[\"b\",2]"), None);
        // One turn of the page does for both.
        assert_eq!(page.asked(), [] as [Duration; 0]);
        assert_log(&["a0", "b0"]);
        assert!(page.wake());
        assert_log(&["a1", "b1"]);
        assert_eq!(page.asked(), [Duration::ZERO]);
        assert!(page.wake());
        assert_log(&["a2"]);
        assert_eq!(page.ended(), [(2, ok("null"))]);
        assert!(page.wake());
        assert!(!page.wake());
        assert_eq!(page.ended(), [(1, ok("null"))]);
    });
}

#[test]
fn yielding_lasts_until_the_page_has_had_its_turn_whatever_else_happens() {
    in_new_guest(|page| {
        assert_eq!(begin(1, "YieldBesideGate", "[1]"), None);
        invoke("OpenGate", "[1]").expect("gates open");
        assert_eq!(page.ended(), []);
        page.wake_until_idle();
        assert_eq!(page.ended(), [(1, ok("\"opened: true\""))]);
    });
}

#[test]
fn a_wake_up_that_was_not_asked_for_does_nothing() {
    in_new_guest(|page| {
        for _ in 0..3 {
            dispatch::run_ready();
        }
        assert_eq!((page.asked().len(), page.ended().len()), (0, 0));
    });
}
