//! What crosses a circuit: calls both ways, references, bytes and streams.

use super::page::{Page, circuits};
use crate::contract::message::Message;
use crate::error::{Error, ErrorKind};
use crate::server::options::CircuitOptions;
use crate::server::wire::{PageFrame, ServerFrame};

#[tokio::test]
async fn a_welcome_names_the_guests_methods_and_the_limits() {
    let circuits = circuits(CircuitOptions::new().node("n1").max_message(40_000));
    let mut page = Page::connect(&circuits);
    let welcome = page.hello().await;
    assert!(welcome.circuit.starts_with("n1-"), "{}", welcome.circuit);
    assert_eq!((welcome.limits.message, welcome.limits.pending, welcome.retention), (40_000, 1_000, 180_000));
    assert_eq!(welcome.assemblies[0]["name"], "TestGuest");
    assert!(welcome.assemblies[0]["methods"].as_array().unwrap().iter().any(|method| method["id"] == "Add"));
}

#[tokio::test]
async fn calls_end_with_what_their_methods_return() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    assert_eq!(page.call("EchoAfter", r#"["later",1]"#).await.as_deref(), Ok("\"later\""));
    let refused = page.call("NoSuch", "[]").await.unwrap_err();
    assert!(refused.starts_with("no-such-method: "), "{refused}");
    let refused = page.call("Add", "[1]").await.unwrap_err();
    assert!(refused.starts_with("bad-arguments: "), "{refused}");
}

#[tokio::test]
async fn many_calls_at_once_each_end_once() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let calls: Vec<u64> = (0..200).map(|number| page.begin("Add", &format!("[{number},1]"))).collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(page.end(call).await, Ok((number + 1).to_string()));
    }
}

#[tokio::test]
async fn the_guest_calls_the_page() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let call = page.begin("CallPage", r#"["double",[4]]"#);
    let ServerFrame::PageCall { id, request } = page.frame().await else { panic!("no call of the page") };
    assert_eq!((&*request.identifier, &*request.args.json), ("double", "[4]"));
    page.say(&PageFrame::PageEnd { id, outcome: Ok(Message::from_json("8")) });
    assert_eq!(page.end(call).await.as_deref(), Ok("8"));

    let call = page.begin("CallPage", r#"["fails",[]]"#);
    let ServerFrame::PageCall { id, .. } = page.frame().await else { panic!("no call of the page") };
    page.say(&PageFrame::PageEnd { id, outcome: Err(Error::js_failed("not today")) });
    let failed = page.end(call).await.unwrap_err();
    assert!(failed.contains("not today"), "{failed}");
}

#[tokio::test]
async fn a_synchronous_call_of_the_page_is_refused_to_the_guest() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let refused = page.call("CallPageSync", r#"["double",[4]]"#).await.unwrap_err();
    assert!(refused.starts_with("unsupported: ") && refused.contains("asynchronously"), "{refused}");
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

#[tokio::test]
async fn a_call_of_the_page_that_is_not_answered_is_late_and_its_answer_harmless() {
    let options = CircuitOptions::new().page_call_limit(std::time::Duration::from_millis(20));
    let mut page = Page::start(&circuits(options)).await;
    let call = page.begin("CallPage", r#"["slow",[]]"#);
    let ServerFrame::PageCall { id, .. } = page.frame().await else { panic!("no call of the page") };
    let late = page.end(call).await.unwrap_err();
    assert!(late.starts_with("timed-out: "), "{late}");
    // What the late answer names goes back.
    page.say(&PageFrame::PageEnd { id, outcome: Ok(Message::from_json(r#"{"__jsObjectId":7}"#)) });
    let ServerFrame::PageRelease { objects } = page.frame().await else { panic!("nothing is given back") };
    assert_eq!(objects, [(7, 1)]);
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

#[tokio::test]
async fn a_cancelled_call_is_not_answered_and_the_next_one_is() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let cancelled = page.begin("CallPage", r#"["never",[]]"#);
    let ServerFrame::PageCall { id, .. } = page.frame().await else { panic!("no call of the page") };
    page.say(&PageFrame::Cancel { call: cancelled });
    // Dropping the call's work cancels what it has begun at the page.
    let ServerFrame::PageCancel { id: at_page } = page.frame().await else { panic!("the page's call goes on") };
    assert_eq!(at_page, id);
    let next = page.begin("Add", "[1,2]");
    let ServerFrame::End { call, .. } = page.frame().await else { panic!("no end") };
    assert_eq!(call, next);
}

#[tokio::test]
async fn a_stream_of_the_guest_is_sent_as_far_as_there_is_credit() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let named = page.call("StreamBytes", "[100000]").await.unwrap();
    let id = serde_json::from_str::<serde_json::Value>(&named).unwrap()["__dotNetStream"].as_u64().unwrap();
    page.say(&PageFrame::Credit { stream: id, bytes: 50_000 });
    let mut received = 0;
    while received < 50_000 {
        let ServerFrame::Data { stream, bytes } = page.frame().await else { panic!("no data") };
        assert_eq!(stream, id);
        received += bytes.len();
    }
    assert_eq!(received, 50_000);
    // Nothing comes without credit: the next frame is that of a call.
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
    page.say(&PageFrame::Credit { stream: id, bytes: 1 << 20 });
    loop {
        match page.frame().await {
            ServerFrame::Data { bytes, .. } => received += bytes.len(),
            ServerFrame::DataEnd { stream, outcome } => {
                assert_eq!((stream, outcome), (id, Ok(())));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(received, 100_000);
}

#[tokio::test]
async fn a_stream_of_the_page_is_read_in_pieces_that_fit_its_messages() {
    let mut page = Page::start(&circuits(CircuitOptions::new().max_message(10_000))).await;
    let stream = r#"[{"__jsObjectId":3,"__jsStreamReferenceLength":25000},null]"#;
    let call = page.begin("DigestStream", stream);
    loop {
        match page.frame().await {
            ServerFrame::PageRead { id, object, offset, length } => {
                assert_eq!(object, 3);
                let bytes = (offset..offset + u64::from(length)).map(|index| (index % 251) as u8).collect();
                page.say(&PageFrame::PageData { id, outcome: Ok(bytes) });
            }
            ServerFrame::End { call: ended, outcome } => {
                assert_eq!(ended, call);
                let sum: u64 = (0..25_000_u64).map(|index| index % 251).sum();
                let digest: serde_json::Value = serde_json::from_str(&outcome.unwrap().json).unwrap();
                assert_eq!((digest["length"].as_u64(), digest["sum"].as_u64()), (Some(25_000), Some(sum)), "{digest}");
                break;
            }
            ServerFrame::PageRelease { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn one_stream_more_than_the_limit_ends_at_once() {
    let mut page = Page::start(&circuits(CircuitOptions::new().max_streams(1))).await;
    let named = page.call("StreamMany", "[2]").await.unwrap();
    let streams: Vec<serde_json::Value> = serde_json::from_str(&named).unwrap();
    let ids: Vec<u64> = streams.iter().map(|stream| stream["__dotNetStream"].as_u64().unwrap()).collect();
    page.say(&PageFrame::Credit { stream: ids[0], bytes: 1 });
    page.say(&PageFrame::Credit { stream: ids[1], bytes: 1 });
    loop {
        if let ServerFrame::DataEnd { stream, outcome } = page.frame().await {
            assert_eq!((stream, outcome.unwrap_err().kind()), (ids[1], ErrorKind::TooMany));
            break;
        }
    }
}

#[tokio::test]
async fn a_result_that_is_too_large_ends_its_call_alone() {
    let mut page = Page::start(&circuits(CircuitOptions::new().max_message_out(10_000))).await;
    let refused = page.call("MakeText", "[10000]").await.unwrap_err();
    assert!(refused.starts_with("too-large: ") && refused.contains("10000"), "{refused}");
    assert_eq!(page.call("MakeText", "[4]").await.map(|text| text.len()), Ok(6));
}

#[tokio::test]
async fn more_calls_than_the_limit_are_refused_alone() {
    let mut page = Page::start(&circuits(CircuitOptions::new().max_pending_calls(2))).await;
    let first = page.begin("CallPage", r#"["never",[]]"#);
    page.begin("CallPage", r#"["never",[]]"#);
    let refused = page.call("CallPage", r#"["never",[]]"#).await.unwrap_err();
    assert!(refused.starts_with("too-many: "), "{refused}");
    page.say(&PageFrame::Cancel { call: first });
    assert_eq!(page.call("Add", "[1,2]").await.as_deref(), Ok("3"));
}

#[tokio::test]
async fn more_calls_of_the_page_than_the_limit_are_refused_alone() {
    let mut page = Page::start(&circuits(CircuitOptions::new().max_pending_calls(2))).await;
    let call = page.begin("CallPageOften", r#"["answer",3]"#);
    for _ in 0..2 {
        let ServerFrame::PageCall { id, .. } = page.frame().await else { panic!("no call of the page") };
        page.say(&PageFrame::PageEnd { id, outcome: Ok(Message::from_json("5")) });
    }
    assert_eq!(page.end(call).await.as_deref(), Ok(r#"[{"Ok":5},{"Ok":5},{"Err":"too-many"}]"#));
}

#[tokio::test]
async fn a_failure_keeps_its_message_and_loses_its_detail() {
    let mut page = Page::start(&circuits(CircuitOptions::new())).await;
    let call = page.begin("Fail", "[]");
    let ServerFrame::End { call: ended, outcome } = page.frame().await else { panic!("no end") };
    let error = outcome.unwrap_err();
    assert_eq!((ended, error.kind(), error.detail()), (call, ErrorKind::Failed, None));
}
