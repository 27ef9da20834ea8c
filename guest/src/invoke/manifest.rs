//! The list of all that can be called: `dotwit:interop/manifest`.

use crate::error::Error;
use crate::method::{MethodInfo, ObjectType, registry};

/// The component's assembly.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The assembly's name.
    pub name: &'static str,
    /// Its static methods, sorted by id.
    pub methods: Vec<MethodInfo>,
    /// The types of the objects that it may hand out, sorted by name.
    pub types: Vec<TypeManifest>,
}

/// One type of objects.
#[derive(Clone, Debug)]
pub struct TypeManifest {
    /// The type's name in the source.
    pub name: &'static str,
    /// The doc comment of its `impl`, empty if there is none.
    pub docs: &'static str,
    /// Its methods, sorted by id.
    pub methods: Vec<MethodInfo>,
}

/// `manifest.describe`.
///
/// # Errors
///
/// If nothing can be called, because two static methods have the same id.
pub fn describe() -> Result<Manifest, Error> {
    let assembly = registry::assembly()?;
    let mut types: Vec<_> = inventory::iter::<ObjectType>
        .into_iter()
        .map(|object| {
            let mut methods = object.methods.to_vec();
            methods.sort_by_key(|method| method.id);
            TypeManifest { name: object.name, docs: object.docs, methods }
        })
        .collect();
    types.sort_by_key(|object| object.name);
    Ok(Manifest { name: assembly.name, methods: assembly.methods.values().map(|method| method.info).collect(), types })
}
