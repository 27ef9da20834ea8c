//! How a call finds its method.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::error::{Error, ErrorKind};
use crate::method::{AssemblyName, InstanceMethod, MethodInfo, StaticMethod};

/// The component's one assembly.
pub(crate) struct Assembly {
    pub(crate) name: &'static str,
    pub(crate) methods: BTreeMap<&'static str, &'static StaticMethod>,
}

/// The component's assembly, or the error of a component in which nothing can be called.
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

/// The error of an id that no method has. It suggests an id that differs in case only, or that of the Rust name.
fn no_such_method<'a>(owner: &str, id: &str, mut known: impl Iterator<Item = &'a MethodInfo>) -> Error {
    let meant = known
        .find(|info| info.id.eq_ignore_ascii_case(id) || info.name.rsplit("::").next().is_some_and(|name| name == id));
    let hint = meant.map_or_else(String::new, |info| format!(" Did you mean '{}'?", info.id));
    Error::new(
        ErrorKind::NoSuchMethod,
        format!("{owner} does not contain a public method marked #[js_invokable] with the id '{id}'.{hint}"),
    )
}
