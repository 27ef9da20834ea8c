//! What can be called in a guest.

use serde::Serialize;

use crate::contract::bindings::manifest as wit;

/// What one assembly of a guest offers. Serialises as `dotwit inspect --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Assembly {
    /// The name that static calls use.
    pub name: String,
    /// The static methods, sorted by id.
    pub methods: Vec<Method>,
    /// The types of the objects that it may hand out, sorted by name.
    pub types: Vec<ObjectType>,
}

/// A type whose objects can be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ObjectType {
    /// The type's name in the guest's source.
    pub name: String,
    /// The instance methods, sorted by id.
    pub methods: Vec<Method>,
    /// The doc comment of its `impl` block.
    pub docs: Option<String>,
}

/// A method under one of its ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Method {
    /// What a caller names.
    pub id: String,
    /// The method's path in the guest's source.
    pub name: String,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The result's type as the guest's source has it.
    pub returns: String,
    /// Whether it can only be called asynchronously.
    pub is_async: bool,
    /// The doc comment.
    pub docs: Option<String>,
}

/// A parameter of a method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type as the guest's source has it.
    #[serde(rename = "type")]
    pub type_name: String,
}

impl From<wit::Assembly> for Assembly {
    fn from(assembly: wit::Assembly) -> Self {
        Self {
            name: assembly.name,
            methods: assembly.methods.into_iter().map(Into::into).collect(),
            types: assembly
                .types
                .into_iter()
                .map(|found| ObjectType {
                    name: found.name,
                    methods: found.methods.into_iter().map(Into::into).collect(),
                    docs: found.docs,
                })
                .collect(),
        }
    }
}

impl From<wit::Method> for Method {
    fn from(method: wit::Method) -> Self {
        Self {
            id: method.id,
            name: method.name,
            parameters: method
                .parameters
                .into_iter()
                .map(|parameter| Parameter { name: parameter.name, type_name: parameter.type_ })
                .collect(),
            returns: method.returns,
            is_async: method.is_async,
            docs: method.docs,
        }
    }
}
