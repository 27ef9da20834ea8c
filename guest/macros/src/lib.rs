//! The `#[js_invokable]` attribute of dotwit. Guests use it as `dotwit::js_invokable`, which documents it.

#![forbid(unsafe_code)]

mod attribute;
mod expand;
mod method;
mod symbol;
mod tokens;

use proc_macro::TokenStream;

/// Makes a function, or the methods of an `impl` block, callable from JavaScript by name.
///
/// # On a function
///
/// A public function becomes a static method of the component's assembly. Its id is its name in PascalCase,
/// `return_array_async` → `ReturnArrayAsync`, or the one that the attribute gives. The attribute may be repeated: each one
/// adds an id.
///
/// ```
/// # use dotwit::prelude::*;
/// #[js_invokable]
/// #[js_invokable("DifferentMethodName")]
/// pub fn add(a: i32, b: i32) -> i32 {
///     a + b
/// }
/// ```
///
/// An `async fn` is asynchronous, and so is a function that returns `impl Future`, a boxed `dyn Future`, or a `BoxFuture`. A
/// future behind any other name is awaited as well. But a macro sees names, not types: the manifest does not list such a method
/// as asynchronous, and a synchronous call of it is refused after the function has run.
///
/// # On an `impl` block
///
/// Put it on the block and on each method in it that can be called. Methods take `&self` or `self: Rc<Self>`, because the
/// page may call again while an asynchronous method is still running: keep what changes in a `Cell` or a `RefCell`. Functions
/// without `self` become static methods of the assembly. A type has one such block, which may be generic.
///
/// ```
/// # use dotwit::prelude::*;
/// # use std::cell::RefCell;
/// pub struct GenericType<T> {
///     value: RefCell<T>,
/// }
///
/// #[js_invokable]
/// impl<T: serde::de::DeserializeOwned + 'static> GenericType<T> {
///     #[js_invokable]
///     pub fn update(&self, value: T) {
///         self.value.replace(value);
///     }
/// }
/// ```
///
/// # The path to dotwit
///
/// Generated code names the crate `::dotwit`. If it has another name, or is re-exported by another crate, say so, on a
/// function or on an `impl` block:
///
/// ```
/// # mod framework { pub use dotwit; }
/// use framework::dotwit::js_invokable;
///
/// #[js_invokable("Product", crate = framework::dotwit)]
/// pub fn multiply(a: i32, b: i32) -> i32 {
///     a * b
/// }
/// ```
///
/// # What is refused
///
/// - Methods that are not `pub`, that are generic themselves, or static in a generic type.
/// - `&mut self` and `self`.
/// - Parameters that borrow or that have a `DotNetStreamReference` in their types, and more than 64 parameters.
/// - Types that borrow.
/// - Ids that are empty, reserved (`__Dispose`), or given twice in one block.
/// - A `cfg_attr` that adds the attribute to a method in a block.
#[proc_macro_attribute]
pub fn js_invokable(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::js_invokable(attribute.into(), item.into()).into()
}
