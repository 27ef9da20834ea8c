//! Streams, both ways.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dotwit_host::{Bytes, DotNetStream, ErrorKind, JsObject, JsStream, NativePage, Session};
use futures_core::Stream as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::support::{assert_error, assert_no_page_references, test_guest};

/// The guest's pattern.
fn pattern(length: usize) -> Vec<u8> {
    (0..251).cycle().take(length).collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Digest {
    length: u64,
    is_pattern: bool,
}

fn session() -> Session {
    let window = JsObject::new()
        .function("bytes", |(length,): (usize,)| Ok(Bytes(pattern(length))))
        .function("stream", |(length,): (usize,)| Ok(JsStream::from_bytes(pattern(length))))
        .async_function("count", async |(stream,): (DotNetStream,)| {
            let mut stream = stream;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            Ok(json!([bytes.len(), bytes == pattern(bytes.len())]))
        })
        .async_function("first", async |(stream,): (DotNetStream,)| {
            let mut stream = stream;
            Ok(stream.read_u8().await?)
        })
        .function("ignore", |(_,): (Value,)| Ok(()));
    test_guest().session_with_page(NativePage::new(window)).unwrap()
}

async fn read_all(mut stream: DotNetStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

async fn live(session: &Session) -> usize {
    session.invoke_async::<usize>("TestGuest", "LiveStreams", ()).await.unwrap()
}

#[tokio::test]
async fn the_guest_reads_streams_of_all_kinds() {
    let session = session();
    for length in [0, 1, 70_000, 300_000] {
        let bytes = pattern(length);
        let total = length as u64;
        let streams = [
            JsStream::from_bytes(bytes.clone()),
            JsStream::from_reader(total, io::Cursor::new(bytes.clone())),
            JsStream::from_async_read(total, io::Cursor::new(bytes)),
        ];
        for stream in streams {
            assert_eq!(stream.length(), total);
            let digest: Digest = session.invoke_async("TestGuest", "DigestStream", (&stream, total)).await.unwrap();
            assert_eq!((digest.length, digest.is_pattern), (total, true));
        }
        for name in ["bytes", "stream"] {
            let args = (name, [length], total);
            let digest: Digest = session.invoke_async("TestGuest", "CallPageForStream", args).await.unwrap();
            assert_eq!((digest.length, digest.is_pattern), (total, true));
        }
    }
    let files = [JsStream::from_bytes(pattern(10)), JsStream::from_bytes(pattern(20))];
    let upload = JsObject::new().value("name", "files");
    upload.set("files", files).unwrap();
    let upload: dotwit_host::JsValue = {
        let holder = JsObject::new().object("upload", upload);
        holder.get("upload").unwrap()
    };
    let digests: Value = session.invoke_async("TestGuest", "DigestUpload", (upload,)).await.unwrap();
    assert_eq!(digests["files"][1]["length"], 20);
    assert_no_page_references(&session);
}

#[tokio::test]
async fn the_page_reads_streams_of_all_kinds() {
    let session = session();
    for length in [0_usize, 1, 70_000, 300_000] {
        for (method, args) in [
            ("StreamBytes", json!([length])),
            ("StreamReader", json!([length])),
            ("StreamItems", json!([length, 1_000])),
            ("StreamAsyncRead", json!([length, 10_000])),
        ] {
            let stream: DotNetStream = session.invoke_async("TestGuest", method, &args).await.unwrap();
            assert!(read_all(stream).await.unwrap() == pattern(length), "{method} {args}");
        }
        for (method, name) in [("CallPageWithStream", "count")] {
            let read: Value = session.invoke_async("TestGuest", method, (name, length)).await.unwrap();
            assert_eq!(read, json!([length, true]), "{method}");
        }
    }
    let typed: DotNetStream = session.invoke("TestGuest", "StreamTyped", (10, "image/png")).unwrap();
    assert_eq!(typed.content_type(), Some("image/png"));
    assert_eq!(read_all(typed).await.unwrap(), pattern(10));
    let untyped: DotNetStream = session.invoke("TestGuest", "StreamBytes", (10,)).unwrap();
    assert_eq!(untyped.content_type(), None);
    drop(untyped);
    let mut nested: std::collections::BTreeMap<String, Vec<DotNetStream>> =
        session.invoke("TestGuest", "StreamNested", (100,)).unwrap();
    for mut stream in nested.remove("streams").unwrap() {
        let piece = std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx)).await;
        assert_eq!(piece.unwrap().unwrap(), Bytes(pattern(100)));
        let end = std::future::poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_next(cx)).await;
        assert!(end.is_none());
    }
    assert_eq!(live(&session).await, 0);
}

#[tokio::test]
async fn a_stream_that_fails_fails_alone() {
    let session = session();
    let failing: DotNetStream = session.invoke("TestGuest", "StreamThatFails", (100_000,)).unwrap();
    let fine: DotNetStream = session.invoke("TestGuest", "StreamReader", (100_000,)).unwrap();
    let (failed, read) = tokio::join!(read_all(failing), read_all(fine));
    let error = failed.unwrap_err();
    assert!(error.to_string().contains("The source broke at 100000."), "{error}");
    assert!(read.unwrap() == pattern(100_000));

    struct Breaks(u64);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the page's source broke"));
            }
            let count = buffer.len().min(self.0 as usize);
            self.0 -= count as u64;
            Ok(count)
        }
    }
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("the reader panicked")
        }
    }
    for (stream, part) in [
        (JsStream::from_reader(1_000_000, Breaks(500_000)), "the page's source broke"),
        (JsStream::from_reader(1_000_000, io::repeat(1).take(999_999)), "ended after 999999 bytes"),
        (JsStream::from_reader(1_000_000, Panics), "panicked"),
    ] {
        let error = session.invoke_async::<u64>("TestGuest", "DrainStream", (&stream,)).await.unwrap_err();
        assert_error(&error, ErrorKind::JsFailed, &[part]);
        let again = session.invoke_async::<u64>("TestGuest", "DrainStream", (&stream,)).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::JsFailed, "{again}");
    }
    let once = JsStream::from_reader(10, io::repeat(1));
    assert_eq!(session.invoke_async("TestGuest", "DrainStream", (&once,)).await, Ok(10));
    let error = session.invoke_async::<u64>("TestGuest", "DrainStream", (&once,)).await.unwrap_err();
    assert_error(&error, ErrorKind::JsFailed, &["once and in order"]);
    let error = session.invoke_async::<Value>("TestGuest", "ReadStream", (JsStream::from_bytes([0; 9]), 8)).await;
    assert_error(&error.unwrap_err(), ErrorKind::TooLarge, &["9", "8"]);
    assert_no_page_references(&session);
}

#[tokio::test]
async fn who_stops_reading_stops_the_other_end() {
    let session = session();
    let dropped = async || session.invoke_async::<u32>("TestGuest", "StreamsDropped", ()).await.unwrap();
    let mut endless: DotNetStream = session.invoke("TestGuest", "StreamEndless", ()).unwrap();
    assert_eq!(endless.read_u8().await.unwrap(), 0);
    drop(endless);
    assert_eq!(dropped().await, 1);
    let mut waits: DotNetStream = session.invoke("TestGuest", "StreamThatWaits", ()).unwrap();
    tokio::time::timeout(std::time::Duration::from_millis(5), waits.read_u8()).await.unwrap_err();
    drop(waits);
    assert_eq!(dropped().await, 2);
    // Streams that are not taken: in a result that does not fit, in one that is dropped, in arguments that are not read.
    session.invoke::<i32>("TestGuest", "StreamEndless", ()).unwrap_err();
    session.invoke::<Value>("TestGuest", "StreamEndless", ()).unwrap();
    drop(session.invoke_async::<DotNetStream>("TestGuest", "StreamEndless", ()));
    session.invoke_async::<()>("TestGuest", "CallPageWithStream", ("ignore", 1_u64 << 40)).await.unwrap();
    assert_eq!(session.invoke_async::<u8>("TestGuest", "CallPageWithStream", ("first", 1_u64 << 40)).await, Ok(0));
    assert_eq!((dropped().await, live(&session).await), (7, 0));

    struct Counts(Arc<AtomicU64>);
    impl Read for Counts {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(buffer.len() as u64, Ordering::SeqCst);
            Ok(buffer.len())
        }
    }
    let read = Arc::new(AtomicU64::new(0));
    let stream = JsStream::from_reader(1 << 40, Counts(Arc::clone(&read)));
    let pieces: u64 = session.invoke_async("TestGuest", "ReadPiecesAndDrop", (&stream, 3)).await.unwrap();
    assert!(read.load(Ordering::SeqCst) <= pieces + (2 << 20), "the guest pulls");
    assert!(session.invoke_async::<Value>("TestGuest", "DropStreamWhileReading", (&stream,)).await.is_ok());
    assert_no_page_references(&session);
}

#[tokio::test]
async fn streams_end_with_their_session_or_its_guest() {
    let trapped = session();
    let mut stream: DotNetStream = trapped.invoke("TestGuest", "StreamThatWaits", ()).unwrap();
    tokio::time::timeout(std::time::Duration::from_millis(5), stream.read_u8()).await.unwrap_err();
    let mut idle: DotNetStream = trapped.invoke("TestGuest", "StreamEndless", ()).unwrap();
    trapped.invoke::<()>("TestGuest", "Panic", ("spilt",)).unwrap_err();
    for stream in [&mut stream, &mut idle] {
        let error = stream.read_u8().await.unwrap_err();
        assert!(error.to_string().contains("spilt"), "{error}");
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "its end comes once");
    }
}

#[tokio::test]
async fn ten_thousand_streams_leave_nothing_behind() {
    let session = session();
    for _ in 0..2_500 {
        let stream: DotNetStream = session.invoke("TestGuest", "StreamReader", (10,)).unwrap();
        drop(stream);
        let stream: DotNetStream = session.invoke("TestGuest", "StreamBytes", (10,)).unwrap();
        assert_eq!(read_all(stream).await.unwrap().len(), 10);
        session.invoke::<u64>("TestGuest", "StreamLength", (JsStream::from_bytes([1]),)).unwrap();
        let drain = session.invoke_async::<u64>("TestGuest", "DrainStream", (JsStream::from_bytes([1, 2]),));
        assert_eq!(drain.await, Ok(2));
    }
    assert_eq!((live(&session).await, session.live_page_references()), (0, 0));
    assert_eq!(session.invoke::<u32>("TestGuest", "StreamsDropped", ()), Ok(2_500));
}

/// Returns how much memory this process uses, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() << 10
}

/// Any amount of bytes of one value, and how much memory there was meanwhile.
struct Watched {
    peak: Arc<AtomicU64>,
    reads: u64,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(7);
        self.reads += 1;
        if self.reads.is_multiple_of(256) {
            self.peak.fetch_max(resident(), Ordering::Relaxed);
        }
        Ok(buffer.len())
    }
}

#[test]
fn long_streams_take_little_memory() {
    // Memory is counted by process, so the test runs in one of its own.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--ignored", "--exact", "streams::long_streams"]).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn long_streams() {
    // Without optimisation, wasmtime copies into a guest byte by byte: a gigabyte takes half a minute then.
    const LENGTH: u64 = if cfg!(debug_assertions) { 128 << 20 } else { 1 << 30 };
    const ALLOWED: u64 = 8 << 20;
    let session = session();
    let warm = JsStream::from_reader(4 << 20, io::repeat(7));
    session.invoke_async::<u64>("TestGuest", "DrainStream", (&warm,)).await.unwrap();
    let idle = resident();

    let peak = Arc::new(AtomicU64::new(0));
    let stream = JsStream::from_reader(LENGTH, Watched { peak: Arc::clone(&peak), reads: 0 });
    assert_eq!(session.invoke_async("TestGuest", "DrainStream", (&stream,)).await, Ok(LENGTH));
    let peak = peak.load(Ordering::Relaxed);
    assert!(peak > 0 && peak <= idle + ALLOWED, "to the guest: {idle} bytes idle, {peak} at most");

    let mut stream: DotNetStream = session.invoke("TestGuest", "StreamReader", (LENGTH,)).unwrap();
    let (mut read, mut peak, mut buffer) = (0, 0, vec![0; 64 << 10]);
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        if count == 0 {
            break;
        }
        read += count as u64;
        if read % (16 << 20) == 0 {
            peak = peak.max(resident());
        }
    }
    assert_eq!(read, LENGTH);
    assert!(peak > 0 && peak <= idle + ALLOWED, "from the guest: {idle} bytes idle, {peak} at most");
}

#[tokio::test]
async fn a_stream_that_no_page_was_there_for_is_closed() {
    let session = test_guest().session().unwrap();
    for _ in 0..3 {
        let error = session.invoke_async::<()>("TestGuest", "CallPageWithStream", ("f", 10)).await.unwrap_err();
        assert_error(&error, ErrorKind::Unsupported, &["no page"]);
    }
    assert_eq!(session.invoke::<usize>("TestGuest", "LiveStreams", ()).unwrap(), 0);
}
