//! What can be called: the descriptions that `#[js_invokable]` leaves behind, and how a call finds its method.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::OnceLock;

use crate::arguments::Arguments;
use crate::error::{Error, ErrorKind};
use crate::reply::Reply;

/// What the manifest tells of a method.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// What a caller names.
    pub id: &'static str,
    /// The method's path in the source.
    pub name: &'static str,
    /// Names and types of the parameters, the receiver left out.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The result's type.
    pub returns: &'static str,
    /// Whether it must be called asynchronously.
    pub is_async: bool,
    /// The doc comment, empty where there is none.
    pub docs: &'static str,
    /// `file:line` of the method.
    pub location: &'static str,
}

/// A method that is called by its assembly's name.
pub struct StaticMethod {
    /// Its description.
    pub info: MethodInfo,
    /// Reads the arguments and calls it.
    pub call: fn(Arguments<'_>) -> Result<Reply, Error>,
}

inventory::collect!(StaticMethod);

/// A method that is called on an object.
pub struct InstanceMethod {
    /// Its description.
    pub info: MethodInfo,
    /// Reads the arguments and calls it on an object that is known to be of the right type.
    pub call: fn(Rc<dyn Any>, Arguments<'_>) -> Result<Reply, Error>,
}

/// A type with a `#[js_invokable] impl`, for the manifest. A generic type is described once, whatever its parameters.
pub struct ObjectType {
    /// The type's name in the source.
    pub name: &'static str,
    /// The `impl` block's doc comment, empty where there is none.
    pub docs: &'static str,
    /// Its methods.
    pub methods: &'static [MethodInfo],
}

inventory::collect!(ObjectType);

/// The name that `dotwit::export!` gives the component.
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

/// The component's one assembly.
pub(crate) struct Assembly {
    pub(crate) name: &'static str,
    pub(crate) methods: BTreeMap<&'static str, &'static StaticMethod>,
}

/// The component's assembly, or what is wrong with it as a whole.
pub(crate) fn assembly() -> Result<&'static Assembly, Error> {
    static ASSEMBLY: OnceLock<Result<Assembly, Error>> = OnceLock::new();
    ASSEMBLY.get_or_init(collect).as_ref().map_err(Clone::clone)
}

fn collect() -> Result<Assembly, Error> {
    let mut names = inventory::iter::<AssemblyName>.into_iter();
    let (Some(AssemblyName(name)), None) = (names.next(), names.next()) else {
        return Err(Error::new(ErrorKind::Failed, "A component says `dotwit::export!` exactly once."));
    };
    let mut methods: BTreeMap<&'static str, &'static StaticMethod> = BTreeMap::new();
    let mut clashes = Vec::new();
    for method in inventory::iter::<StaticMethod> {
        if let Some(other) = methods.insert(method.info.id, method) {
            let mut claims = [method.info, other.info].map(|info| format!("`{}` ({})", info.name, info.location));
            claims.sort();
            clashes.push(format!("'{}' is claimed by {}", method.info.id, claims.join(" and by ")));
        }
    }
    if !clashes.is_empty() {
        clashes.sort();
        return Err(Error::new(
            ErrorKind::Failed,
            format!("The assembly '{name}' has methods with the same id: {}.", clashes.join("; ")),
        ));
    }
    Ok(Assembly { name, methods })
}

impl Assembly {
    /// The static method with this id.
    pub(crate) fn find(&self, id: &str) -> Result<&'static StaticMethod, Error> {
        self.methods.get(id).copied().ok_or_else(|| {
            no_such_method(
                &format!("The assembly '{}'", self.name),
                id,
                self.methods.values().map(|method| &method.info),
            )
        })
    }
}

/// The method of an object with this id.
pub(crate) fn find_instance_method(
    type_name: &str,
    methods: &'static [InstanceMethod],
    id: &str,
) -> Result<&'static InstanceMethod, Error> {
    methods.iter().find(|method| method.info.id == id).ok_or_else(|| {
        no_such_method(&format!("The type '{type_name}'"), id, methods.iter().map(|method| &method.info))
    })
}

/// Says that an id is missing, and names the one that was perhaps meant: the same but for case, or the Rust name.
fn no_such_method<'a>(owner: &str, id: &str, mut known: impl Iterator<Item = &'a MethodInfo>) -> Error {
    let meant = known
        .find(|info| info.id.eq_ignore_ascii_case(id) || info.name.rsplit("::").next().is_some_and(|name| name == id));
    let hint = meant.map_or_else(String::new, |info| format!(" Did you mean '{}'?", info.id));
    Error::new(
        ErrorKind::NoSuchMethod,
        format!("{owner} does not contain a public method marked #[js_invokable] with the id '{id}'.{hint}"),
    )
}
