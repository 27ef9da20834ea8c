//! WASI for guests: clocks, random numbers and an output that goes to `tracing`. A guest has no network and no input, and no files
//! and no environment but what a server gives to its circuits.
//!
//! wasmtime's synchronous WASI waits with `Handle::block_on`, which panics on a thread that polls futures, and a session is
//! called from such threads. So `wasi:io`, the part that can wait, is linked a second time over it: this one waits without a
//! runtime of the caller's, and no longer than the guest may run. Its methods delegate to the asynchronous `wasi:io` one by one
//! and change with wasmtime's major versions.

use std::future::Future;
use std::time::Duration;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
#[cfg(feature = "server")]
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::p2::bindings::sync::io::{poll, streams};
use wasmtime_wasi::p2::{StreamError, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_io::bindings::wasi::io::{poll as async_poll, streams as async_streams};
use wasmtime_wasi_io::poll::DynPollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use crate::background::clock::wait;
#[cfg(feature = "server")]
use crate::engine::access::{Folder, SystemAccess};
use crate::engine::output::{Output, Stream};
use crate::engine::store::State;
#[cfg(feature = "server")]
use crate::error::{Error, ErrorKind};

/// Links WASI.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    poll::add_to_linker::<State, Io<'static>>(linker, io)?;
    streams::add_to_linker::<State, Io<'static>>(linker, io)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Returns the part of the machine that a guest may use.
pub(crate) fn context() -> WasiCtx {
    builder().build()
}

/// Returns the same with what `access` adds to it.
///
/// # Errors
///
/// [`ErrorKind::Failed`], where a folder cannot be opened any more.
#[cfg(feature = "server")]
pub(crate) fn context_with(access: &SystemAccess) -> std::result::Result<WasiCtx, Error> {
    let mut context = builder();
    context.envs(&access.variables);
    for Folder { path, name, read_only } in &access.folders {
        let permissions = if *read_only { FsPerms::ReadOnly } else { FsPerms::ReadWrite };
        context.preopened_dir(path, name, permissions).map_err(|error| {
            let what = format!("The folder '{}' for the guest cannot be opened: {error}.", path.display());
            Error::new(ErrorKind::Failed, what).with_cause(error)
        })?;
    }
    Ok(context.build())
}

fn builder() -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder.allow_tcp(false).allow_udp(false).stdout(Output::new(Stream::Stdout)).stderr(Output::new(Stream::Stderr));
    builder
}

/// `wasi:io` over the resources of one store.
struct Io<'a> {
    table: &'a mut ResourceTable,
    limit: Duration,
}

impl HasData for Io<'static> {
    type Data<'a> = Io<'a>;
}

fn io(state: &mut State) -> Io<'_> {
    let limit = state.time.left();
    Io { table: state.table(), limit }
}

/// Waits for an operation with errors of its own.
fn wait_stream<T>(limit: Duration, future: impl Future<Output = StreamResult<T>>) -> StreamResult<T> {
    wait(limit, future).map_err(StreamError::Trap)?
}

impl poll::Host for Io<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        wait(self.limit, async_poll::Host::poll(self.table, pollables))?
    }
}

impl poll::HostPollable for Io<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> Result<bool> {
        wait(self.limit, async_poll::HostPollable::ready(self.table, pollable))?
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        wait(self.limit, async_poll::HostPollable::block(self.table, pollable))?
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        async_poll::HostPollable::drop(self.table, pollable)
    }
}

impl streams::Host for Io<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> Result<streams::StreamError> {
        Ok(async_streams::Host::convert_stream_error(self.table, error)?.into())
    }
}

impl streams::HostOutputStream for Io<'_> {
    fn drop(&mut self, stream: Resource<DynOutputStream>) -> Result<()> {
        wait(self.limit, async_streams::HostOutputStream::drop(self.table, stream))?
    }

    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        async_streams::HostOutputStream::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        async_streams::HostOutputStream::write(self.table, stream, bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        wait_stream(self.limit, async_streams::HostOutputStream::blocking_write_and_flush(self.table, stream, bytes))
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        wait_stream(
            self.limit,
            async_streams::HostOutputStream::blocking_write_zeroes_and_flush(self.table, stream, length),
        )
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> Result<Resource<DynPollable>> {
        async_streams::HostOutputStream::subscribe(self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        async_streams::HostOutputStream::write_zeroes(self.table, stream, length)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        async_streams::HostOutputStream::flush(self.table, stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        wait_stream(self.limit, async_streams::HostOutputStream::blocking_flush(self.table, stream))
    }

    fn splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        async_streams::HostOutputStream::splice(self.table, to, from, length)
    }

    fn blocking_splice(
        &mut self,
        to: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        wait_stream(self.limit, async_streams::HostOutputStream::blocking_splice(self.table, to, from, length))
    }
}

impl streams::HostInputStream for Io<'_> {
    fn drop(&mut self, stream: Resource<DynInputStream>) -> Result<()> {
        wait(self.limit, async_streams::HostInputStream::drop(self.table, stream))?
    }

    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        async_streams::HostInputStream::read(self.table, stream, length)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        wait_stream(self.limit, async_streams::HostInputStream::blocking_read(self.table, stream, length))
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        async_streams::HostInputStream::skip(self.table, stream, length)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        wait_stream(self.limit, async_streams::HostInputStream::blocking_skip(self.table, stream, length))
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> Result<Resource<DynPollable>> {
        async_streams::HostInputStream::subscribe(self.table, stream)
    }
}
