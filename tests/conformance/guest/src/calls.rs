//! Static methods: values in, values out, and every way to fail.

use std::cell::{Cell, RefCell};
use std::io::{Read, stdin};
use std::thread;
use std::time::{Duration, Instant};

use dotwit::prelude::*;
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::Value;

/// A sum.
#[js_invokable]
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

/// The documentation's first sample.
#[js_invokable]
pub async fn return_array_async() -> Vec<i32> {
    vec![1, 2, 3]
}

/// A sum under two ids, of which neither is the function's name.
#[js_invokable("DifferentMethodName")]
#[js_invokable("AnotherName")]
pub fn add_under_other_names(a: i32, b: i32) -> i32 {
    a + b
}

/// Nothing.
#[js_invokable]
pub fn do_nothing() {}

/// Nothing, later.
#[js_invokable]
pub async fn do_nothing_async() {
    task::yield_now().await;
}

/// The same value.
#[js_invokable]
pub fn echo(value: Value) -> Value {
    value
}

/// The same value, later.
#[js_invokable]
pub async fn echo_async(value: Value) -> Value {
    task::yield_now().await;
    value
}

/// The same value, some milliseconds later.
#[js_invokable]
pub async fn echo_after(milliseconds: u64, value: Value) -> Value {
    task::sleep(Duration::from_millis(milliseconds)).await;
    value
}

/// Whether sleeping in the system takes as long as it should.
#[js_invokable]
pub fn sleep_in_system(milliseconds: u64) -> bool {
    let begin = Instant::now();
    let time = Duration::from_millis(milliseconds);
    thread::sleep(time);
    begin.elapsed() >= time
}

/// The same, later.
#[js_invokable]
pub async fn sleep_in_system_async(milliseconds: u64) -> bool {
    task::yield_now().await;
    sleep_in_system(milliseconds)
}

/// How many bytes standard input has.
#[js_invokable]
pub fn read_standard_input() -> Result<usize, std::io::Error> {
    stdin().read_to_end(&mut Vec::new())
}

/// Somebody.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    #[serde(alias = "FirstName")]
    first_name: String,
    age: Option<u32>,
}

/// Words for somebody.
#[js_invokable]
pub fn greet(person: Person) -> String {
    match person.age {
        Some(age) => format!("Hello, {} ({age})!", person.first_name),
        None => format!("Hello, {}!", person.first_name),
    }
}

/// Somebody a year later.
#[js_invokable]
pub fn birthday(person: Person) -> Person {
    Person { age: person.age.map(|age| age + 1), ..person }
}

/// Has one parameter, so that its arguments are counted.
#[js_invokable]
pub fn count_arguments(_one: Value) {}

/// Fails with that text.
#[js_invokable]
pub fn fail(message: String) -> Result<(), String> {
    Err(message)
}

/// Fails with that text, later.
#[js_invokable]
pub async fn fail_async(message: String) -> Result<(), String> {
    task::yield_now().await;
    Err(message)
}

/// A value that cannot be written.
pub struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("this value cannot be written"))
    }
}

/// Returns what cannot be sent.
#[js_invokable]
pub fn unserialisable() -> Unwritable {
    Unwritable
}

/// Returns what cannot be sent, later.
#[js_invokable]
pub async fn unserialisable_async() -> Unwritable {
    task::yield_now().await;
    Unwritable
}

/// Ends the guest.
#[js_invokable]
pub fn panic(message: String) {
    panic!("{message}");
}

/// Never ends.
#[js_invokable]
pub async fn never() {
    std::future::pending().await
}

thread_local! {
    static DROPS: Cell<u32> = const { Cell::new(0) };
    static NOTES: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// Counts its end.
pub(crate) struct CountsDrop;

impl Drop for CountsDrop {
    fn drop(&mut self) {
        DROPS.set(DROPS.get() + 1);
    }
}

/// How often something that counts its end has ended.
#[js_invokable]
pub fn drops() -> u32 {
    DROPS.get()
}

/// Never ends, and counts when it is given up.
#[js_invokable]
pub async fn never_counted() {
    let _counted = CountsDrop;
    std::future::pending().await
}

/// Writes a number down.
#[js_invokable]
pub async fn note(number: i32) {
    NOTES.with_borrow_mut(|notes| notes.push(number));
}

/// The numbers that were written down.
#[js_invokable]
pub fn notes() -> Vec<i32> {
    NOTES.with_borrow(Clone::clone)
}
