//! The guest of the README's ten-minute guide.

use std::time::Duration;

use dotwit::prelude::*;

dotwit::export!("Hello");

/// Adds two numbers: `DotNet.invokeMethod('Hello', 'Add', 1, 2)`.
#[js_invokable]
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

/// Greets after a moment: `await DotNet.invokeMethodAsync('Hello', 'GreetLater', 'Ada')`.
#[js_invokable]
pub async fn greet_later(name: String) -> String {
    task::sleep(Duration::from_millis(10)).await;
    format!("Hello, {name}!")
}

/// Counts, one object for each one who counts.
pub struct Counter {
    count: std::cell::Cell<u32>,
}

#[js_invokable]
impl Counter {
    /// A counter that starts at zero: `const counter = DotNet.invokeMethod('Hello', 'NewCounter')`.
    #[js_invokable("NewCounter")]
    pub fn new() -> DotNetObjectReference<Counter> {
        DotNetObjectReference::new(Counter { count: 0.into() })
    }

    /// Counts one further: `counter.invokeMethod('Increment')`, until `counter.dispose()`.
    #[js_invokable]
    pub fn increment(&self) -> u32 {
        self.count.update(|count| count + 1);
        self.count.get()
    }
}
