//! One method: what the attribute must know of it, and what is refused.

use heck::ToUpperCamelCase;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericParam, Ident, Lit, LitStr, Meta, Pat, Receiver, Result, ReturnType, Signature,
    Type, TypeParamBound, Visibility,
};

/// The id that Blazor's pages dispose of a reference with.
const RESERVED: &str = "__Dispose";

/// A method that can be called.
pub(crate) struct Method {
    pub(crate) ids: Vec<LitStr>,
    pub(crate) ident: Ident,
    pub(crate) receiver: Option<Receives>,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether its signature says that it returns a future.
    pub(crate) is_async: bool,
    returns: String,
    docs: String,
    pub(crate) cfgs: Vec<Attribute>,
}

/// How a method takes its object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receives {
    /// `&self`
    Reference,
    /// `self: Rc<Self>`
    Rc,
}

/// A parameter other than the receiver.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

impl Method {
    /// Checks a signature whose `#[js_invokable]` attributes gave `ids`, one each.
    pub(crate) fn new(ids: Vec<Option<LitStr>>, attrs: &[Attribute], vis: &Visibility, sig: &Signature) -> Result<Self> {
        if !matches!(vis, Visibility::Public(_)) {
            return Err(Error::new(
                sig.ident.span(),
                format!("`{}` must be `pub` to be callable from JavaScript", sig.ident),
            ));
        }
        if let Some(unsafety) = &sig.unsafety {
            return Err(Error::new(unsafety.span(), "JavaScript cannot uphold the contract of an unsafe function"));
        }
        let open = |param: &&GenericParam| !matches!(param, GenericParam::Lifetime(_));
        if let Some(param) = sig.generics.params.iter().find(open) {
            return Err(Error::new(
                param.span(),
                "a generic method cannot be called by name: JavaScript cannot say which types it means",
            ));
        }
        let mut receiver = None;
        let mut parameters = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(found) => {
                    receiver = Some(receives(found)?);
                }
                FnArg::Typed(typed) => {
                    check_parameter(&typed.ty)?;
                    let name = match &*typed.pat {
                        Pat::Ident(pat) => pat.ident.to_string().trim_start_matches("r#").to_owned(),
                        _ => format!("arg{}", parameters.len() + 1),
                    };
                    parameters.push(Parameter { name, ty: (*typed.ty).clone() });
                }
            }
        }
        let own_id = sig.ident.to_string().trim_start_matches("r#").to_upper_camel_case();
        let ids = ids
            .into_iter()
            .map(|id| id.unwrap_or_else(|| LitStr::new(&own_id, sig.ident.span())))
            .map(|id| check_id(&id).map(|()| id))
            .collect::<Result<_>>()?;
        let (returns, is_future) = match &sig.output {
            ReturnType::Default => ("()".to_owned(), false),
            ReturnType::Type(_, ty) => (type_text(ty), returns_future(ty)),
        };
        Ok(Self {
            ids,
            ident: sig.ident.clone(),
            receiver,
            parameters,
            is_async: sig.asyncness.is_some() || is_future,
            returns,
            docs: docs(attrs),
            cfgs: attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect(),
        })
    }

    /// The `MethodInfo` of one of its ids. `owner` comes before the name: `HelloHelper::`.
    pub(crate) fn info(&self, id: &LitStr, owner: &str) -> TokenStream {
        let name = format!("::{owner}{}", self.ident);
        let parameters = self.parameters.iter().map(|parameter| {
            let (name, ty) = (&parameter.name, type_text(&parameter.ty));
            quote!((#name, #ty))
        });
        let (returns, is_async, docs) = (&self.returns, self.is_async, &self.docs);
        quote! {
            ::dotwit::__private::MethodInfo {
                id: #id,
                name: ::core::concat!(::core::module_path!(), #name),
                parameters: &[#(#parameters),*],
                returns: #returns,
                is_async: #is_async,
                docs: #docs,
                location: ::core::concat!(::core::file!(), ":", ::core::line!()),
            }
        }
    }
}

fn receives(receiver: &Receiver) -> Result<Receives> {
    if receiver.reference.is_some() && receiver.mutability.is_none() {
        return Ok(Receives::Reference);
    }
    let by_rc = receiver.colon_token.is_some()
        && matches!(&*receiver.ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Rc"));
    if by_rc {
        return Ok(Receives::Rc);
    }
    Err(Error::new(
        receiver.span(),
        "an invokable method takes `&self` or `self: Rc<Self>`: JavaScript may call it while another call to the object is \
         under way, so keep what changes in a `Cell` or a `RefCell`",
    ))
}

fn check_parameter(ty: &Type) -> Result<()> {
    match ty {
        Type::Reference(reference) => {
            let owned = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
                Type::Slice(slice) => format!("Vec<{}>", type_text(&slice.elem)),
                other => type_text(other),
            };
            Err(Error::new(
                ty.span(),
                format!("a parameter of an invokable method owns its data, because it is read from JSON: use `{owned}`"),
            ))
        }
        Type::ImplTrait(_) => Err(Error::new(
            ty.span(),
            "a generic method cannot be called by name: JavaScript cannot say which types it means",
        )),
        _ => Ok(()),
    }
}

fn check_id(id: &LitStr) -> Result<()> {
    let value = id.value();
    if value.trim().is_empty() {
        return Err(Error::new(id.span(), "the id of an invokable method cannot be empty or white space"));
    }
    if value == RESERVED {
        return Err(Error::new(id.span(), "`__Dispose` is how pages dispose of a reference: choose another id"));
    }
    Ok(())
}

/// Whether a type is written as a future.
fn returns_future(ty: &Type) -> bool {
    let is_future = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Future"),
        _ => false,
    };
    match ty {
        Type::ImplTrait(found) => found.bounds.iter().any(is_future),
        Type::TraitObject(found) => found.bounds.iter().any(is_future),
        Type::Path(path) => path.path.segments.last().is_some_and(|last| match last.ident.to_string().as_str() {
            "BoxFuture" | "LocalBoxFuture" => true,
            "Pin" | "Box" => match &last.arguments {
                syn::PathArguments::AngleBracketed(arguments) => arguments
                    .args
                    .iter()
                    .any(|argument| matches!(argument, syn::GenericArgument::Type(inner) if returns_future(inner))),
                _ => false,
            },
            _ => false,
        }),
        _ => false,
    }
}

/// The lines of the doc comment among these attributes.
pub(crate) fn docs(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs
        .iter()
        .filter_map(|attr| match &attr.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                    let line = text.value();
                    Some(line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    lines.join("\n").trim().to_owned()
}

/// A type as its author would write it, with the token printer's spaces taken out.
pub(crate) fn type_text(ty: &impl ToTokens) -> String {
    let mut text = ty.to_token_stream().to_string();
    for (spaced, tight) in
        [(" :: ", "::"), (":: ", "::"), (" <", "<"), ("< ", "<"), (" >", ">"), (" ,", ","), ("& ", "&"), ("( ", "("), (" )", ")"), (" ;", ";")]
    {
        text = text.replace(spaced, tight);
    }
    text
}

/// The ids that a `#[js_invokable(…)]` attribute's own tokens give.
pub(crate) fn parse_id(tokens: TokenStream) -> Result<Option<LitStr>> {
    if tokens.is_empty() {
        return Ok(None);
    }
    let span = tokens.span();
    syn::parse2::<LitStr>(tokens).map(Some).map_err(|_| {
        Error::new(span, "expected an id as a string: `#[js_invokable(\"DifferentMethodName\")]`")
    })
}

/// Takes the `#[js_invokable]` attributes out of `attrs` and gives their ids.
pub(crate) fn take_ids(attrs: &mut Vec<Attribute>) -> Result<Vec<Option<LitStr>>> {
    let is_ours = |attr: &Attribute| attr.path().segments.last().is_some_and(|last| last.ident == "js_invokable");
    let (ours, others) = std::mem::take(attrs).into_iter().partition::<Vec<_>, _>(is_ours);
    *attrs = others;
    ours.into_iter()
        .map(|attr| match attr.meta {
            Meta::Path(_) => Ok(None),
            Meta::List(list) => parse_id(list.tokens),
            Meta::NameValue(meta) => Err(Error::new(
                meta.span(),
                "expected an id as a string: `#[js_invokable(\"DifferentMethodName\")]`",
            )),
        })
        .collect()
}

/// Where an id was given before, for the message about the second time.
pub(crate) fn duplicate(id: &LitStr, first: &Ident, second: &Ident) -> Error {
    let span: Span = id.span();
    Error::new(span, format!("the id `{}` is given to both `{first}` and `{second}`", id.value()))
}
