//! Guests on fibers, without sockets. The runtime of each test has one thread, which a guest that were not moved would hold.

use std::path::Path;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use super::*;
use crate::config::Config;
use crate::contract::message::{Message, Target};
use crate::engine::Runtime;
use crate::engine::effects::{Settled, Waiter};
use crate::error::ErrorKind;

/// How long a test may take that waits for something.
const GUARD: Duration = Duration::from_secs(60);

/// The host of tests that need no limits of their own: to compile a guest takes longer than all the rest of a test.
static HOST: LazyLock<Host> = LazyLock::new(|| Host::new(Config::new()));

/// What all circuits of a test share.
struct Host {
    guest: FiberGuest,
    executor: Arc<Executor>,
}

impl Host {
    fn new(config: Config) -> Self {
        let runtime = Runtime::new(config.max_sessions(1).max_circuits(20)).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/wasm32-wasip2/release/test_guest.wasm");
        assert!(path.exists(), "{} is missing: run `cargo xtask guests`", path.display());
        let guest = runtime.load(path).unwrap().for_circuits().unwrap();
        Self { guest, executor: Executor::new().unwrap() }
    }

    async fn start(&self) -> GuestRunner {
        self.try_start().await.unwrap()
    }

    async fn try_start(&self) -> Result<GuestRunner, Error> {
        GuestRunner::start(&self.executor, &self.guest, &Arc::new(SystemAccess::none())).await
    }

    fn memory(&self) -> usize {
        self.guest.runtime().memory.used()
    }

    /// Drops guests, and waits until none has memory, nor is on the slow runtime.
    async fn emptied_after(&self, guests: Vec<GuestRunner>) {
        drop(guests);
        let emptied = async {
            while self.memory() > 0 || self.executor.slow_visits() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(GUARD, emptied).await.unwrap();
    }
}

fn limit(cpu: Duration) -> Config {
    Config::new().cpu_limit(cpu)
}

fn call(call: u64, method: &str, args: &str) -> GuestTask {
    let (target, args) = (Target::from("TestGuest"), Message::from_json(args));
    GuestTask::BeginCall { call, target, method: method.to_owned(), args, waiter: Some(Waiter::Driver) }
}

/// Visits the guest with one task.
async fn visit(guest: &mut GuestRunner, task: GuestTask) -> Visited {
    guest.begin(VecDeque::from([task]));
    tokio::time::timeout(GUARD, guest.visited()).await.unwrap()
}

/// The outcomes of the calls that have ended.
fn settled(visited: Visited) -> Vec<(u64, Result<String, ErrorKind>)> {
    let outcome = |settled| match settled {
        Settled::Call { call, outcome, .. } => {
            (call, outcome.map(|result| result.json.clone()).map_err(|error| error.kind()))
        }
        Settled::Read { call, outcome, .. } => {
            (call, outcome.map(|bytes| format!("{bytes:?}")).map_err(|error| error.kind()))
        }
    };
    visited.effects.settled.into_iter().map(outcome).collect()
}

#[tokio::test]
async fn a_call_that_is_ready_ends_with_its_visit_under_its_number() {
    let mut guest = HOST.start().await;
    assert!(guest.is_at_rest());
    let visited = visit(&mut guest, call(7, "Add", "[1,2]")).await;
    assert!(visited.trapped.is_none() && visited.left_over.is_empty());
    assert_eq!(settled(visited), [(7, Ok("3".to_owned()))]);
    assert!(guest.is_at_rest());
}

#[tokio::test]
async fn a_visit_leaves_over_what_is_too_much_for_it() {
    let mut guest = HOST.start().await;
    guest.begin((0..40).map(|number| call(number, "Add", &format!("[{number},1]"))).collect());
    let mut outcomes = Vec::new();
    let mut visits = 0;
    loop {
        let mut visited = guest.visited().await;
        let left_over = std::mem::take(&mut visited.left_over);
        let ended = settled(visited);
        assert!((1..=MAX_TASKS).contains(&ended.len()));
        outcomes.extend(ended);
        visits += 1;
        if left_over.is_empty() {
            break;
        }
        guest.begin(left_over);
    }
    assert!(visits >= 2);
    let expected: Vec<_> = (0..40).map(|number| (number, Ok((number + 1).to_string()))).collect();
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_loop_is_moved_and_ends_after_its_limit_while_another_guest_answers() {
    let host = Host::new(limit(Duration::from_millis(300)));
    let (mut looping, mut quick) = (host.start().await, host.start().await);
    looping.begin(VecDeque::from([call(1, "LoopForever", "[]")]));
    let mut answered = 0;
    let visited = loop {
        tokio::select! {
            biased;
            visited = looping.visited() => break visited,
            other = visit(&mut quick, call(2, "Add", "[1,2]")) => {
                // Had the loop not been moved, it would have been the first to end.
                assert!(looping.is_away());
                assert_eq!(settled(other), [(2, Ok("3".to_owned()))]);
                answered += 1;
            }
        }
    };
    assert!(answered > 0);
    assert!(visited.slow);
    assert_eq!(visited.cause, Some(TrapCause::Time));
    assert!(visited.trapped.as_ref().unwrap().message().contains("it ran for longer than 300ms"));
    assert_eq!(settled(visited), [(1, Err(ErrorKind::GuestTrapped))]);
    let later = visit(&mut looping, call(3, "Add", "[1,2]")).await;
    assert_eq!(settled(later), [(3, Err(ErrorKind::GuestTrapped))]);
}

#[tokio::test]
#[cfg(unix)]
async fn loops_that_share_the_slow_threads_have_their_whole_time_each() {
    let limit_each = Duration::from_millis(100);
    let host = Host::new(limit(limit_each));
    let mut guests = Vec::new();
    for _ in 0..3 * available_parallelism().unwrap().get() {
        guests.push(host.start().await);
    }
    let began = Instant::now();
    guests.iter_mut().for_each(|guest| guest.begin(VecDeque::from([call(1, "LoopForever", "[]")])));
    for guest in &mut guests {
        let visited = tokio::time::timeout(GUARD, guest.visited()).await.unwrap();
        assert_eq!(settled(visited), [(1, Err(ErrorKind::GuestTrapped))]);
    }
    // Three for each thread. A little of it is spent where they began.
    assert!(began.elapsed() > limit_each * 2, "{:?}", began.elapsed());
    host.emptied_after(guests).await;
}

#[tokio::test]
async fn to_drop_a_visit_is_the_end_of_its_guest() {
    let host = Host::new(limit(Duration::MAX));
    for polled in [false, true] {
        let mut guest = host.start().await;
        guest.begin(VecDeque::from([call(1, "LoopForever", "[]")]));
        if polled {
            tokio::select! {
                biased;
                _ = guest.visited() => panic!("a loop ends"),
                () = tokio::task::yield_now() => assert!(guest.is_away()),
            }
        }
        host.emptied_after(vec![guest]).await;
    }
}

#[tokio::test]
async fn a_guest_that_waits_in_the_system_delays_no_other() {
    let (mut waiting, mut quick) = (HOST.start().await, HOST.start().await);
    waiting.begin(VecDeque::from([call(1, "SleepInHost", "[50]")]));
    tokio::select! {
        biased;
        _ = waiting.visited() => panic!("it does not sleep"),
        other = visit(&mut quick, call(2, "Add", "[1,2]")) => assert_eq!(settled(other), [(2, Ok("3".to_owned()))]),
    }
    assert_eq!(settled(waiting.visited().await), [(1, Ok("null".to_owned()))]);
}

#[tokio::test]
async fn to_wait_in_the_system_is_not_to_be_slow() {
    // On a busy machine, the little that it runs may take as long as the ticks that it has.
    let quick = async { while visit(&mut HOST.start().await, call(1, "SleepInHost", "[20]")).await.slow {} };
    tokio::time::timeout(GUARD, quick).await.unwrap();
}

#[tokio::test]
async fn a_guest_that_waits_too_long_is_stopped() {
    let host = Host::new(limit(Duration::from_millis(100)));
    let mut guest = host.start().await;
    let visited = visit(&mut guest, call(1, "SleepInHost", "[3600000]")).await;
    assert!(visited.trapped.as_ref().unwrap().message().contains("it ran for longer than 100ms"));
    assert_eq!(settled(visited), [(1, Err(ErrorKind::GuestTrapped))]);
    host.emptied_after(vec![guest]).await;
}

#[tokio::test]
async fn a_guest_uses_its_folders_and_variables_and_no_others() {
    let (shared, fixed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(fixed.path().join("text"), "fixed").unwrap();
    let access = SystemAccess::none()
        .folder(shared.path(), "shared", false)
        .and_then(|access| access.folder(fixed.path(), "/fixed", true))
        .and_then(|access| access.variable("GREETING", "hello"))
        .unwrap();
    let mut guest = GuestRunner::start(&HOST.executor, &HOST.guest, &Arc::new(access)).await.unwrap();
    let expected = [
        ("ReadVariable", r#"["GREETING"]"#, Ok("\"hello\"")),
        ("ReadVariable", r#"["PATH"]"#, Ok("null")),
        ("WriteFile", r#"["shared/text","written"]"#, Ok("null")),
        ("ReadFile", r#"["shared/text"]"#, Ok("\"written\"")),
        ("ReadFile", r#"["/fixed/text"]"#, Ok("\"fixed\"")),
        ("WriteFile", r#"["/fixed/text","written"]"#, Err(ErrorKind::Failed)),
        ("ReadFile", r#"["shared/../../etc/hostname"]"#, Err(ErrorKind::Failed)),
        ("ReadFile", r#"["/etc/hostname"]"#, Err(ErrorKind::Failed)),
    ];
    for (method, args, outcome) in expected {
        let ended = settled(visit(&mut guest, call(1, method, args)).await);
        assert_eq!(ended, [(1, outcome.map(str::to_owned))], "{method} {args}");
    }
    assert_eq!(std::fs::read_to_string(shared.path().join("text")).unwrap(), "written");
    assert_eq!(std::fs::read_to_string(fixed.path().join("text")).unwrap(), "fixed");
}

#[tokio::test]
async fn a_folder_that_has_gone_fails_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let access = Arc::new(SystemAccess::none().folder(folder.path(), "data", false).unwrap());
    drop(folder);
    let refused = GuestRunner::start(&HOST.executor, &HOST.guest, &access).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Failed);
}

#[tokio::test]
async fn waiting_in_the_system_is_as_in_a_session() {
    let mut guest = HOST.start().await;
    for (method, args, result) in [
        ("ReadStdin", "[]", "0"),
        ("CountVariables", "[]", "0"),
        ("BlockOnStreams", "[]", r#"["closed","closed","closed","closed","closed","closed","7","0","8"]"#),
    ] {
        assert_eq!(settled(visit(&mut guest, call(1, method, args)).await), [(1, Ok(result.to_owned()))], "{method}");
    }
}

#[tokio::test]
async fn a_guest_that_was_slow_begins_on_the_slow_threads() {
    let mut guest = HOST.start().await;
    // It takes many ticks, of which a busy machine may miss some.
    while !visit(&mut guest, call(1, "MakeText", "[20000000]")).await.slow {}
    guest.begin(VecDeque::from([call(2, "Add", "[1,2]")]));
    assert!(guest.is_away());
    assert_eq!(settled(guest.visited().await), [(2, Ok("3".to_owned()))]);
}

#[tokio::test]
async fn a_panic_of_a_guest_ends_all_its_calls() {
    let mut guest = HOST.start().await;
    assert!(settled(visit(&mut guest, call(1, "Never", "[]")).await).is_empty());
    let visited = visit(&mut guest, call(2, "Panic", r#"["gone"]"#)).await;
    assert!(visited.trapped.as_ref().unwrap().message().contains("gone"));
    assert_eq!(visited.cause, Some(TrapCause::Panic));
    let mut ended = settled(visited);
    ended.sort_by_key(|(call, _)| *call);
    assert_eq!(ended, [(1, Err(ErrorKind::GuestTrapped)), (2, Err(ErrorKind::GuestTrapped))]);
}

#[tokio::test]
async fn the_memory_of_all_guests_is_limited_and_returns() {
    let host = Host::new(Config::new());
    let guest = host.start().await;
    let one = host.memory();
    assert!(one > 0);
    host.emptied_after(vec![guest]).await;

    let host = Host::new(Config::new().max_total_memory(one * 2 + one / 2));
    let mut guests = vec![host.start().await, host.start().await];
    let refused = host.try_start().await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::TooMany);
    assert!(
        refused.message().contains(&format!("{} is the limit of all guests together", one * 2 + one / 2)),
        "{refused}"
    );
    let visited = visit(&mut guests[0], call(1, "ExhaustMemory", "[]")).await;
    assert!(visited.trapped.unwrap().message().contains("the limit of all guests together"));
    assert_eq!(visited.cause, Some(TrapCause::Memory));
    host.emptied_after(guests).await;
}

#[tokio::test]
async fn there_are_no_more_circuits_than_the_limit() {
    let host = Host::new(Config::new());
    let mut guests = Vec::new();
    for _ in 0..20 {
        guests.push(host.start().await);
    }
    let refused = host.try_start().await.err().unwrap();
    assert_eq!(
        (refused.kind(), refused.message()),
        (ErrorKind::TooMany, "There are 20 circuits, and 20 is the limit.")
    );
    guests.pop();
    host.start().await;
}

#[test]
fn probation_doubles_until_a_guest_has_been_quick_for_as_long() {
    let (mut probation, now) = (Probation::default(), Instant::now());
    assert!(!probation.lasts(now));
    probation.begin(now);
    assert!(probation.lasts(now + FIRST_PROBATION / 2) && !probation.lasts(now + FIRST_PROBATION));
    let later = now + FIRST_PROBATION;
    probation.begin(later);
    assert!(probation.lasts(later + FIRST_PROBATION) && !probation.lasts(later + 2 * FIRST_PROBATION));
    (0..20).for_each(|_| probation.begin(later));
    assert!(!probation.lasts(later + MAX_PROBATION));
    let much_later = later + 2 * MAX_PROBATION;
    probation.begin(much_later);
    assert!(!probation.lasts(much_later + FIRST_PROBATION));
}

#[test]
fn own_time_is_used_up_by_bursts_and_comes_back() {
    let now = Instant::now();
    let mut own = OwnTime::new(now);
    own.add(OWN_BURST / 2);
    assert!(!own.is_used_up(now));
    own.add(OWN_BURST / 2);
    assert!(own.is_used_up(now));
    assert!(!own.is_used_up(now + Duration::from_millis(1)));
    own.add(OWN_BURST);
    assert!(own.is_used_up(now + OWN_BURST));
    assert!(!own.is_used_up(now + OWN_BURST * (OWN_PART + 1)));
}

#[tokio::test]
async fn a_guest_that_wakes_itself_without_end_leaves_the_quick_ones() {
    let mut guest = HOST.start().await;
    visit(&mut guest, call(1, "SpinInTask", "[]")).await;
    let spinning = async {
        loop {
            guest.begin(VecDeque::from([GuestTask::RunReady]));
            if guest.is_away() {
                return;
            }
            guest.visited().await;
        }
    };
    tokio::time::timeout(GUARD, spinning).await.unwrap();
    guest.visited().await;
    // The page is not made to wait for that.
    guest.begin(VecDeque::from([call(2, "Add", "[1,2]")]));
    assert_eq!(guest.is_away(), guest.probation.lasts(guest.begun));
}
