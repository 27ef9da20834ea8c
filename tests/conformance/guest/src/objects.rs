//! Objects of the guest, called, passed, nested and kept by either side.

use std::cell::{Cell, RefCell};

use dotwit::prelude::*;
use dotwit::{Error, js};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Counts.
pub struct Counter {
    count: Cell<i64>,
}

impl Counter {
    fn at(count: i64) -> DotNetObjectReference<Self> {
        DotNetObjectReference::new(Self { count: Cell::new(count) })
    }
}

#[js_invokable]
impl Counter {
    /// One more.
    #[js_invokable]
    pub fn increment(&self) -> i64 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    /// One more, later.
    #[js_invokable]
    pub async fn increment_async(self: std::rc::Rc<Self>) -> i64 {
        task::yield_now().await;
        self.increment()
    }
}

/// A new counter.
#[js_invokable]
pub fn new_counter(count: i64) -> DotNetObjectReference<Counter> {
    Counter::at(count)
}

/// How many objects of the guest the page can name: where no host tells it.
#[js_invokable]
pub fn live_objects() -> usize {
    dotwit::live_references().guest_objects
}

/// The same counter.
#[js_invokable]
pub fn same(counter: DotNetObjectReference<Counter>) -> DotNetObjectReference<Counter> {
    counter
}

/// Two counters.
#[derive(Serialize, Deserialize)]
pub struct Pair {
    first: DotNetObjectReference<Counter>,
    second: DotNetObjectReference<Counter>,
}

/// Two new counters.
#[js_invokable]
pub fn pair(first: i64, second: i64) -> Pair {
    Pair { first: Counter::at(first), second: Counter::at(second) }
}

/// The sum of counters.
#[js_invokable]
pub fn sum_of(counters: Vec<DotNetObjectReference<Counter>>) -> i64 {
    counters.iter().map(|counter| counter.value().count.get()).sum()
}

/// An object of a generic type.
pub struct Slot<T> {
    value: RefCell<T>,
}

#[js_invokable]
impl<T: Clone + Serialize + DeserializeOwned + 'static> Slot<T> {
    /// Sets the value.
    #[js_invokable]
    pub fn update(&self, value: T) {
        *self.value.borrow_mut() = value;
    }

    /// The value.
    #[js_invokable]
    pub fn value(&self) -> T {
        self.value.borrow().clone()
    }
}

/// Two slots of different types.
#[derive(Serialize)]
pub struct Slots {
    text: DotNetObjectReference<Slot<String>>,
    number: DotNetObjectReference<Slot<i32>>,
}

/// New slots.
#[js_invokable]
pub fn new_slots() -> Slots {
    Slots {
        text: DotNetObjectReference::new(Slot { value: RefCell::default() }),
        number: DotNetObjectReference::new(Slot { value: RefCell::default() }),
    }
}

/// The text of a slot of texts.
#[js_invokable]
pub fn text_of(slot: DotNetObjectReference<Slot<String>>) -> String {
    slot.value().value()
}

/// Passes a new counter to a function of the page, and returns what that returns.
#[js_invokable]
pub async fn call_with_counter(function: String, count: i64) -> Result<Value, Error> {
    js::invoke(&function, (Counter::at(count),)).await
}

/// The same at once.
#[js_invokable]
pub fn call_sync_with_counter(function: String, count: i64) -> Result<Value, Error> {
    js::invoke_sync(&function, (Counter::at(count),))
}

/// Passes two new counters inside one value.
#[js_invokable]
pub async fn call_with_pair(function: String, first: i64, second: i64) -> Result<Value, Error> {
    js::invoke(&function, (pair(first, second),)).await
}

/// Passes a new counter, and tells whether the one that comes back is it.
#[js_invokable]
pub async fn echo_counter(function: String, count: i64) -> Result<bool, Error> {
    let counter = Counter::at(count);
    let same: DotNetObjectReference<Counter> = js::invoke(&function, (&counter,)).await?;
    same.value().increment();
    Ok(counter.value().count.get() == count + 1)
}

thread_local! {
    static LENT: RefCell<Option<DotNetObjectReference<Counter>>> = const { RefCell::new(None) };
}

/// Passes a new counter under a name, and keeps it until [`end_loan`].
#[js_invokable]
pub async fn lend_counter(function: String, name: String, count: i64) -> Result<(), Error> {
    let counter = Counter::at(count);
    LENT.set(Some(counter.clone()));
    js::invoke_void(&function, (name, &counter)).await
}

/// Drops what was lent.
#[js_invokable]
pub fn end_loan() {
    LENT.take();
}

/// Passes a new counter under a name, and leaves it to the page.
#[js_invokable]
pub async fn give_counter(function: String, name: String, count: i64) -> Result<(), Error> {
    let counter = Counter::at(count);
    counter.give_to_page()?;
    js::invoke_void(&function, (name, &counter)).await
}
