//! Streams of the page: how a reference to one is read, and how its bytes come.

use std::io;
use std::task::Poll;

use dotwit::__private::Message;
use dotwit::__private::dispatch::end_read_js;
use dotwit::prelude::*;
use dotwit::{DEFAULT_MAX_ALLOWED_SIZE, Error, ErrorKind, JsStream};
use futures_util::io::AsyncReadExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

/// How much is asked for at once.
const PIECE: usize = 256 * 1024;

thread_local! {
    static TAKEN: std::cell::RefCell<Vec<JsStreamReference>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[js_invokable]
pub fn take_stream(stream: JsStreamReference) {
    TAKEN.with_borrow_mut(|taken| taken.push(stream));
}

#[js_invokable]
pub fn same_stream(stream: JsStreamReference) -> JsStreamReference {
    stream
}

#[js_invokable]
pub fn is_stream(stream: Option<JsStreamReference>) -> bool {
    stream.is_some()
}

fn placeholder(id: i64, length: impl Into<Value>) -> String {
    json!({ "__jsStreamReferenceLength": length.into(), "__jsObjectId": id }).to_string()
}

/// A stream of the page with this length, which the guest got in an argument.
fn stream(length: u64) -> JsStreamReference {
    invoke("TakeStream", &*format!("[{}]", placeholder(3, length))).expect("streams can be taken");
    TAKEN.with_borrow_mut(Vec::pop).expect("the stream was taken")
}

fn open(length: u64) -> JsStream {
    stream(length).open_read_stream(u64::MAX).expect("it can be opened")
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Answers the reads that the guest asks for from `content`, until it asks for no more.
fn serve(page: &TestPage, content: &[u8]) {
    loop {
        let reads = page.reads();
        if reads.is_empty() {
            return;
        }
        for read in reads {
            assert_eq!(read.object, 3);
            let from = usize::try_from(read.offset).expect("it is small");
            end_read_js(read.call, Ok(content[from..from + read.length as usize].to_vec()));
        }
    }
}

#[track_caller]
fn assert_failed<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, parts: &[&str]) {
    assert_fails(result.map(|value| Message::from_json(format!("{value:?}"))), kind, parts);
}

#[test]
fn c90_c94_a_placeholder_without_one_of_its_keys_is_refused() {
    in_new_guest(|page| {
        for (args, missing) in [
            ("[{\"__jsStreamReferenceLength\":5}]", "__jsObjectId"),
            ("[{\"__jsObjectId\":3}]", "__jsStreamReferenceLength"),
            ("[{}]", "__jsObjectId"),
        ] {
            let part = format!("required property '{missing}' was not found");
            assert_fails(invoke("SameStream", args), ErrorKind::BadArguments, &["argument 1 ('stream')", &part]);
        }
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![3], 0));
    });
}

#[test]
fn c91_a_placeholder_with_another_key_is_refused() {
    in_new_guest(|page| {
        let args = "[{\"__jsObjectId\":3,\"__jsStreamReferenceLength\":5,\"foo\":2}]";
        assert_fails(invoke("SameStream", args), ErrorKind::BadArguments, &["unexpected property 'foo'"]);
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![3], 0));
    });
}

#[test]
fn c92_a_placeholder_that_is_incomplete_is_refused() {
    in_new_guest(|_| {
        let args = "[{\"__jsObjectId\":3,\"__jsStreamReferenceLength\":5";
        assert_fails(invoke("SameStream", args), ErrorKind::BadArguments, &["ends too early"]);
    });
}

#[test]
fn c93_a_placeholder_with_a_key_twice_is_refused() {
    in_new_guest(|_| {
        for key in ["__jsObjectId", "__jsStreamReferenceLength"] {
            let args = format!("[{{\"__jsObjectId\":3,\"__jsStreamReferenceLength\":5,\"{key}\":3}}]");
            let parts = &[&*format!("'{key}' is there twice")];
            assert_fails(invoke("SameStream", &*args), ErrorKind::BadArguments, parts);
        }
    });
}

#[test]
fn c95_c96_c97_a_placeholder_is_read_in_either_order_and_written_as_an_object() {
    in_new_guest(|page| {
        for args in [
            "[{\"__jsStreamReferenceLength\":5,\"__jsObjectId\":3}]",
            "[ { \"__jsObjectId\" : 3 , \"__jsStreamReferenceLength\" : 5 } ]",
        ] {
            invoke("TakeStream", args).expect("streams can be taken");
            let taken = TAKEN.with_borrow_mut(Vec::pop).expect("the stream was taken");
            assert_eq!(taken.length(), 5);
            assert_eq!(format!("{taken:?}"), "JsStreamReference { object: JsObjectReference(3), length: 5 }");
            drop(taken);
            assert_eq!(page.released(), [3]);
            assert_eq!(text(invoke("SameStream", args)), "{\"__jsObjectId\":3}");
            page.wake_until_idle();
            assert_eq!(page.released(), [3]);
        }
    });
}

#[test]
fn a_placeholder_with_a_wrong_value_is_refused() {
    in_new_guest(|_| {
        for (length, part) in
            [(json!(-1), "-1"), (json!(1.5), "floating point"), (json!("5"), "string"), (json!(null), "null")]
        {
            let args = format!("[{}]", placeholder(3, length));
            assert_fails(invoke("SameStream", &*args), ErrorKind::BadArguments, &["argument 1 ('stream')", part]);
        }
        for null in ["null", "{\"__jsObjectId\":-1}"] {
            let args = format!("[{null}]");
            assert_fails(invoke("SameStream", &*args), ErrorKind::BadArguments, &["is null", "Option"]);
            assert_eq!(text(invoke("IsStream", &*args)), "false");
        }
        assert_eq!(text(invoke("IsStream", &*format!("[{}]", placeholder(3, 0)))), "true");
    });
}

#[test]
fn a_stream_reference_is_an_object_of_the_page() {
    in_new_guest(|page| {
        let file = stream(5);
        let _call = file.get::<String>("name");
        assert_eq!(page.begun_one().target, 3);
        file.dispose();
        assert_eq!(page.released(), [3]);
        assert_failed(file.open_read_stream(10), ErrorKind::NoSuchObject, &["disposed"]);
    });
}

#[test]
fn a_stream_larger_than_allowed_is_refused_with_both_numbers() {
    in_new_guest(|page| {
        assert_eq!(DEFAULT_MAX_ALLOWED_SIZE, 512_000);
        assert!(stream(512_000).open_read_stream(DEFAULT_MAX_ALLOWED_SIZE).is_ok());
        let refused = stream(512_001).open_read_stream(DEFAULT_MAX_ALLOWED_SIZE);
        assert_failed(refused, ErrorKind::TooLarge, &["512001 bytes", "512000"]);
        assert_failed(stream(1).open_read_stream(0), ErrorKind::TooLarge, &["1 bytes", "0"]);
        assert_eq!(page.reads(), []);
    });
}

/// A page can say any length, and a guest that allows any can still not hold it.
#[test]
fn a_stream_that_no_memory_has_room_for_fails_alone() {
    in_new_guest(|page| {
        for length in [u64::MAX, 1 << 63, 1 << 62] {
            let all = run(open(length).read_all());
            let [read] = page.reads()[..] else { panic!("one piece is asked for") };
            end_read_js(read.call, Ok(bytes(PIECE)));
            assert_failed(all.done(), ErrorKind::TooLarge, &[&format!("{length} bytes"), "room"]);
            assert_eq!(page.reads(), []);
        }
    });
}

#[test]
fn an_empty_stream_ends_at_once() {
    in_new_guest(|page| {
        let read = run(async {
            let all = open(0).read_all().await;
            let mut buffer = [0; 1];
            (all, open(0).next_chunk().await, open(0).read(&mut buffer).await.ok())
        });
        assert_eq!(read.done(), (Ok(Bytes::default()), None, Some(0)));
        assert_eq!(page.reads(), []);
    });
}

#[test]
fn pieces_are_asked_for_one_by_one_as_they_are_wanted() {
    in_new_guest(|page| {
        let content = bytes(2 * PIECE + 10);
        let mut stream = open(content.len() as u64);
        assert_eq!(stream.length(), content.len() as u64);
        assert_eq!(page.reads(), []);
        for (offset, length) in [(0, PIECE), (PIECE, PIECE), (2 * PIECE, 10)] {
            let running = run(async move { (stream.next_chunk().await, stream) });
            let [read] = page.reads().try_into().expect("one read");
            let asked = (read.object, read.offset, read.length as usize);
            assert_eq!(asked, (3, offset as u64, length));
            end_read_js(read.call, Ok(content[offset..offset + length].to_vec()));
            let piece;
            (piece, stream) = running.done();
            assert!(piece.expect("there is more").expect("it is read").as_slice() == &content[offset..offset + length]);
            assert_eq!(page.reads(), []);
        }
        assert_eq!(run(async move { stream.next_chunk().await }).done(), None);
        assert_eq!(page.released(), [3]);
    });
}

#[test]
fn a_stream_can_be_read_more_than_once_and_several_at_a_time() {
    in_new_guest(|page| {
        let content = bytes(PIECE + 1);
        let file = stream(content.len() as u64);
        let streams = [0; 3].map(|_| file.open_read_stream(u64::MAX).expect("it can be opened"));
        drop(file);
        let running = streams.map(|stream| run(stream.read_all()));
        serve(page, &content);
        for read in running {
            assert!(read.done().expect("it is read").0 == content);
        }
        assert_eq!(page.released(), [3]);
    });
}

#[test]
fn a_piece_that_is_too_short_or_too_long_breaks_the_contract() {
    in_new_guest(|page| {
        for sent in [0, 9, 11, 1000] {
            let mut stream = open(10);
            let running = run(async move { (stream.next_chunk().await, stream) });
            let [read] = page.reads().try_into().expect("one read");
            end_read_js(read.call, Ok(vec![1; sent]));
            let (piece, mut stream) = running.done();
            let parts = &[&*format!("sent {sent} bytes"), "from 0 on", "asked for 10"];
            assert_failed(piece.expect("an error"), ErrorKind::Protocol, parts);
            // A stream that has failed has ended; a reader with a buffer gets the error, not the end.
            let rest = run(async move {
                let next = stream.next_chunk().await;
                (next, stream.read(&mut [0; 5]).await)
            });
            let (next, read) = rest.done();
            assert_eq!(next, None);
            assert_eq!(read.expect_err("an error").kind(), io::ErrorKind::Other);
            assert_eq!(page.reads(), []);
        }
    });
}

#[test]
fn a_failure_of_the_page_fails_that_stream_alone() {
    in_new_guest(|page| {
        let (one, other) = (run(open(10).read_all()), run(open(10).read_all()));
        let [first, second] = page.reads().try_into().expect("two reads");
        let error = Error::new(ErrorKind::JsFailed, "The file has changed.").with_detail("NotReadableError");
        end_read_js(first.call, Err(error.clone()));
        assert_eq!(one.done(), Err(error.clone()));
        end_read_js(second.call, Ok(bytes(10)));
        assert_eq!(other.done(), Ok(Bytes(bytes(10))));
        // Through a buffer it is the same error.
        let running = run(async { open(10).read(&mut [0; 5]).await });
        end_read_js(page.reads()[0].call, Err(error.clone()));
        let failed = running.done().expect_err("an error");
        assert_eq!(failed.get_ref().and_then(|inner| inner.downcast_ref()), Some(&error));
    });
}

#[test]
fn ends_of_reads_that_nobody_awaits_are_ignored() {
    in_new_guest(|page| {
        end_read_js(1, Ok(vec![1]));
        let mut stream = open(10);
        let running = run(async move {
            let polled = {
                let mut next = std::pin::pin!(stream.next_chunk());
                std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await
            };
            (polled, stream)
        });
        let (pending, stream) = running.done();
        assert!(pending);
        let [read] = page.reads().try_into().expect("one read");
        drop(stream);
        assert_eq!((page.released(), dotwit::live_references().page_objects), (vec![3], 0));
        end_read_js(read.call, Ok(bytes(10)));
        end_read_js(read.call, Err(Error::new(ErrorKind::JsFailed, "late")));
        // A piece that was waited for and then not goes on where it was.
        let mut stream = open(10);
        {
            let mut next = std::pin::pin!(stream.next_chunk());
            assert!(next.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
        }
        let [read] = page.reads().try_into().expect("one read");
        end_read_js(read.call, Ok(bytes(10)));
        end_read_js(read.call, Ok(bytes(9)));
        let all = run(stream.read_all());
        assert_eq!(page.reads(), []);
        assert_eq!(all.done(), Ok(Bytes(bytes(10))));
    });
}

#[test]
fn a_reference_that_is_disposed_of_in_between_ends_its_streams() {
    in_new_guest(|page| {
        let file = stream(PIECE as u64 + 1);
        let mut stream = file.open_read_stream(u64::MAX).expect("it can be opened");
        let running =
            run(async move { (stream.next_chunk().await.map(|piece| piece.map(|_| ())), stream.next_chunk().await) });
        file.dispose();
        end_read_js(page.reads()[0].call, Ok(bytes(PIECE)));
        let (first, second) = running.done();
        assert_eq!(first, Some(Ok(())));
        assert_failed(second.expect("an error"), ErrorKind::NoSuchObject, &["disposed"]);
    });
}

#[test]
fn at_most_1000_streams_are_open() {
    in_new_guest(|page| {
        let file = stream(10);
        let open = || file.open_read_stream(u64::MAX);
        let mut streams: Vec<JsStream> = (0..1_000).map(|_| open().expect("it can be opened")).collect();
        assert_failed(open(), ErrorKind::TooMany, &["1000 are open", "1000 is the limit"]);
        // One that is dropped makes room, one that was read to its end, and one that has failed.
        streams.pop();
        streams.push(open().expect("there is room"));
        assert!(open().is_err());
        let mut one = streams.pop().expect("there are many");
        let running = run(async move {
            while one.next_chunk().await.is_some() {}
            one
        });
        end_read_js(page.reads()[0].call, Ok(bytes(10)));
        let ended = running.done();
        streams.push(open().expect("there is room"));
        let mut one = streams.pop().expect("there are many");
        let running = run(async move { (one.next_chunk().await, one) });
        end_read_js(page.reads()[0].call, Ok(bytes(9)));
        let failed = running.done();
        streams.push(open().expect("there is room"));
        assert!(open().is_err());
        drop((streams, ended, failed));
        assert!(open().is_ok());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However it is read, the bytes are those of the page, in order.
    #[test]
    fn any_bytes_arrive_whichever_way_they_are_read(
        length in prop_oneof![0..2_000_usize, PIECE - 2..PIECE + 3, 0..3 * PIECE],
        buffers in prop::collection::vec(prop_oneof![0..64_usize, 0..2 * PIECE], 1..20),
    ) {
        in_new_guest(move |page| {
            let content = bytes(length);
            let mut stream = open(length as u64);
            let read = run(async move {
                // By turns through buffers and by the piece.
                let mut all = Vec::new();
                for size in buffers.iter().cycle() {
                    if *size == 0 || all.len() == length {
                        match stream.next_chunk().await {
                            None => return all,
                            Some(piece) => all.extend(piece.expect("it is read").0),
                        }
                    } else {
                        let mut buffer = vec![0; *size];
                        let count = stream.read(&mut buffer).await.expect("it is read");
                        all.extend_from_slice(&buffer[..count]);
                    }
                }
                all
            });
            serve(page, &content);
            assert!(read.done() == content);
        });
    }
}
