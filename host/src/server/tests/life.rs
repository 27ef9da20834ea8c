//! A circuit's life: waiting, resuming, taking over, and each of its ends.

use std::time::Duration;

use axum::extract::ws::Message;
use bytes::Bytes;

use super::page::{Heard, Page, circuits, guest, soon};
use crate::config::Config;
use crate::contract::message::Message as Args;
use crate::error::ErrorKind;
use crate::server::circuits::Circuits;
use crate::server::options::CircuitOptions;
use crate::server::wire::{Control, ControlBody, Goodbye, Hello, PageFrame, Reason, ServerFrame, Then};

/// Waits until there are as many circuits as that.
async fn count(circuits: &Circuits, expected: usize) {
    soon(async {
        while circuits.count() != expected {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Waits until a circuit waits for its page.
async fn waiting(circuits: &Circuits, page: &Page) {
    soon(async {
        while circuits.shared.registry.get(&page.circuit).is_some_and(|circuit| circuit.status.state() != "waiting") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Waits for the goodbye and the close after it.
async fn goodbye(page: &mut Page) -> (Goodbye, Option<u16>) {
    let goodbye = loop {
        match page.hear().await {
            Heard::Control(Control::Goodbye(goodbye)) => break goodbye,
            Heard::Frame(_) | Heard::Control(_) => {}
            Heard::Closed(code) => panic!("closed with {code:?} without a goodbye"),
        }
    };
    let Heard::Closed(code) = page.hear().await else { panic!("something after the goodbye") };
    (goodbye, code)
}

#[tokio::test]
async fn what_is_said_while_the_page_is_away_arrives_once() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::start(&circuits).await;
    let call = page.begin("EchoAfter", r#"["answered while away",30]"#);
    page.cut();
    waiting(&circuits, &page).await;
    // Said into the void, and again after the resume.
    let second = page.begin("Add", "[1,2]");
    page.resume().await;
    let mut ended = Vec::new();
    while ended.len() < 2 {
        if let ServerFrame::End { call, outcome } = page.frame().await {
            ended.push((call, outcome.unwrap().json));
        }
    }
    ended.sort();
    assert_eq!(ended, [(call, "\"answered while away\"".to_owned()), (second, "3".to_owned())]);
    assert_eq!(circuits.count(), 1);
}

#[tokio::test]
async fn a_secret_is_good_once_and_the_former_one_until_the_page_has_spoken() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::start(&circuits).await;
    let first = page.secret.clone();
    // The page never reads the answer to this resume.
    page.ask_to_resume();
    assert!(matches!(page.control().await, Control::Resumed(_)));
    page.cut();
    waiting(&circuits, &page).await;
    page.resume().await;
    assert_ne!(page.secret, first);
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    // Now it is over.
    page.cut();
    page.secret = first;
    page.ask_to_resume();
    let Control::Refused(refused) = page.control().await else { panic!("not refused") };
    assert_eq!((refused.reason, refused.then), (Reason::Unknown, Then::Fresh));
}

#[tokio::test]
async fn an_unknown_circuit_and_a_wrong_secret_are_refused_alike() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::start(&circuits).await;
    let (circuit, mut refusals) = (page.circuit.clone(), Vec::new());
    for (circuit, secret) in [(circuit.as_str(), "wrong"), ("n1-nothing", "wrong"), ("", "")] {
        (page.circuit, page.secret) = (circuit.to_owned(), secret.to_owned());
        page.ask_to_resume();
        let Control::Refused(refused) = page.control().await else { panic!("not refused") };
        assert!(matches!(page.hear().await, Heard::Closed(Some(4002))));
        refusals.push(refused);
    }
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:?}");
}

#[tokio::test]
async fn a_second_socket_takes_over_and_the_first_is_closed() {
    let circuits = circuits(CircuitOptions::new());
    let mut first = Page::start(&circuits).await;
    let mut second = Page::connect(&circuits);
    (second.circuit, second.secret) = (first.circuit.clone(), first.secret.clone());
    second.resume().await;
    let (taken, code) = goodbye(&mut first).await;
    assert_eq!((taken.then, code), (Then::End, Some(4001)));
    assert_eq!(second.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    assert_eq!(circuits.count(), 1);
}

#[tokio::test]
async fn a_page_that_does_not_come_back_loses_its_circuit() {
    let circuits = circuits(CircuitOptions::new().retention(Duration::from_millis(20)));
    let mut page = Page::start(&circuits).await;
    page.cut();
    count(&circuits, 0).await;
    page.ask_to_resume();
    let Control::Refused(refused) = page.control().await else { panic!("not refused") };
    assert_eq!(refused.then, Then::Fresh);
}

#[tokio::test]
async fn of_too_many_that_wait_the_eldest_of_the_address_with_most_is_given_up() {
    let options = CircuitOptions::new().max_waiting(2).waiting_grace(Duration::ZERO);
    let circuits = circuits(options);
    let mut pages = Vec::new();
    for _ in 0..3 {
        let mut page = Page::start(&circuits).await;
        page.cut();
        waiting(&circuits, &page).await;
        pages.push(page);
    }
    count(&circuits, 2).await;
    assert!(circuits.shared.registry.get(&pages[0].circuit).is_none());
    pages[2].resume().await;
    assert_eq!(pages[2].call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

#[tokio::test]
async fn those_lost_just_now_do_not_count_among_those_that_wait() {
    let circuits = circuits(CircuitOptions::new().max_waiting(1));
    let mut pages = Vec::new();
    for _ in 0..3 {
        let mut page = Page::start(&circuits).await;
        page.cut();
        waiting(&circuits, &page).await;
        pages.push(page);
    }
    for page in &mut pages {
        page.resume().await;
        assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    }
}

#[tokio::test]
async fn a_goodbye_of_the_page_ends_its_circuit_or_lets_it_wait() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::start(&circuits).await;
    let goodbye =
        |then| Goodbye { kind: ErrorKind::Disconnected.into(), message: String::new(), then, after_ms: None }.encode();
    page.say_control(&goodbye(Then::Resume));
    waiting(&circuits, &page).await;
    page.resume().await;
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    page.say_control(&goodbye(Then::End));
    count(&circuits, 0).await;
}

#[tokio::test]
async fn a_trap_ends_all_calls_with_one_frame_and_the_circuit() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::start(&circuits).await;
    page.begin("CallPage", r#"["never",[]]"#);
    page.begin("Panic", r#"["a secret of the server"]"#);
    let error = loop {
        match page.frame().await {
            ServerFrame::Trapped { error } => break error,
            ServerFrame::PageCall { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error.kind(), ErrorKind::GuestTrapped);
    assert!(error.message().contains(&page.circuit) && !error.message().contains("secret"), "{error}");
    let (end, code) = goodbye(&mut page).await;
    assert_eq!((end.then, code), (Then::End, Some(4006)));
    count(&circuits, 0).await;
}

#[tokio::test]
async fn a_page_that_was_away_when_its_guest_trapped_is_told_so_when_it_returns() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::start(&circuits).await;
    page.begin("PanicLater", r#"["gone"]"#);
    page.cut();
    count(&circuits, 0).await;
    page.ask_to_resume();
    let (end, _) = goodbye(&mut page).await;
    assert_eq!((end.kind.0, end.then), (ErrorKind::GuestTrapped, Then::End));
    // Nobody else is.
    page.secret = "wrong".to_owned();
    page.ask_to_resume();
    let Control::Refused(refused) = page.control().await else { panic!("not refused") };
    assert_eq!(refused.reason, Reason::Unknown);
}

#[tokio::test]
async fn a_guest_that_loops_is_trapped_and_delays_no_neighbour() {
    let config = Config::new().max_sessions(1).max_circuits(2).cpu_limit(Duration::from_millis(200));
    let circuits = Circuits::new(&guest(config), CircuitOptions::new()).unwrap();
    let mut looping = Page::start(&circuits).await;
    let mut neighbour = Page::start(&circuits).await;
    looping.begin("LoopForever", "[]");
    for _ in 0..100 {
        assert_eq!(neighbour.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    }
    let ServerFrame::Trapped { error } = looping.frame().await else { panic!("no trap") };
    assert_eq!(error.kind(), ErrorKind::GuestTrapped);
    assert_eq!(neighbour.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

type Attack = Box<dyn Fn(&mut Page)>;

#[tokio::test]
async fn what_breaks_the_protocol_ends_with_one_goodbye() {
    let circuits = circuits(CircuitOptions::new());
    let call = |call| PageFrame::Call {
        call,
        target: "TestGuest".into(),
        method: "CallPage".to_owned(),
        args: Args::from_json(r#"["never",[]]"#),
    };
    let attacks: [(&str, Attack); 6] = [
        ("text", Box::new(|page| page.say_message(Message::Text("hello".into())))),
        ("a gap", Box::new(|page| page.raw(Bytes::from_static(&[0, 9, 4, 1, 1])))),
        ("garbage", Box::new(|page| page.raw(Bytes::from_static(&[0, 1, 99, 0])))),
        ("an ack of what was not sent", Box::new(|page| page.raw(Bytes::from_static(&[77, 1])))),
        (
            "an end of what was not asked",
            Box::new(|page| {
                page.say(&PageFrame::PageEnd { id: 5, outcome: Ok(Args::from_json("1")) });
            }),
        ),
        (
            "a call twice",
            Box::new(move |page| {
                page.say(&call(7));
                page.say(&call(7));
            }),
        ),
    ];
    for (name, attack) in attacks {
        let mut page = Page::start(&circuits).await;
        attack(&mut page);
        let (goodbye, code) = goodbye(&mut page).await;
        assert_eq!((goodbye.kind.0, goodbye.then, code), (ErrorKind::Protocol, Then::End, Some(4000)), "{name}");
        page.served().await;
        count(&circuits, 0).await;
    }
}

#[tokio::test]
async fn a_message_larger_than_the_limit_ends_the_circuit_with_too_large() {
    let circuits = circuits(CircuitOptions::new().max_message(1_000));
    let mut page = Page::start(&circuits).await;
    let target = "TestGuest".into();
    let args = Args::from_json(format!("[\"{}\"]", "x".repeat(1_000)));
    page.say(&PageFrame::Call { call: 1, target, method: "EchoString".to_owned(), args });
    let (goodbye, code) = goodbye(&mut page).await;
    assert_eq!((goodbye.kind.0, code), (ErrorKind::TooLarge, Some(4003)));
}

#[tokio::test]
async fn calls_wait_until_there_is_room_for_their_results() {
    // Room for one result, and a visit's rest.
    let circuits = circuits(CircuitOptions::new().max_outbox(200_000).max_message_out(100_000));
    let mut page = Page::start(&circuits).await;
    let calls: Vec<u64> = (0..100).map(|_| page.begin("MakeText", "[90000]")).collect();
    for call in calls {
        assert_eq!(page.end(call).await.map(|text| text.len()), Ok(90_002));
        page.acknowledge();
    }
}

#[tokio::test]
async fn what_a_page_sends_while_its_calls_wait_has_a_limit() {
    let circuits = circuits(CircuitOptions::new().max_outbox(200_000).max_message_out(100_000).max_account(1 << 20));
    let mut page = Page::start(&circuits).await;
    // It takes no result, so that calls wait for it to.
    for _ in 0..3 {
        page.begin("MakeText", "[90000]");
    }
    // Two bytes each on the wire, and a task for the guest.
    let objects = vec![(1, 1); 1_000];
    for _ in 0..100 {
        page.say(&PageFrame::Forget { objects: objects.clone() });
    }
    let (goodbye, code) = goodbye(&mut page).await;
    assert_eq!((goodbye.kind.0, code), (ErrorKind::TooLarge, Some(4003)));
}

#[tokio::test]
async fn what_had_ended_before_a_trap_keeps_its_outcome() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let call = |call, method: &str, args: &str| {
        let (target, method, args) = ("TestGuest".into(), method.to_owned(), Args::from_json(args));
        PageFrame::Call { call, target, method, args }
    };
    // One message is one visit.
    page.say_together(&[call(1, "Add", "[1,2]"), call(2, "Panic", r#"["gone"]"#)]);
    assert_eq!(page.end(1).await.as_deref(), Ok("3"));
    assert!(matches!(page.frame().await, ServerFrame::Trapped { .. }));
}

#[tokio::test]
async fn times_without_an_end_are_as_good_as_any() {
    let longest = Duration::MAX;
    let options = CircuitOptions::new().hello_time(longest).lost_after(longest).retention(longest);
    let options = options.waiting_grace(longest).page_call_limit(longest).overrun(longest).idle(longest);
    let circuits = circuits(options.beat(longest - Duration::from_secs(1)).drain_time(longest));
    let mut page = Page::start(&circuits).await;
    let call = page.begin("CallPage", r#"["answer",[]]"#);
    let ServerFrame::PageCall { id, .. } = page.frame().await else { panic!("no call of the page") };
    page.cut();
    page.resume().await;
    page.say(&PageFrame::PageEnd { id, outcome: Ok(Args::from_json("5")) });
    assert_eq!(page.end(call).await.as_deref(), Ok("5"));
    page.say_control(
        &Goodbye { kind: ErrorKind::Disconnected.into(), message: String::new(), then: Then::End, after_ms: None }
            .encode(),
    );
    count(&circuits, 0).await;
    soon(circuits.drain()).await;
}

#[tokio::test]
async fn a_page_that_is_gone_before_its_guest_has_started_leaves_no_circuit() {
    let circuits = circuits(CircuitOptions::new());
    let mut page = Page::connect(&circuits);
    page.say_control(&Hello { client: String::new(), features: Vec::new(), token: None }.encode());
    page.cut();
    page.served().await;
    assert_eq!(circuits.count(), 0);
}

#[tokio::test]
async fn of_results_that_come_at_once_those_without_room_fail_alone() {
    let circuits = circuits(CircuitOptions::new().max_outbox(100_000).max_message_out(100_000));
    let mut page = Page::start(&circuits).await;
    let text = "x".repeat(20_000);
    let calls: Vec<u64> = (0..10).map(|_| page.begin("EchoAfter", &format!(r#"["{text}",200]"#))).collect();
    let (mut ended, mut refused) = (0, 0);
    for call in calls {
        match page.end(call).await {
            Ok(result) => ended += usize::from(result.len() == 20_002),
            Err(error) => refused += usize::from(error.starts_with("too-large: ")),
        }
        page.acknowledge();
    }
    assert_eq!((ended + refused, circuits.count()), (10, 1));
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

#[tokio::test]
async fn a_page_that_acknowledges_nothing_loses_its_circuit() {
    let times = CircuitOptions::new().beat(Duration::from_millis(50)).lost_after(Duration::from_millis(500));
    let circuits = circuits(times.max_outbox(200_000).max_message_out(100_000));
    let mut page = Page::start(&circuits).await;
    // It answers pings, and so is there.
    for _ in 0..3 {
        page.begin("MakeText", "[90000]");
    }
    let (goodbye, code) = goodbye(&mut page).await;
    assert_eq!((goodbye.kind.0, code), (ErrorKind::TooLarge, Some(4005)));
}

#[tokio::test]
async fn a_page_that_says_nothing_is_closed() {
    let circuits = circuits(CircuitOptions::new().hello_time(Duration::from_millis(10)));
    let mut page = Page::connect(&circuits);
    assert!(matches!(page.control().await, Control::Refused(_)));
    assert!(matches!(page.hear().await, Heard::Closed(Some(4007))));
    assert_eq!(circuits.count(), 0);
}

#[tokio::test]
async fn one_circuit_more_than_there_may_be_is_refused_for_now() {
    let config = Config::new().max_sessions(1).max_circuits(1);
    let circuits = Circuits::new(&guest(config), CircuitOptions::new()).unwrap();
    let mut page = Page::start(&circuits).await;
    let mut second = Page::connect(&circuits);
    let hello = crate::server::wire::Hello { client: String::new(), features: Vec::new(), token: None };
    second.say_control(&hello.encode());
    let Control::Refused(refused) = second.control().await else { panic!("not refused") };
    assert_eq!((refused.reason, refused.then, refused.kind.0), (Reason::Full, Then::Later, ErrorKind::TooMany));
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

#[tokio::test]
async fn a_silent_page_is_asked_for_a_sign_of_life_and_lost_without_one() {
    let (beat, lost) = (Duration::from_millis(20), Duration::from_millis(60));
    let circuits = circuits(CircuitOptions::new().beat(beat).lost_after(lost));
    let page = Page::start(&circuits).await;
    // It is not read, and so does not answer.
    waiting(&circuits, &page).await;
    assert_eq!(circuits.count(), 1);
}

#[tokio::test]
async fn a_circuit_without_calls_ends_where_the_server_says_so() {
    let circuits = circuits(CircuitOptions::new().idle(Duration::from_millis(20)));
    let mut page = Page::start(&circuits).await;
    let (goodbye, _) = goodbye(&mut page).await;
    assert_eq!(goodbye.then, Then::Fresh);
    count(&circuits, 0).await;
}

#[tokio::test]
async fn a_drain_ends_quiet_circuits_and_lets_busy_ones_finish() {
    let circuits = circuits(CircuitOptions::new());
    let mut quiet = Page::start(&circuits).await;
    let mut busy = Page::start(&circuits).await;
    let call = busy.begin("CallPage", r#"["answer",[]]"#);
    let ServerFrame::PageCall { id, .. } = busy.frame().await else { panic!("no call of the page") };
    let draining = tokio::spawn({
        let circuits = circuits.clone();
        async move { circuits.drain().await }
    });
    let (goodbye_of_quiet, code) = goodbye(&mut quiet).await;
    assert_eq!((goodbye_of_quiet.then, code), (Then::Fresh, Some(1001)));
    count(&circuits, 1).await;
    busy.say(&PageFrame::PageEnd { id, outcome: Ok(Args::from_json("5")) });
    assert_eq!(busy.end(call).await.as_deref(), Ok("5"));
    goodbye(&mut busy).await;
    soon(draining).await.unwrap();
    let mut late = Page::connect(&circuits);
    let hello = crate::server::wire::Hello { client: String::new(), features: Vec::new(), token: None };
    late.say_control(&hello.encode());
    let Control::Refused(refused) = late.control().await else { panic!("not refused") };
    assert_eq!(refused.reason, Reason::Draining);
}

#[tokio::test]
async fn a_newer_guest_is_for_new_circuits_and_the_others_are_told() {
    let circuits = circuits(CircuitOptions::new());
    let mut old = Page::start(&circuits).await;
    circuits.swap(&guest(Config::new().max_sessions(1).max_circuits(1))).unwrap();
    assert_eq!(old.control().await, Control::Stale);
    assert_eq!(old.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    // A page that was away may not have heard it.
    old.cut();
    waiting(&circuits, &old).await;
    old.resume().await;
    assert_eq!(old.control().await, Control::Stale);
    let mut new = Page::start(&circuits).await;
    assert_eq!(new.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}
