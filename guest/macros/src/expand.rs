//! What stands in place of an item with the attribute: the item itself, and the code that registers it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Error, GenericParam, Ident, ImplItem, Item, ItemFn, ItemImpl, Result};

use crate::method::{self, Method, Receives};

pub(crate) fn js_invokable(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(function)) => expand_function(attribute, function),
        Ok(Item::Impl(block)) => expand_impl(attribute, block),
        Ok(other) => Err(Error::new_spanned(other, "`#[js_invokable]` goes on functions and on `impl` blocks")),
        // A method is no item of its own.
        Err(error) => match syn::parse2::<syn::ImplItemFn>(item) {
            Ok(method) => Err(Error::new(
                method.sig.ident.span(),
                "put `#[js_invokable]` on the `impl` block too: a method alone cannot know its type",
            )),
            Err(_) => Err(error),
        },
    }
}

fn expand_function(attribute: TokenStream, mut function: ItemFn) -> Result<TokenStream> {
    if let Some(receiver) = function.sig.receiver() {
        return Err(Error::new_spanned(
            receiver,
            "put `#[js_invokable]` on the `impl` block too: a method alone cannot know its type",
        ));
    }
    let mut ids = vec![method::parse_id(attribute)?];
    ids.extend(method::take_ids(&mut function.attrs)?);
    let method = Method::new(ids, &function.attrs, &function.vis, &function.sig)?;
    check_ids([&method])?;
    let ident = &method.ident;
    let registration = register_static(&method, &ident.to_token_stream(), "");
    Ok(quote! {
        #function
        #registration
    })
}

fn expand_impl(attribute: TokenStream, mut block: ItemImpl) -> Result<TokenStream> {
    if !attribute.is_empty() {
        return Err(Error::new_spanned(attribute, "an `impl` block has no id: give ids to the methods in it"));
    }
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            path,
            "`#[js_invokable]` goes on inherent `impl` blocks: methods of traits cannot be called by name",
        ));
    }
    let generic = block.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    let type_name = method::type_text(&block.self_ty);
    let owner = format!("{}::", type_name.split('<').next().unwrap_or_default());

    let mut methods = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        let ids = method::take_ids(&mut function.attrs)?;
        if ids.is_empty() {
            continue;
        }
        let method = Method::new(ids, &function.attrs, &function.vis, &function.sig)?;
        if generic && method.receiver.is_none() {
            return Err(Error::new(
                method.ident.span(),
                "a static method of a generic type cannot be called by name: JavaScript cannot say which types it means",
            ));
        }
        methods.push(method);
    }
    check_ids(methods.iter().filter(|method| method.receiver.is_some()))?;
    check_ids(methods.iter().filter(|method| method.receiver.is_none()))?;

    let self_ty = &block.self_ty;
    let (instance, fixed): (Vec<&Method>, Vec<&Method>) = methods.iter().partition(|method| method.receiver.is_some());
    let (mut infos, mut entries) = (Vec::new(), Vec::new());
    for method in &instance {
        let (ident, cfgs) = (&method.ident, &method.cfgs);
        let call = call(method, &quote!(<#self_ty>::#ident));
        for id in &method.ids {
            let info = method.info(id, &owner);
            infos.push(quote!(#(#cfgs)* #info));
            entries.push(quote! {
                #(#cfgs)*
                ::dotwit::__private::InstanceMethod { info: #info, call: |__object, __args| { #call } }
            });
        }
    }
    let statics = fixed.iter().map(|method| {
        let ident = &method.ident;
        register_static(method, &quote!(<#self_ty>::#ident), &owner)
    });
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let docs = method::docs(&block.attrs);
    let cfgs = block.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
    Ok(quote! {
        #block
        #(#cfgs)*
        const _: () = {
            impl #impl_generics ::dotwit::Invokable for #self_ty #where_clause {
                const TYPE_NAME: &'static str = #type_name;
                const METHODS: &'static [::dotwit::__private::InstanceMethod] = &[#(#entries),*];
            }
            ::dotwit::__private::inventory::submit! {
                ::dotwit::__private::ObjectType { name: #type_name, docs: #docs, methods: &[#(#infos),*] }
            }
            #(#statics)*
        };
    })
}

/// The code that makes a static method known to the assembly.
fn register_static(method: &Method, path: &TokenStream, owner: &str) -> TokenStream {
    let cfgs = &method.cfgs;
    let call = call(method, path);
    let infos = method.ids.iter().map(|id| method.info(id, owner));
    quote! {
        #(#cfgs)*
        const _: () = {
            fn __call(
                __args: ::dotwit::__private::Arguments<'_>,
            ) -> ::core::result::Result<::dotwit::__private::Reply, ::dotwit::Error> {
                #call
            }
            #(
                ::dotwit::__private::inventory::submit! {
                    ::dotwit::__private::StaticMethod { info: #infos, call: __call }
                }
            )*
        };
    }
}

/// The code that reads the arguments `__args`, calls `path` with them (on `__object`, where the method has a receiver) and
/// makes a reply of what it returns.
fn call(method: &Method, path: &TokenStream) -> TokenStream {
    let names: Vec<Ident> = (1..=method.parameters.len()).map(|n| format_ident!("__arg{n}", span = Span::mixed_site())).collect();
    let reads = method.parameters.iter().zip(&names).map(|(parameter, name)| {
        let (ty, text) = (&parameter.ty, &parameter.name);
        quote!(let #name: #ty = __counted.next(#text)?;)
    });
    let count = names.len();
    let downcast = method.receiver.map(|_| {
        quote! {
            let __object: ::dotwit::__private::Rc<Self> =
                __object.downcast::<Self>().expect("the dispatcher calls a method on an object of its type");
        }
    });
    let object = match method.receiver {
        Some(Receives::Reference) => quote!(&*__object,),
        Some(Receives::Rc) => quote!(__object,),
        None => quote!(),
    };
    let invocation = quote!(#path(#object #(#names),*));
    let encode = quote!((&::dotwit::__private::Probe::of(&__value)).encoding().encode(__value));
    let reply = if method.is_async {
        quote! {
            ::dotwit::__private::Reply::pending(async move {
                let __value = #invocation.await;
                #encode
            })
        }
    } else {
        quote! {{
            let __value = #invocation;
            (&::dotwit::__private::Probe::of(&__value)).timing().reply(__value, |__value| #encode)
        }}
    };
    quote! {
        #[allow(unused_imports)]
        use ::dotwit::__private::{FallibleValue as _, FutureReply as _, ImmediateReply as _, PlainValue as _};
        #downcast
        __args.read(#count, |__counted| {
            #(#reads)*
            ::core::result::Result::Ok(#reply)
        })
    }
}

/// Refuses an id that is there twice.
fn check_ids<'a>(methods: impl IntoIterator<Item = &'a Method>) -> Result<()> {
    let mut seen: Vec<(&syn::LitStr, &Ident)> = Vec::new();
    for method in methods {
        for id in &method.ids {
            if let Some((_, first)) = seen.iter().find(|(other, _)| other.value() == id.value()) {
                return Err(method::duplicate(id, first, &method.ident));
            }
            seen.push((id, &method.ident));
        }
    }
    Ok(())
}
