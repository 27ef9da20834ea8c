//! One method: what generated code needs of its signature, and which signatures are refused.

use heck::ToUpperCamelCase;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericParam, Ident, Lit, LitStr, Meta, Pat, Receiver, Result, ReturnType,
    Signature, Type, TypeParamBound, Visibility,
};

use crate::attribute::{self, Arguments};
use crate::tokens::{find_borrow, find_ident, substitute_self, type_text};

/// The id with which pages dispose of a reference (reserved by Blazor).
const RESERVED: &str = "__Dispose";

/// How many arguments a call may have: `dotwit_wire::limits::MAX_ARGUMENTS`.
const MAX_PARAMETERS: usize = 64;

const GENERIC: &str = "a generic method cannot be called by name: JavaScript cannot say which types it means";

/// The type of what the guest can send and not receive.
const STREAM_OUT: &str = "DotNetStreamReference";

/// Why a parameter cannot borrow.
const OWNS: &str = "a parameter of an invokable method owns its data, because it is read from JSON";

/// A method that can be called.
pub(crate) struct Method {
    pub(crate) ids: Vec<LitStr>,
    pub(crate) ident: Ident,
    pub(crate) receiver: Option<ReceiverKind>,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether its signature says that it returns a future.
    pub(crate) is_async: bool,
    /// Whether it never returns: `-> !`.
    pub(crate) diverges: bool,
    /// Where the signature has the result's type.
    pub(crate) output: Span,
    returns: String,
    docs: TokenStream,
    pub(crate) cfgs: Vec<Attribute>,
}

/// How a method takes its object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReceiverKind {
    /// `&self`
    Reference,
    /// `self: Rc<Self>`
    Rc,
}

/// A parameter other than the receiver.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: TokenStream,
    /// Where the signature has the type.
    pub(crate) span: Span,
    pub(crate) cfgs: Vec<Attribute>,
}

impl Method {
    /// Checks a signature that has these `#[js_invokable]` attributes. `this` is what `Self` means in it.
    pub(crate) fn new(
        attributes: &[Arguments],
        attrs: &[Attribute],
        vis: &Visibility,
        sig: &Signature,
        this: Option<&Type>,
    ) -> Result<Self> {
        if !matches!(vis, Visibility::Public(_)) {
            return Err(Error::new(
                sig.ident.span(),
                format!("`{}` must be `pub` to be callable from JavaScript", sig.ident),
            ));
        }
        if let Some(unsafety) = &sig.unsafety {
            return Err(Error::new_spanned(unsafety, "JavaScript cannot uphold the contract of an unsafe function"));
        }
        let open = |param: &&GenericParam| !matches!(param, GenericParam::Lifetime(_));
        if let Some(param) = sig.generics.params.iter().find(open) {
            return Err(Error::new_spanned(param, GENERIC));
        }
        let mut receiver = None;
        let mut parameters = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(found) => {
                    receiver = Some(receiver_kind(found)?);
                }
                FnArg::Typed(typed) => {
                    check_parameter(&typed.ty)?;
                    let name = match &*typed.pat {
                        Pat::Ident(pat) => pat.ident.unraw().to_string(),
                        _ => format!("arg{}", parameters.len() + 1),
                    };
                    let ty = substitute_self(typed.ty.to_token_stream(), this);
                    let cfgs = attribute::cfgs(&typed.attrs);
                    parameters.push(Parameter { name, ty, span: typed.ty.span(), cfgs });
                }
            }
        }
        if let Some(extra) = sig.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).nth(MAX_PARAMETERS) {
            return Err(Error::new_spanned(
                extra,
                format!("a call has at most {MAX_PARAMETERS} arguments: take an object with the rest as its fields"),
            ));
        }
        let own_id = sig.ident.unraw().to_string().to_upper_camel_case();
        let ids = attributes
            .iter()
            .map(|arguments| arguments.id.clone().unwrap_or_else(|| LitStr::new(&own_id, sig.ident.span())))
            .map(|id| check_id(&id).map(|()| id))
            .collect::<Result<_>>()?;
        let (returns, is_future, diverges, output) = match &sig.output {
            ReturnType::Default => ("()".to_owned(), false, false, sig.ident.span()),
            ReturnType::Type(_, ty) => {
                let text = type_text(&substitute_self(ty.to_token_stream(), this));
                (text, returns_future(ty), matches!(bare(ty), Type::Never(_)), ty.span())
            }
        };
        Ok(Self {
            ids,
            ident: sig.ident.clone(),
            receiver,
            parameters,
            is_async: sig.asyncness.is_some() || is_future,
            diverges,
            output,
            returns,
            docs: docs(attrs),
            cfgs: attribute::cfgs(attrs),
        })
    }

    /// The `MethodInfo` of one of its ids. `owner` comes before the name: `HelloHelper::`.
    pub(crate) fn info(&self, id: &LitStr, owner: &str) -> TokenStream {
        let name = format!("::{owner}{}", self.ident.unraw());
        let parameters = self.parameters.iter().map(|parameter| {
            let (name, ty, cfgs) = (&parameter.name, type_text(&parameter.ty), &parameter.cfgs);
            quote!(#(#cfgs)* (#name, #ty))
        });
        let (returns, is_async, docs) = (&self.returns, self.is_async, &self.docs);
        // `file!` and `line!` return where their tokens are, which is the method if they have its span.
        let location = quote_spanned!(self.ident.span()=> ::core::concat!(::core::file!(), ":", ::core::line!()));
        quote! {
            __dotwit::__private::MethodInfo {
                id: #id,
                name: ::core::concat!(::core::module_path!(), #name),
                parameters: &[#(#parameters),*],
                returns: #returns,
                is_async: #is_async,
                docs: #docs,
                location: #location,
            }
        }
    }
}

fn receiver_kind(receiver: &Receiver) -> Result<ReceiverKind> {
    match bare(&receiver.ty) {
        Type::Reference(reference) if reference.mutability.is_none() && is_self(&reference.elem) => {
            Ok(ReceiverKind::Reference)
        }
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Rc") => Ok(ReceiverKind::Rc),
        _ => Err(Error::new_spanned(
            receiver,
            "an invokable method takes `&self` or `self: Rc<Self>`: JavaScript may call it while another call to the \
             object is under way, so keep what changes in a `Cell` or a `RefCell`",
        )),
    }
}

/// Whether a type is written as `Self`.
fn is_self(ty: &Type) -> bool {
    matches!(bare(ty), Type::Path(path) if path.path.is_ident("Self"))
}

/// A type without parentheses, and without the invisible groups around the arguments of a macro.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

fn check_parameter(ty: &Type) -> Result<()> {
    match bare(ty) {
        Type::Reference(reference) => {
            let owned = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
                Type::Slice(slice) => format!("Vec<{}>", type_text(&slice.elem)),
                other => type_text(other),
            };
            Err(Error::new_spanned(ty, format!("{OWNS}: use `{owned}`")))
        }
        Type::ImplTrait(_) => Err(Error::new_spanned(ty, GENERIC)),
        _ => {
            if let Some(borrow) = find_borrow(ty.to_token_stream()) {
                return Err(Error::new(borrow, OWNS));
            }
            match find_ident(ty.to_token_stream(), STREAM_OUT) {
                Some(ident) => Err(Error::new(
                    ident.span(),
                    format!("a `{STREAM_OUT}` is read by the page: what it sends to be read is a `JsStreamReference`"),
                )),
                None => Ok(()),
            }
        }
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

/// Whether a type is written as a future. A macro sees names, not types.
fn returns_future(ty: &Type) -> bool {
    let is_future = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Future"),
        _ => false,
    };
    match bare(ty) {
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

/// The doc comment among these attributes, as an expression, because lines may come from macros such as `include_str!`.
pub(crate) fn docs(attrs: &[Attribute]) -> TokenStream {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => Some(&meta.value),
        _ => None,
    });
    let text = |line: &Expr| match line {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let line = text.value();
            Some(line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        }
        _ => None,
    };
    match lines.clone().map(text).collect::<Option<Vec<String>>>() {
        Some(lines) => lines.join("\n").trim().to_token_stream(),
        None => {
            let lines = lines.map(|line| text(line).map_or_else(|| line.to_token_stream(), |text| quote!(#text)));
            quote!(::core::concat!(#(#lines, "\n"),*).trim_ascii())
        }
    }
}

/// The error of an id that is there twice.
pub(crate) fn duplicate(id: &LitStr, first: &Ident, second: &Ident) -> Error {
    let value = id.value();
    let what = if first == second {
        format!("the id `{value}` is given to `{first}` twice")
    } else {
        format!("the id `{value}` is given to both `{first}` and `{second}`")
    };
    Error::new(id.span(), what)
}
