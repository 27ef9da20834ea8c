//! Streams of the guest: how one is written, and how the page reads it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use dotwit::__private::dispatch::{self, close, read};
use dotwit::__private::{Chunk, Message};
use dotwit::prelude::*;
use dotwit::{Error, ErrorKind};
use futures_core::Stream;
use futures_io::AsyncRead;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::*;

thread_local! {
    static NEXT: RefCell<VecDeque<DotNetStreamReference>> = const { RefCell::new(VecDeque::new()) };
}

/// The stream that a test put in [`NEXT`].
#[js_invokable]
pub fn next_stream() -> Option<DotNetStreamReference> {
    NEXT.with_borrow_mut(VecDeque::pop_front)
}

/// All of them.
#[js_invokable]
pub fn all_streams() -> VecDeque<DotNetStreamReference> {
    NEXT.take()
}

/// All of them, and something that cannot be sent.
#[derive(Serialize)]
pub struct StreamsAndMore {
    streams: VecDeque<DotNetStreamReference>,
    more: std::collections::BTreeMap<Vec<u8>, u8>,
}

#[js_invokable]
pub fn all_streams_and_more() -> StreamsAndMore {
    StreamsAndMore { streams: NEXT.take(), more: [(vec![1], 1)].into() }
}

/// A value that the macro cannot look into.
#[derive(Debug, Serialize, Deserialize)]
pub struct HasStream {
    stream: DotNetStreamReference,
}

#[js_invokable]
pub fn take_stream_of_the_guest(_value: HasStream) {}

/// Sends a stream to the page and returns its id.
fn send(stream: DotNetStreamReference) -> u64 {
    NEXT.with_borrow_mut(|next| next.push_back(stream));
    stream_id(&text(invoke("NextStream", "[]")))
}

fn stream_id(text: &str) -> u64 {
    let digits = text.strip_prefix("{\"__dotNetStream\":").and_then(|rest| rest.strip_suffix('}'));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{text} is not a stream"))
}

/// A piece that is there at once.
#[track_caller]
fn piece(stream: u64, max: u32) -> Chunk {
    read(1, stream, max).expect("it is there")
}

/// The one read that has ended.
#[track_caller]
fn ended_one(page: &TestPage) -> (u64, Chunk) {
    let mut pieces = page.pieces();
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    pieces.remove(0)
}

#[track_caller]
fn assert_piece_fails(piece: Chunk, kind: ErrorKind, parts: &[&str]) {
    assert_fails(piece.map(|piece| Message::from_json(format!("{piece:?}"))), kind, parts);
}

#[track_caller]
fn assert_ended(stream: u64) {
    assert_piece_fails(piece(stream, 10), ErrorKind::NoSuchObject, &[&format!("no stream with id '{stream}'")]);
}

/// What happens when a source is asked for bytes.
#[derive(Clone, Debug)]
enum Step {
    Give(Vec<u8>),
    Fail(&'static str),
    /// It waits for a gate.
    Wait(u64),
    /// It closes its own stream.
    Close(u64),
}

/// A source that does as it is told, and counts its drop.
struct Script {
    steps: VecDeque<Step>,
    _counted: CountsDrop,
}

fn script(steps: impl IntoIterator<Item = Step>) -> Script {
    Script { steps: steps.into_iter().collect(), _counted: CountsDrop }
}

impl Script {
    fn poll(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Option<io::Result<Vec<u8>>>> {
        loop {
            return match self.steps.pop_front() {
                None => Poll::Ready(None),
                Some(Step::Give(mut bytes)) => {
                    if bytes.len() > max {
                        self.steps.push_front(Step::Give(bytes.split_off(max)));
                    }
                    Poll::Ready(Some(Ok(bytes)))
                }
                Some(Step::Fail(message)) => Poll::Ready(Some(Err(io::Error::other(message)))),
                Some(Step::Close(stream)) => {
                    close(stream);
                    continue;
                }
                Some(Step::Wait(number)) => match std::pin::pin!(gate(number)).poll(cx) {
                    Poll::Ready(()) => continue,
                    Poll::Pending => {
                        self.steps.push_front(Step::Wait(number));
                        Poll::Pending
                    }
                },
            };
        }
    }
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.poll(&mut Context::from_waker(Waker::noop()), buffer.len()) {
            Poll::Ready(None) => Ok(0),
            Poll::Ready(Some(result)) => result.map(|bytes| {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                bytes.len()
            }),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, buffer.len()).map(|step| match step {
            None => Ok(0),
            Some(result) => result.map(|bytes| {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                bytes.len()
            }),
        })
    }
}

impl Stream for Script {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx, usize::MAX)
    }
}

/// The same source in each of the ways that can wait.
fn that_can_wait(steps: &[Step]) -> [DotNetStreamReference; 2] {
    [
        DotNetStreamReference::from_async_read(script(steps.to_vec())),
        DotNetStreamReference::from_stream(script(steps.to_vec())),
    ]
}

/// The same source in each of the ways there are.
fn in_every_way(steps: &[Step]) -> [DotNetStreamReference; 3] {
    let [one, other] = that_can_wait(steps);
    [one, other, DotNetStreamReference::from_reader(script(steps.to_vec()))]
}

#[test]
fn c80_a_stream_of_the_guest_cannot_be_received() {
    in_new_guest(|_| {
        let outcome = invoke("TakeStreamOfTheGuest", "[{\"stream\":{\"__dotNetStream\":1}}]");
        assert_fails(
            outcome,
            ErrorKind::Unsupported,
            &["DotNetStreamReference cannot be received", "JsStreamReference"],
        );
        assert!(serde_json::from_str::<HasStream>("{\"stream\":{\"__dotNetStream\":1}}").is_err());
        assert!(serde_json::to_string(&DotNetStreamReference::from_bytes([1])).is_err());
    });
}

#[test]
fn c81_the_first_stream_is_number_1() {
    in_new_guest(|_| {
        NEXT.with_borrow_mut(|next| next.push_back(DotNetStreamReference::from_bytes([1])));
        assert_eq!(text(invoke("NextStream", "[]")), "{\"__dotNetStream\":1}");
    });
}

#[test]
fn the_content_type_of_a_stream_goes_beside_its_id() {
    in_new_guest(|_| {
        let stream = DotNetStreamReference::from_bytes([1]).with_content_type("image/png");
        NEXT.with_borrow_mut(|next| next.push_back(stream));
        assert_eq!(text(invoke("NextStream", "[]")), "{\"__dotNetStream\":1,\"__contentType\":\"image/png\"}");
    });
}

#[test]
fn c132_streams_have_ids_in_order_which_objects_share() {
    in_new_guest(|_| {
        NEXT.set((0..10).map(|_| DotNetStreamReference::from_bytes([1])).collect());
        let expected: Vec<_> = (1..=10).map(|id| json!({ "__dotNetStream": id })).collect();
        assert_eq!(json(invoke("AllStreams", "[]")), json!(expected));
        assert_eq!(id(&json(invoke("CreateCounter", "[0]"))), 11);
        assert_eq!(send(DotNetStreamReference::from_bytes([1])), 12);
        assert_eq!((dotwit::live_references().streams, dispatch::live()), (11, 1));
    });
}

#[test]
fn a_stream_goes_to_one_reader() {
    in_new_guest(|page| {
        let stream = DotNetStreamReference::from_bytes([1, 2]);
        assert_eq!(format!("{stream:?}"), "DotNetStreamReference(not sent)");
        // Not twice in one message, which leaves it unsent.
        let parts = &["DotNetStreamReference cannot be sent twice"];
        let error = run(js::invoke_void("f", (&stream, &stream))).done().expect_err("it is there twice");
        assert_fails(Err(error), ErrorKind::Failed, parts);
        assert_eq!((dotwit::live_references().streams, page.begun()), (0, vec![]));
        // And not in two.
        let _call = js::invoke_void("f", (&stream,));
        let sent = stream_id(page.begun_one().args.json.trim_matches(['[', ']']));
        assert_eq!(format!("{stream:?}"), "DotNetStreamReference(sent)");
        let error = run(js::invoke_void("f", (&stream,))).done().expect_err("it was sent");
        assert_fails(Err(error), ErrorKind::Failed, parts);
        // The page can read it, whatever becomes of the reference.
        drop((stream, _call));
        assert_eq!(piece(sent, 10), Ok(vec![1, 2]));
        NEXT.with_borrow_mut(|next| next.push_back(DotNetStreamReference::from_bytes([3])));
    });
}

#[test]
fn streams_in_what_cannot_be_sent_are_dropped() {
    in_new_guest(|_| {
        NEXT.set(in_every_way(&[]).into());
        assert_fails(invoke("AllStreamsAndMore", "[]"), ErrorKind::Failed, &["cannot be sent", "key"]);
        assert_eq!((dotwit::live_references().streams, drops()), (0, 3));
        // One that is never sent is dropped with its reference.
        drop(in_every_way(&[]));
        assert_eq!(drops(), 6);
    });
}

#[test]
fn a_stream_is_read_piece_by_piece_and_dropped_at_its_end() {
    in_new_guest(|_| {
        for stream in in_every_way(&[Step::Give(vec![1, 2, 3]), Step::Give(vec![]), Step::Give(vec![4, 5, 6, 7])]) {
            // A reader ends when it returns no bytes.
            let dropped = drops();
            let id = send(stream);
            let mut all = Vec::new();
            loop {
                let piece = piece(id, 2).expect("it can be read");
                assert!(piece.len() <= 2);
                if piece.is_empty() {
                    break;
                }
                assert_eq!(drops(), dropped);
                all.extend(piece);
            }
            assert!(all == [1, 2, 3, 4, 5, 6, 7] || all == [1, 2, 3], "{all:?}");
            assert_eq!((drops(), dotwit::live_references().streams), (dropped + 1, 0));
            assert_ended(id);
        }
    });
}

#[test]
fn bytes_that_fit_are_one_piece() {
    in_new_guest(|_| {
        let bytes: Vec<u8> = (0..=255).collect();
        let id = send(DotNetStreamReference::from_bytes(bytes.clone()));
        assert_eq!(piece(id, 1_000), Ok(bytes));
        assert_eq!(piece(id, 1_000), Ok(vec![]));
        assert_ended(id);
        let empty = send(DotNetStreamReference::from_bytes([]));
        assert_eq!(piece(empty, 1), Ok(vec![]));
        assert_ended(empty);
    });
}

#[test]
fn however_much_the_page_asks_for_a_reader_is_asked_for_a_megabyte() {
    in_new_guest(|_| {
        let streams = [
            DotNetStreamReference::from_reader(io::repeat(7)),
            DotNetStreamReference::from_async_read(futures_util::io::repeat(7)),
        ];
        for stream in streams {
            let id = send(stream);
            assert_eq!(piece(id, u32::MAX).map(|piece| piece.len()), Ok(1 << 20));
            assert_eq!(piece(id, 1_000).map(|piece| piece.len()), Ok(1_000));
            close(id);
        }
    });
}

#[test]
fn a_stream_that_fails_gives_what_it_had_and_fails_alone() {
    in_new_guest(|_| {
        let other = send(DotNetStreamReference::from_bytes([1]));
        for stream in in_every_way(&[Step::Give(vec![1, 2]), Step::Fail("The disk is gone."), Step::Give(vec![3])]) {
            let dropped = drops();
            let id = send(stream);
            assert_eq!(piece(id, 100), Ok(vec![1, 2]));
            assert_eq!(drops(), dropped);
            assert_piece_fails(piece(id, 100), ErrorKind::Failed, &["The disk is gone."]);
            assert_eq!((drops(), dotwit::live_references().streams), (dropped + 1, 1));
            assert_ended(id);
        }
        assert_eq!(piece(other, 10), Ok(vec![1]));
        // An error of dotwit's keeps its kind, also inside an `io::Error`.
        let own = Error::new(ErrorKind::TooLarge, "too large").with_detail("detail");
        let failing = own.clone();
        let items = futures_util::stream::iter([Err::<Vec<u8>, _>(failing.clone())]);
        let id = send(DotNetStreamReference::from_stream(items));
        assert_eq!(piece(id, 1), Err(own.clone()));
        let items = futures_util::stream::iter([Err::<Vec<u8>, io::Error>(failing.into())]);
        let id = send(DotNetStreamReference::from_async_read(futures_util::TryStreamExt::into_async_read(items)));
        assert_eq!(piece(id, 1), Err(own));
    });
}

#[test]
fn a_read_that_must_wait_is_answered_later_once() {
    in_new_guest(|page| {
        for (number, stream) in (100..).zip(that_can_wait(&[Step::Wait(9), Step::Give(vec![1, 2]), Step::Wait(10)])) {
            let id = send(stream);
            assert_eq!(read(number, id, 10), None);
            assert_eq!(dispatch::pending_count(), 1);
            let second = piece(id, 10);
            assert_piece_fails(second, ErrorKind::Protocol, &[&format!("Stream {id} is being read")]);
            assert_eq!(page.pieces(), []);
            invoke("OpenGate", "[9]").expect("gates open");
            assert_eq!(page.pieces(), [(number, Ok(vec![1, 2]))]);
            // Closed while it waits: that read ends, once, with nothing left.
            let dropped = drops();
            assert_eq!(read(number, id, 10), None);
            close(id);
            let (ended, outcome) = ended_one(page);
            assert_eq!(ended, number);
            assert_piece_fails(outcome, ErrorKind::Cancelled, &["closed"]);
            assert_eq!((drops(), dotwit::live_references().streams), (dropped + 1, 0));
            assert_ended(id);
            invoke("OpenGate", "[10]").expect("gates open");
            assert_eq!(page.pieces(), []);
            invoke("CloseGates", "[]").expect("gates close");
        }
    });
}

#[test]
fn a_read_that_waits_can_end_with_the_stream_or_with_its_failure() {
    in_new_guest(|page| {
        for stream in that_can_wait(&[Step::Wait(9)]) {
            let id = send(stream);
            assert_eq!(read(1, id, 10), None);
            invoke("OpenGate", "[9]").expect("gates open");
            assert_eq!(page.pieces(), [(1, Ok(vec![]))]);
            assert_ended(id);
            invoke("CloseGates", "[]").expect("gates close");
        }
        for stream in that_can_wait(&[Step::Wait(9), Step::Fail("no")]) {
            let id = send(stream);
            assert_eq!(read(1, id, 10), None);
            invoke("OpenGate", "[9]").expect("gates open");
            let (1, outcome) = ended_one(page) else { panic!("another read ended") };
            assert_piece_fails(outcome, ErrorKind::Failed, &["no"]);
            assert_ended(id);
            invoke("CloseGates", "[]").expect("gates close");
        }
        assert_eq!((dotwit::live_references().streams, drops()), (0, 4));
    });
}

#[test]
fn closing_drops_the_source_and_is_harmless_otherwise() {
    in_new_guest(|page| {
        close(1);
        close(u64::MAX);
        for stream in in_every_way(&[Step::Give(vec![1])]) {
            let dropped = drops();
            let id = send(stream);
            close(id);
            assert_eq!((drops(), dotwit::live_references().streams), (dropped + 1, 0));
            close(id);
            assert_ended(id);
        }
        assert_eq!(page.pieces(), []);
    });
}

#[test]
fn a_source_can_close_its_own_stream_while_it_is_read() {
    in_new_guest(|page| {
        for last in [None, Some(Step::Give(vec![1])), Some(Step::Fail("no")), Some(Step::Wait(9))] {
            for way in 0..2 {
                let next = send(DotNetStreamReference::from_bytes([])) + 1;
                let steps: Vec<Step> = [Step::Close(next)].into_iter().chain(last.clone()).collect();
                let stream = that_can_wait(&steps).into_iter().nth(way).expect("there are two ways");
                let dropped = drops();
                assert_eq!(send(stream), next);
                assert_piece_fails(piece(next, 10), ErrorKind::Cancelled, &["closed"]);
                assert_eq!(drops(), dropped + 1);
                assert_ended(next);
            }
        }
        assert_eq!(page.pieces(), []);
    });
}

#[test]
fn reading_nothing_and_what_is_not_there_is_refused() {
    in_new_guest(|_| {
        let id = send(DotNetStreamReference::from_bytes([1]));
        assert_piece_fails(piece(id, 0), ErrorKind::Protocol, &["at least one byte"]);
        assert_eq!(piece(id, 1), Ok(vec![1]));
        for id in [0, 99, u64::MAX] {
            assert_ended(id);
        }
    });
}

#[test]
fn a_stream_of_nothing_but_empty_items_leaves_others_their_turn() {
    in_new_guest(|page| {
        let endless = futures_util::stream::repeat_with(|| Ok::<_, io::Error>(Vec::new()));
        let id = send(DotNetStreamReference::from_stream(endless));
        assert_eq!(read(1, id, 10), None);
        assert!(page.alarm_is_set());
        close(id);
        let (1, outcome) = ended_one(page) else { panic!("another read ended") };
        assert_piece_fails(outcome, ErrorKind::Cancelled, &[]);
    });
}

#[test]
fn a_stream_of_the_page_can_be_sent_back() {
    in_new_guest(|page| {
        let args = "[{\"__jsStreamReferenceLength\":3,\"__jsObjectId\":5}]";
        let id = stream_id(&text(invoke("StreamBack", args)));
        assert_eq!(read(1, id, 2), None);
        let [asked] = page.reads().try_into().expect("one read");
        assert_eq!((asked.object, asked.offset, asked.length), (5, 0, 3));
        dispatch::end_read_js(asked.call, Ok(vec![7, 8, 9]));
        assert_eq!(page.pieces(), [(1, Ok(vec![7, 8]))]);
        assert_eq!(piece(id, 2), Ok(vec![9]));
        assert_eq!((piece(id, 2), page.released()), (Ok(vec![]), vec![5]));
    });
}

/// Streams back what the page sends.
#[js_invokable]
pub fn stream_back(stream: JsStreamReference) -> Result<DotNetStreamReference, Error> {
    stream.open_read_stream(u64::MAX).map(DotNetStreamReference::from_stream)
}

#[test]
fn at_most_1000_streams_are_with_the_page() {
    in_new_guest(|_| {
        let many = |count: usize| NEXT.set((0..count).map(|_| DotNetStreamReference::from_bytes([1])).collect());
        many(1_000);
        invoke("AllStreams", "[]").expect("there is room");
        let parts = &["DotNetStreamReference cannot be sent", "1000 are open", "1000 is the limit"];
        many(1);
        assert_fails(invoke("NextStream", "[]"), ErrorKind::TooMany, parts);
        close(1);
        many(2);
        assert_fails(invoke("AllStreams", "[]"), ErrorKind::TooMany, parts);
        assert_eq!(dotwit::live_references().streams, 999);
        many(1);
        invoke("AllStreams", "[]").expect("there is room");
        assert_eq!(dotwit::live_references().streams, 1_000);
    });
}

thread_local! {
    static READS: Cell<u32> = const { Cell::new(0) };
}

#[test]
fn a_source_is_asked_only_when_the_page_reads() {
    in_new_guest(|_| {
        let items = futures_util::stream::repeat_with(|| {
            READS.set(READS.get() + 1);
            Ok::<_, io::Error>(vec![1; 10])
        });
        let id = send(DotNetStreamReference::from_stream(items));
        assert_eq!(READS.get(), 0);
        for (max, reads) in [(4, 1), (4, 1), (4, 1), (4, 2), (100, 2), (100, 3)] {
            piece(id, max).expect("it is read");
            assert_eq!(READS.get(), reads);
        }
        close(id);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a source returns, and whatever the page asks for, the page gets the bytes in order.
    #[test]
    fn any_bytes_arrive_in_order(
        items in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..12),
        waits in prop::collection::vec(any::<bool>(), 12),
        maxima in prop::collection::vec(1..400_u32, 1..8),
    ) {
        in_new_guest(move |page| {
            let whole = items.concat();
            let steps = |waiting: bool| -> Vec<Step> {
                let gates = waits.iter().map(|waits| *waits && waiting);
                items.iter().zip(gates).enumerate().flat_map(|(number, (item, waits))| {
                    let wait = waits.then_some(Step::Wait(number as u64));
                    wait.into_iter().chain([Step::Give(item.clone())])
                }).collect()
            };
            let [one, two] = that_can_wait(&steps(true));
            let three = DotNetStreamReference::from_reader(script(steps(false)));
            let four = DotNetStreamReference::from_bytes(whole.clone());
            for stream in [one, two, three, four] {
                let id = send(stream);
                let (mut all, mut gates) = (Vec::new(), 0..);
                for max in maxima.iter().cycle() {
                    let piece = read(1, id, *max).unwrap_or_else(|| loop {
                        if let Some((1, piece)) = page.pieces().pop() {
                            return piece;
                        }
                        let gate = gates.next().expect("there are enough");
                        invoke("OpenGate", &*format!("[{gate}]")).expect("gates open");
                    }).expect("it can be read");
                    assert!(piece.len() <= *max as usize);
                    if piece.is_empty() {
                        break;
                    }
                    all.extend(piece);
                }
                assert_eq!(all, whole);
                invoke("CloseGates", "[]").expect("gates close");
            }
            assert_eq!(dotwit::live_references().streams, 0);
        });
    }
}
