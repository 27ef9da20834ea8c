//! Ways in which a guest ends.

use std::hint::black_box;

use dotwit::prelude::*;

/// Panics.
#[js_invokable]
pub fn panic(message: String) {
    panic!("{message}");
}

/// Panics once others had their turn.
#[js_invokable]
pub async fn panic_later(message: String) {
    task::yield_now().await;
    panic!("{message}");
}

/// Ends the process.
#[js_invokable]
pub fn abort() {
    std::process::abort();
}

/// Never returns.
#[js_invokable]
pub fn loop_forever() {
    loop {
        black_box(());
    }
}

/// Asks the system for a long sleep, inside of which no guest code runs.
#[js_invokable]
pub fn sleep_in_host(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

/// Calls itself until the stack is full.
#[js_invokable]
#[expect(unconditional_recursion, reason = "that is the point")]
pub fn overflow_stack() {
    let frame = black_box([0_u8; 256]);
    overflow_stack();
    black_box(&frame);
}

/// Takes memory until there is none.
#[js_invokable]
pub fn exhaust_memory() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(vec![1; 1 << 20]);
        black_box(&hoard);
    }
}

/// Begins calls of the page without end.
#[js_invokable]
pub fn flood_page() {
    #[cfg(target_family = "wasm")]
    {
        use dotwit::bindings::generated::dotwit::interop::page::{Operation, ResultType, begin_invoke_js};
        use dotwit::bindings::generated::dotwit::interop::types::Message;
        let args = Message { json: "[]".to_owned(), bytes: Vec::new() };
        for call in 1.. {
            begin_invoke_js(call, 0, "alert", Operation::Call, ResultType::Nothing, &args);
        }
    }
}

/// Leaves a task behind that does nothing but wake itself.
#[js_invokable]
pub fn spin_in_task() {
    task::spawn(std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        std::task::Poll::<()>::Pending
    }));
}

/// Writes a line to standard output and one to standard error.
#[js_invokable]
pub fn print(line: String) {
    println!("{line}");
    eprintln!("{line}");
}
