//! Errors of wasmtime in words: why a guest is gone, or cannot be started.

use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::engine::store::{RefusedMemory, State};
use crate::error::{Error, ErrorKind};

/// Why a guest is gone, for statistics.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrapCause {
    /// It ran for too long.
    Time,
    /// It needed too much memory.
    Memory,
    /// It panicked.
    Panic,
    /// Anything else.
    Other,
}

/// Returns the cause of one of wasmtime's errors. It must be asked for before [`trap_error`] takes what the guest has reported.
#[cfg(feature = "server")]
pub(crate) fn trap_cause(state: &State, error: &wasmtime::Error) -> TrapCause {
    match (error.downcast_ref::<Trap>(), &state.panic, &state.refused_memory) {
        (_, Some(_), _) => TrapCause::Panic,
        (Some(Trap::Interrupt), ..) => TrapCause::Time,
        (Some(Trap::UnreachableCodeReached), _, Some(_)) => TrapCause::Memory,
        _ => TrapCause::Other,
    }
}

/// Returns the error behind one of wasmtime's.
pub(crate) fn trap_error(state: &mut State, error: wasmtime::Error) -> Error {
    if error.is::<PoolConcurrencyLimitError>() {
        let message = format!("The host has no room for another instance: {error}.");
        return Error::new(ErrorKind::TooMany, message).with_cause(error);
    }
    let kind = match &state.refused_memory {
        Some(RefusedMemory { shared_limit: Some(_), at_start: true, .. }) => ErrorKind::TooMany,
        _ => ErrorKind::GuestTrapped,
    };
    Error::new(kind, explain(state, &error)).with_cause(error)
}

fn explain(state: &mut State, error: &wasmtime::Error) -> String {
    if let Some(panic) = state.panic.take() {
        return format!("The guest panicked: {} (at {})", panic.message, panic.location);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return format!("The guest ended itself with exit status {}.", exit.0);
    }
    match (error.downcast_ref::<Trap>(), &state.refused_memory) {
        (_, Some(RefusedMemory { bytes, shared_limit: Some(limit), at_start: true })) => {
            format!(
                "There is no memory for another guest: it needs {bytes} bytes, and {limit} is the limit of all guests together."
            )
        }
        (Some(Trap::Interrupt), _) => {
            format!("The guest was stopped: it ran for longer than {:?} without returning.", state.config.cpu_limit)
        }
        (Some(Trap::StackOverflow), _) => "The guest was stopped: its stack is exhausted.".to_owned(),
        (Some(Trap::UnreachableCodeReached), Some(RefusedMemory { bytes, shared_limit, .. })) => match shared_limit {
            None => {
                let limit = state.config.max_memory;
                format!("The guest ran out of memory: it asked for {bytes} bytes, and {limit} is the limit.")
            }
            Some(limit) => format!(
                "The guest ran out of memory: it asked for {bytes} bytes, and with those of the other guests that is more than \
                 {limit}, which is the limit of all guests together."
            ),
        },
        // A guest's own stack lies at the start of its memory and grows towards address 0, so its end is an access outside.
        (Some(trap @ Trap::MemoryOutOfBounds), _) => {
            format!("The guest trapped: {trap}. Perhaps its stack is exhausted.")
        }
        (Some(trap), _) => format!("The guest trapped: {trap}."),
        (None, _) => format!("The guest was stopped: {}.", error.root_cause()),
    }
}
