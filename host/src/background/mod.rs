//! The threads of this crate, which all runtimes of a program share. [`Runtime::new`](crate::Runtime::new) starts them, and so fails
//! where there are none left, rather than a call.

pub(crate) mod clock;
pub(crate) mod executor;

use std::io;
use std::sync::OnceLock;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

/// An async runtime that is started once and never stopped.
pub(crate) struct Background {
    runtime: OnceLock<Runtime>,
    starting: Mutex<()>,
}

impl Background {
    pub(crate) const fn new() -> Self {
        Self { runtime: OnceLock::new(), starting: Mutex::new(()) }
    }

    pub(crate) fn start(&self, builder: &mut Builder) -> io::Result<()> {
        let _one_at_a_time = self.starting.lock();
        if self.runtime.get().is_none() {
            // No other thread sets it meanwhile.
            let _ = self.runtime.set(builder.build()?);
        }
        Ok(())
    }

    pub(crate) fn get(&self) -> &Runtime {
        self.runtime.get().unwrap_or_else(|| unreachable!("guests, and what they call, run after Runtime::new"))
    }
}
