//! References: handed out, called back, passed in, nested, released.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use dotwit::prelude::*;
use serde::{Deserialize, Serialize};

/// Counts.
pub struct Counter {
    count: Cell<i64>,
}

#[js_invokable]
impl Counter {
    /// A counter that begins at `count`.
    #[js_invokable("CreateCounter")]
    pub fn create(count: i64) -> DotNetObjectReference<Counter> {
        DotNetObjectReference::new(Counter { count: Cell::new(count) })
    }

    /// The count after `by` more.
    #[js_invokable]
    pub fn increment(&self, by: i64) -> i64 {
        self.count.set(self.count.get() + by);
        self.count.get()
    }

    /// The count, some milliseconds later.
    #[js_invokable]
    pub async fn read_after(self: Rc<Self>, milliseconds: u64) -> i64 {
        task::sleep(Duration::from_millis(milliseconds)).await;
        self.count.get()
    }

    /// The sum of this count and another's.
    #[js_invokable]
    pub fn add_other(&self, other: DotNetObjectReference<Counter>) -> i64 {
        self.count.get() + other.value().count.get()
    }
}

/// Has no count.
pub struct Other;

#[js_invokable]
impl Other {
    /// Something that is not a counter.
    #[js_invokable("CreateOther")]
    pub fn create() -> DotNetObjectReference<Other> {
        DotNetObjectReference::new(Other)
    }
}

/// Two counters in one value.
#[derive(Serialize, Deserialize)]
pub struct Pair {
    first: DotNetObjectReference<Counter>,
    rest: Vec<DotNetObjectReference<Counter>>,
}

/// Counters inside a value.
#[js_invokable]
pub fn create_pair(first: i64, second: i64) -> Pair {
    Pair { first: Counter::create(first), rest: vec![Counter::create(second)] }
}

/// The sum of the counts inside a value.
#[js_invokable]
pub fn sum_pair(pair: Pair) -> i64 {
    let rest: i64 = pair.rest.iter().map(|counter| counter.value().count.get()).sum();
    pair.first.value().count.get() + rest
}

/// The same reference back.
#[js_invokable]
pub fn same_counter(counter: DotNetObjectReference<Counter>) -> DotNetObjectReference<Counter> {
    counter
}

/// A value of any type.
pub struct Holder<T> {
    value: std::cell::RefCell<T>,
}

#[js_invokable]
impl<T: Serialize + serde::de::DeserializeOwned + 'static> Holder<T> {
    /// The value before, in exchange for the one after.
    #[js_invokable]
    pub fn replace(&self, value: T) -> T {
        self.value.replace(value)
    }
}

/// A holder of a string.
#[js_invokable]
pub fn hold_string(value: String) -> DotNetObjectReference<Holder<String>> {
    DotNetObjectReference::new(Holder { value: value.into() })
}

/// A holder of a number.
#[js_invokable]
pub fn hold_number(value: i32) -> DotNetObjectReference<Holder<i32>> {
    DotNetObjectReference::new(Holder { value: value.into() })
}
