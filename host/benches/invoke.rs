//! What the host costs, beside the least that it could: `cargo xtask bench` prints each as a ratio to its reference.
//!
//! The references are wasmtime alone: the same guest and the same strings, through what `bindgen!` generates.

#![allow(missing_docs)]

use std::hint::black_box;
use std::path::Path;
use std::pin::Pin;

use criterion::{Criterion, criterion_group, criterion_main};
use dotwit_host::{Bytes, Config, DotNetStream, Guest, JsObject, JsStream, Message, NativePage, Runtime, Target};
use futures_core::Stream as _;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, InstanceAllocationStrategy, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use bindings::dotwit::interop::{page, types};

#[allow(unreachable_pub)]
mod bindings {
    wasmtime::component::bindgen!({ path: "wit", world: "guest" });
}

/// A page that knows one answer.
struct Bare {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Bare {
    fn new() -> Self {
        Self { wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() }
    }
}

impl WasiView for Bare {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for Bare {}

impl page::Host for Bare {
    fn invoke_js(
        &mut self,
        _: i64,
        _: String,
        _: page::Operation,
        _: page::ResultType,
        _: types::Message,
    ) -> Result<types::Message, types::CallError> {
        Ok(types::Message { json: "3".to_owned(), bytes: Vec::new() })
    }
    fn begin_invoke_js(
        &mut self,
        _: u64,
        _: i64,
        _: String,
        _: page::Operation,
        _: page::ResultType,
        _: types::Message,
    ) {
    }
    fn cancel_invoke_js(&mut self, _: u64) {}
    fn release_js(&mut self, _: i64) {}
    fn read_js_stream(&mut self, _: u64, _: i64, _: u64, _: u32) {}
    fn end_invoke(&mut self, _: u64, _: Result<types::Message, types::CallError>) {}
    fn end_read(&mut self, _: u64, _: Result<Vec<u8>, types::CallError>) {}
    fn wake_after(&mut self, _: u64) {}
    fn report_panic(&mut self, message: String, _: String) {
        panic!("{message}");
    }
}

fn bare(guest: &[u8]) -> (Engine, bindings::GuestPre<Bare>) {
    let mut config = wasmtime::Config::new();
    config.concurrency_support(false).allocation_strategy(InstanceAllocationStrategy::pooling());
    let engine = Engine::new(&config).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).unwrap();
    page::add_to_linker::<Bare, HasSelf<Bare>>(&mut linker, |state| state).unwrap();
    types::add_to_linker::<Bare, HasSelf<Bare>>(&mut linker, |state| state).unwrap();
    let component = Component::new(&engine, guest).unwrap();
    let pre = bindings::GuestPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
    (engine, pre)
}

fn benches(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests/wasm32-wasip2/release/test_guest.wasm");
    let bytes = std::fs::read(&path).expect("guests are built by `cargo xtask guests`");
    let (engine, pre) = bare(&bytes);
    let runtime = Runtime::new(Config::default()).unwrap();
    let guest = runtime.load_bytes("test_guest.wasm", &bytes).unwrap();

    let mut group = criterion.benchmark_group("invoke Add(1, 2)");
    let mut store = Store::new(&engine, Bare::new());
    let instance = pre.instantiate(&mut store).unwrap();
    let args = types::Message { json: "[1,2]".to_owned(), bytes: Vec::new() };
    let target = types::Target::Assembly("TestGuest".to_owned());
    group.bench_function("reference", |bencher| {
        let invocation = instance.dotwit_interop_invocation();
        bencher.iter(|| invocation.call_invoke(&mut store, &target, "Add", black_box(&args)).unwrap().unwrap());
    });
    let session = guest.session().unwrap();
    let args = Message { json: "[1,2]".to_owned(), bytes: Vec::new() };
    let target = Target::from("TestGuest");
    group.bench_function("Session::invoke_message", |bencher| {
        bencher.iter(|| session.invoke_message(&target, "Add", black_box(&args)).unwrap());
    });
    group.bench_function("Session::invoke", |bencher| {
        bencher.iter(|| session.invoke::<i32>("TestGuest", "Add", black_box((1, 2))).unwrap());
    });
    group.finish();

    let mut group = criterion.benchmark_group("new session");
    group.bench_function("reference", |bencher| {
        bencher.iter(|| {
            let mut store = Store::new(&engine, Bare::new());
            let instance = pre.instantiate(&mut store).unwrap();
            (store, instance)
        });
    });
    group.bench_function("Guest::session", |bencher| bencher.iter(|| guest.session().unwrap()));
    group.finish();

    let mut group = criterion.benchmark_group("bytes 1 MiB each way");
    let data = vec![7_u8; 1 << 20];
    group.bench_function("reference", |bencher| {
        bencher.iter(|| (black_box(&data).clone(), black_box(&data).clone()));
    });
    let args = Message { json: r#"[{"__byte[]":0}]"#.to_owned(), bytes: vec![data.clone()] };
    group.bench_function("Session::invoke_message", |bencher| {
        bencher.iter(|| session.invoke_message(&target, "EchoBytes", black_box(&args)).unwrap());
    });
    group.bench_function("Session::invoke", |bencher| {
        let bytes = Bytes(data.clone());
        bencher.iter(|| session.invoke::<Bytes>("TestGuest", "EchoBytes", black_box((&bytes,))).unwrap());
    });
    group.finish();

    page(criterion, &pre, &engine, &guest);
    streams(criterion, &guest);
}

/// A guest's calls of its page, beside a page that `bindgen!` calls with the same strings.
fn page(criterion: &mut Criterion, pre: &bindings::GuestPre<Bare>, engine: &Engine, guest: &Guest) {
    let window = JsObject::new().function("add", |(a, b): (i32, i32)| Ok(a + b));
    let session = guest.session_with_page(NativePage::new(window)).unwrap();
    let target = Target::from("TestGuest");

    let mut group = criterion.benchmark_group("call of the page from the guest, synchronous");
    let mut store = Store::new(engine, Bare::new());
    let instance = pre.instantiate(&mut store).unwrap();
    let bare = types::Target::Assembly("TestGuest".to_owned());
    let json = r#"["add",[1,2]]"#;
    let args = types::Message { json: json.to_owned(), bytes: Vec::new() };
    group.bench_function("reference", |bencher| {
        let invocation = instance.dotwit_interop_invocation();
        bencher.iter(|| invocation.call_invoke(&mut store, &bare, "CallPageSync", black_box(&args)).unwrap().unwrap());
    });
    let args = Message::from_json(json);
    group.bench_function("NativePage", |bencher| {
        bencher.iter(|| session.invoke_message(&target, "CallPageSync", black_box(&args)).unwrap());
    });
    group.finish();

    let mut group = criterion.benchmark_group("call of the page from the guest, beside a synchronous one");
    group.bench_function("reference", |bencher| {
        bencher.iter(|| session.invoke_message(&target, "CallPageSync", black_box(&args)).unwrap());
    });
    group.bench_function("NativePage, awaited", |bencher| {
        bencher
            .iter(|| pollster::block_on(session.invoke_message_async(&target, "CallPage", black_box(&args))).unwrap());
    });
    group.finish();
}

/// Streams beside a copy of the same bytes.
fn streams(criterion: &mut Criterion, guest: &Guest) {
    const LENGTH: usize = 16 << 20;
    let session = guest.session_with_page(NativePage::new(JsObject::new())).unwrap();
    let data = vec![7_u8; LENGTH];
    let mut copy = vec![0_u8; LENGTH];

    let mut group = criterion.benchmark_group("stream of 16 MiB to the guest");
    group.bench_function("reference", |bencher| bencher.iter(|| copy.copy_from_slice(black_box(&data))));
    let stream = JsStream::from_bytes(data.clone());
    group.bench_function("JsStream::from_bytes", |bencher| {
        bencher.iter(|| {
            let drained = session.invoke_async::<usize>("TestGuest", "DrainStream", black_box((&stream,)));
            assert_eq!(pollster::block_on(drained), Ok(LENGTH));
        });
    });
    group.bench_function("JsStream::from_reader", |bencher| {
        bencher.iter(|| {
            let stream = JsStream::from_reader(LENGTH as u64, std::io::repeat(7));
            let drained = session.invoke_async::<usize>("TestGuest", "DrainStream", black_box((&stream,)));
            assert_eq!(pollster::block_on(drained), Ok(LENGTH));
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("stream of 16 MiB from the guest");
    group.bench_function("reference", |bencher| bencher.iter(|| copy.copy_from_slice(black_box(&data))));
    group.bench_function("DotNetStream", |bencher| {
        bencher.iter(|| {
            let mut stream: DotNetStream = session.invoke("TestGuest", "StreamReader", black_box((LENGTH,))).unwrap();
            let mut length = 0;
            while let Some(piece) = pollster::block_on(std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx))) {
                length += piece.unwrap().len();
            }
            assert_eq!(length, LENGTH);
        });
    });
    group.finish();
}

criterion_group!(invoke, benches);
criterion_main!(invoke);
