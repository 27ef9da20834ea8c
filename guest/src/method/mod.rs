//! Methods that can be called by name: the descriptions that `#[js_invokable]` generates, how a call finds one, and how its
//! arguments are read. This folder imports `codec` and `message`.

pub(crate) mod arguments;
pub(crate) mod registry;
pub(crate) mod reply;

use std::any::Any;
use std::rc::Rc;

use crate::error::Error;
use crate::method::arguments::Arguments;
use crate::method::reply::Reply;

/// The description of a method for the manifest.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// The id that callers use.
    pub id: &'static str,
    /// The method's path in the source.
    pub name: &'static str,
    /// Names and types of the parameters, the receiver left out.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The result's type.
    pub returns: &'static str,
    /// Whether it can only be called asynchronously.
    pub is_async: bool,
    /// The doc comment, empty if there is none.
    pub docs: &'static str,
    /// `file:line` of the method.
    pub location: &'static str,
}

/// A method that is called by its assembly's name.
#[derive(Debug)]
pub struct StaticMethod {
    /// Its description.
    pub info: MethodInfo,
    /// Reads the arguments and calls it.
    pub call: fn(Arguments<'_>) -> Result<Reply, Error>,
}

inventory::collect!(StaticMethod);

/// A method that is called on an object.
#[derive(Debug)]
pub struct InstanceMethod {
    /// Its description.
    pub info: MethodInfo,
    /// Reads the arguments and calls it on an object, which must be of the method's type.
    pub call: fn(Rc<dyn Any>, Arguments<'_>) -> Result<Reply, Error>,
}

/// A type with a `#[js_invokable] impl`, for the manifest. A generic type is described once, whatever its parameters.
#[derive(Debug)]
pub struct ObjectType {
    /// The type's name in the source.
    pub name: &'static str,
    /// The `impl` block's doc comment, empty if there is none.
    pub docs: &'static str,
    /// Its methods.
    pub methods: &'static [MethodInfo],
}

inventory::collect!(ObjectType);

/// The name that `dotwit::export!` gives the component.
#[derive(Debug)]
pub struct AssemblyName(pub &'static str);

inventory::collect!(AssemblyName);

/// A type whose objects the page can call. `#[js_invokable]` on an `impl` block implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no methods that JavaScript can call",
    label = "no `#[js_invokable] impl` for this type",
    note = "put `#[js_invokable]` on an `impl` block of the type, and on the methods in it that can be called"
)]
pub trait Invokable: Sized + 'static {
    /// The type's name in messages.
    const TYPE_NAME: &'static str;
    /// Its invokable methods.
    const METHODS: &'static [InstanceMethod];
}
