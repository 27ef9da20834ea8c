//! Every way in which Rust lets one write a function that JavaScript can call.

#![forbid(unsafe_code)]
#![allow(missing_docs, unreachable_pub, reason = "what can be called is `pub`, whether or not anything else is")]
#![allow(clippy::all, reason = "what one would not write is tested as well")]

use std::rc::Rc;

use dotwit::__private::dispatch::{self, Target};
use dotwit::__private::{Message, describe};
use dotwit::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

dotwit::export!("Syntax");

#[derive(Deserialize)]
pub struct Point {
    x: i32,
    y: i32,
}

#[js_invokable]
pub fn patterns((a, b): (i32, i32), [c, d]: [i32; 2], Point { x, y }: Point, _: i32, mut e: i32) -> i32 {
    e += 1;
    a + b + c + d + x + y + e
}

#[js_invokable]
pub fn conditions(
    #[cfg(not(unix))] never: i32,
    #[cfg(any(unix, not(unix)))] always: i32,
    #[cfg_attr(all(), cfg(any()))] never_either: i32,
    #[allow(unused_variables)] unused: i32,
    #[cfg_attr(all(), cfg(all()))] last: i32,
) -> i32 {
    always - last
}

#[js_invokable]
pub fn no_condition_holds(#[cfg(any())] never: i32) -> i32 {
    1
}

#[cfg(all())]
#[js_invokable]
#[cfg_attr(all(), cfg(any()))]
pub fn never_there(type_that_is_not_there: NotThere) {}

#[js_invokable]
#[cfg_attr(all(), js_invokable("AliasOnCondition"))]
pub fn conditional_alias() -> i32 {
    2
}

#[js_invokable]
pub fn diverges(message: String) -> ! {
    std::panic::panic_any(message)
}

#[js_invokable]
pub async fn diverges_later(message: String) -> ! {
    task::yield_now().await;
    std::panic::panic_any(message)
}

#[js_invokable]
pub fn impl_result(n: i32) -> impl Serialize + use<> {
    (n, n)
}

#[js_invokable]
pub const fn constant(a: i32) -> i32 {
    a
}

#[js_invokable]
pub extern "C" fn foreign(a: i32) -> i32 {
    a
}

#[js_invokable]
#[must_use]
#[inline(always)]
#[track_caller]
pub fn r#match(r#type: i32, r#in: i32) -> i32 {
    r#type + r#in
}

#[js_invokable]
pub fn lifetimes<'a, 'b: 'a>(a: i32) -> Option<&'static str>
where
    String: Clone + 'b,
    &'a str: Sized,
{
    (a > 0).then_some("positive")
}

/// Names that generated code might use.
#[js_invokable]
pub fn names(__args: i32, __object: i32, __value: i32, __counted: i32, __arg1: i32) -> i32 {
    __args + __object + __value + __counted + __arg1
}

#[js_invokable]
pub fn __call() -> i32 {
    3
}

macro_rules! method {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($parameter:ident: $ty:ty),*) -> $output:ty $body:block, $id:literal, $doc:expr) => {
        #[doc = $doc]
        $(#[$meta])*
        #[js_invokable($id)]
        #[js_invokable]
        $vis fn $name($($parameter: $ty),*) -> $output $body
    };
}

method!(
    /// Second line.
    #[inline]
    pub fn from_macro(a: Vec<i32>, b: i32) -> std::pin::Pin<Box<dyn Future<Output = i32>>> {
        Box::pin(async move { a.len() as i32 + b })
    },
    "MacroAlias",
    "First line."
);

macro_rules! object {
    ($ty:ty, $receiver:ty, $reader:ident) => {
        #[js_invokable]
        impl $ty {
            #[js_invokable]
            pub fn $reader(self: $receiver) -> i32 {
                self.0
            }
        }
    };
}

pub struct FromMacro(i32);

object!(FromMacro, Rc<Self>, read_macro);

#[js_invokable]
pub fn from_macro_object() -> DotNetObjectReference<FromMacro> {
    DotNetObjectReference::new(FromMacro(7))
}

pub struct Holder<const N: usize, T>(T);

impl<const N: usize, T> Holder<N, T> {
    const LENGTH: usize = 2;
}

#[js_invokable]
impl<const N: usize, T> Holder<N, T>
where
    T: Clone + Serialize + for<'de> Deserialize<'de> + 'static,
    Self: Sized,
{
    #[js_invokable]
    pub fn borrowed<'a>(&'a self) -> &'a T {
        &self.0
    }

    #[js_invokable]
    pub async fn later<'a>(self: &'a Self, _other: Option<DotNetObjectReference<Self>>) -> T
    where
        Self: 'a,
    {
        task::yield_now().await;
        self.0.clone()
    }

    #[js_invokable]
    pub fn future(&self) -> impl Future<Output = T> {
        async { self.0.clone() }
    }

    #[js_invokable]
    pub fn array(mut self: Rc<Self>, array: [T; 2]) -> usize {
        self = Rc::clone(&self);
        let _ = &self.0;
        N + array.len()
    }

    #[cfg(any())]
    #[js_invokable]
    pub fn never_there(&self, type_that_is_not_there: NotThere) {}

    #[js_invokable]
    pub fn conditional(&self, #[cfg(any())] never: i32, #[cfg(all())] always: T) -> T {
        always
    }
}

#[js_invokable]
pub fn holder() -> DotNetObjectReference<Holder<5, i32>> {
    let _ = Holder::<5, i32>::LENGTH;
    DotNetObjectReference::new(Holder(1))
}

pub struct Fixed;

impl Fixed {
    pub const LENGTH: usize = 3;
}

#[js_invokable]
impl Fixed {
    #[js_invokable]
    pub fn fixed_length(array: [i32; Self::LENGTH]) -> [i32; Self::LENGTH] {
        array
    }

    #[js_invokable]
    pub fn fixed(_this: Option<DotNetObjectReference<Self>>) -> DotNetObjectReference<Self> {
        DotNetObjectReference::new(Self)
    }
}

#[doc = include_str!("ui/empty_id.rs")]
#[doc = concat!(" line ", 2)]
#[js_invokable]
pub fn included_docs() {}

pub mod framework {
    pub use dotwit;
}

pub mod elsewhere {
    use super::framework;
    use framework::dotwit::js_invokable;

    pub struct Elsewhere;

    #[js_invokable("Elsewhere", crate = framework::dotwit)]
    #[js_invokable("ElsewhereToo")]
    pub fn elsewhere() -> i32 {
        4
    }

    #[js_invokable(crate = crate::framework::dotwit,)]
    impl Elsewhere {
        #[js_invokable]
        pub fn elsewhere_static() -> i32 {
            5
        }
    }
}

fn call_on(target: &Target, id: &str, args: &str) -> String {
    dispatch::invoke(target, id, Message::from_json(args)).expect(id).json
}

fn call(id: &str, args: &str) -> String {
    call_on(&Target::Assembly("Syntax".to_owned()), id, args)
}

#[test]
fn static_methods_can_be_written_in_every_way() {
    for (id, args, result) in [
        ("Patterns", r#"[[1,2],[3,4],{"x":5,"y":6},0,7]"#, "29"),
        ("Conditions", "[7,0,5]", "2"),
        ("NoConditionHolds", "[]", "1"),
        ("ConditionalAlias", "[]", "2"),
        ("AliasOnCondition", "[]", "2"),
        ("ImplResult", "[1]", "[1,1]"),
        ("Constant", "[1]", "1"),
        ("Foreign", "[1]", "1"),
        ("Match", "[1,2]", "3"),
        ("Lifetimes", "[1]", "\"positive\""),
        ("Names", "[1,2,3,4,5]", "15"),
        ("Call", "[]", "3"),
        ("FixedLength", "[[1,2,3]]", "[1,2,3]"),
        ("Elsewhere", "[]", "4"),
        ("ElsewhereToo", "[]", "4"),
        ("ElsewhereStatic", "[]", "5"),
    ] {
        assert_eq!(call(id, args), result, "{id}");
    }
}

#[test]
fn instance_methods_can_be_written_in_every_way() {
    for (made_by, calls) in [
        ("FromMacroObject", &[("ReadMacro", "[]", "7")][..]),
        ("Holder", &[("Borrowed", "[]", "1"), ("Array", "[[1,2]]", "7"), ("Conditional", "[4]", "4")]),
    ] {
        let object: Value = serde_json::from_str(&call(made_by, "[]")).unwrap();
        let target = Target::Object(object["__dotNetObject"].as_u64().unwrap());
        for (id, args, result) in calls {
            assert_eq!(call_on(&target, id, args), *result, "{id}");
        }
    }
}

#[test]
fn methods_that_return_futures_may_borrow_the_object() {
    let object: Value = serde_json::from_str(&call("Holder", "[]")).unwrap();
    let target = Target::Object(object["__dotNetObject"].as_u64().unwrap());
    let now = dispatch::begin_invoke(1, &target, "Future", Message::from_json("[]")).unwrap();
    assert_eq!(now.unwrap().json, "1");
}

#[test]
fn what_never_returns_ends_as_it_likes() {
    let thread = std::thread::spawn(|| call("Diverges", "[\"the end\"]"));
    assert_eq!(*thread.join().unwrap_err().downcast::<String>().unwrap(), "the end");
}

#[test]
fn the_manifest_tells_what_was_written() {
    let methods = describe().unwrap().methods;
    let method = |id: &str| methods.iter().find(|method| method.id == id).expect(id);
    let names = |id: &str| method(id).parameters.iter().map(|(name, _)| *name).collect::<Vec<_>>();

    assert_eq!(names("Conditions"), ["always", "unused", "last"]);
    assert_eq!(names("NoConditionHolds"), [""; 0]);
    assert_eq!(names("Match"), ["type", "in"]);
    assert_eq!(method("Match").name, "syntax::match");
    assert_eq!(method("Diverges").returns, "!");
    assert!(method("DivergesLater").is_async);
    assert!(method("MacroAlias").is_async && method("FromMacro").is_async);
    assert_eq!(method("FromMacro").docs, "First line.\nSecond line.");
    assert_eq!(method("IncludedDocs").docs, format!("{}\n line 2", include_str!("ui/empty_id.rs")).trim());
    assert!(!methods.iter().any(|method| method.id == "NeverThere"));
}
