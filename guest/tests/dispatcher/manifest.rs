//! What the guest says can be called.

use dotwit::__private::{MethodInfo, describe};
use dotwit::prelude::*;

use crate::support::*;

/// Adds two numbers.
///
/// They may be negative.
#[js_invokable]
#[js_invokable("Plus")]
pub fn documented(first: i32, r#in: Option<Vec<(i32, f64)>>) -> Result<i32, String> {
    Ok(first + r#in.map_or(0, |all| all.len() as i32))
}

/// Where something is.
pub struct Place<T>(T);

/// Places that can be found.
#[js_invokable]
impl<T: 'static> Place<T> {
    /// Moves it.
    #[js_invokable]
    pub async fn move_to(&self, _other: DotNetObjectReference<Self>) -> &'static str {
        let _ = &self.0;
        "moved"
    }

    #[js_invokable("Find")]
    #[deprecated = "calls through the page go on"]
    pub fn find(&self) {}
}

#[js_invokable]
pub fn create_place() -> DotNetObjectReference<Place<i32>> {
    DotNetObjectReference::new(Place(1))
}

fn method<'m>(methods: &'m [MethodInfo], id: &str) -> &'m MethodInfo {
    methods.iter().find(|method| method.id == id).unwrap_or_else(|| panic!("no method {id}"))
}

/// The line that `location` names.
fn line_at(location: &str) -> String {
    let (file, line) = location.rsplit_once(':').expect("a location is file:line");
    // Locations are relative to the workspace, and tests run in their package.
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(path).expect("the location is a file");
    text.lines().nth(line.parse::<usize>().expect("a line is a number") - 1).unwrap_or_default().trim().to_owned()
}

#[test]
fn the_manifest_tells_what_the_source_says_of_a_static_method() {
    let manifest = describe().expect("the guest is fine");
    assert_eq!(manifest.name, "Tests");
    for id in ["Documented", "Plus"] {
        let info = method(&manifest.methods, id);
        assert_eq!(info.name, "dispatcher::manifest::documented");
        assert_eq!(info.parameters, [("first", "i32"), ("in", "Option<Vec<(i32, f64)>>")]);
        assert_eq!(info.returns, "Result<i32, String>");
        assert_eq!(info.docs, "Adds two numbers.\n\nThey may be negative.");
        assert!(!info.is_async);
        assert!(line_at(info.location).starts_with("pub fn documented("), "{}", info.location);
    }
    assert_eq!(method(&manifest.methods, "CreateHolder").name, "dispatcher::static_methods::Holder::create");
}

#[test]
fn the_manifest_tells_what_the_source_says_of_a_type() {
    let manifest = describe().expect("the guest is fine");
    let place = manifest.types.iter().find(|object| object.name == "Place<T>").expect("the type is there");
    assert_eq!(place.docs, "Places that can be found.");
    assert_eq!(place.methods.iter().map(|method| method.id).collect::<Vec<_>>(), ["Find", "MoveTo"]);
    let info = method(&place.methods, "MoveTo");
    assert_eq!(info.name, "dispatcher::manifest::Place::move_to");
    assert_eq!(info.parameters, [("_other", "DotNetObjectReference<Place<T>>")]);
    assert_eq!((info.returns, info.docs, info.is_async), ("&'static str", "Moves it.", true));
    assert!(line_at(info.location).starts_with("pub async fn move_to("), "{}", info.location);
    assert_eq!(method(&place.methods, "Find").returns, "()");
}

#[test]
fn the_manifest_tells_which_methods_are_asynchronous() {
    let manifest = describe().expect("the guest is fine");
    for (id, is_async) in [
        ("FindCounter", true),
        ("ReturnsAFuture", true),
        ("ReturnsABoxedFuture", true),
        ("ReturnsAUnitFuture", true),
        ("ThrowsAtOnce", false),
        // An alias hides what it stands for.
        ("ReturnsAHiddenFuture", false),
    ] {
        assert_eq!(method(&manifest.methods, id).is_async, is_async, "{id}");
    }
}

#[test]
fn the_manifest_is_sorted() {
    let manifest = describe().expect("the guest is fine");
    assert!(manifest.methods.is_sorted_by_key(|method| method.id));
    assert!(manifest.types.is_sorted_by_key(|object| object.name));
}

#[test]
fn methods_of_the_manifest_can_be_called() {
    in_new_guest(|_| assert_eq!(text(invoke("Plus", "[1,[[2,0.5]]]")), "2"));
}
