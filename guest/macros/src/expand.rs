//! The code that is generated beside an item with the attribute, which registers it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Error, GenericParam, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, LitStr, Result};

use crate::attribute::{self, Arguments};
use crate::method::{self, Method, ReceiverKind};
use crate::{symbol, tokens};

const ON_IMPL_TOO: &str = "put `#[js_invokable]` on the `impl` block too: a method alone cannot know its type";

/// Returns the item without this crate's attributes, and its registration or a compile error.
pub(crate) fn js_invokable(attribute: TokenStream, item: TokenStream) -> TokenStream {
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Fn(mut function)) => {
            let first = attribute::parse(attribute).map(|first| vec![first]);
            let rest = attribute::take(&mut function.attrs);
            let attributes = all([first, rest]).map(|found| found.concat());
            let code = code(attributes.and_then(|attributes| register_function(&attributes, &function)));
            quote!(#function #code)
        }
        Ok(Item::Impl(mut block)) => {
            let methods = block.items.iter_mut().map(|item| match item {
                ImplItem::Fn(function) => attribute::take_of_method(&mut function.attrs),
                _ => Ok(Vec::new()),
            });
            let methods = all(methods.collect::<Vec<_>>());
            let code = code(methods.and_then(|methods| register_impl(attribute, &methods, &block)));
            quote!(#block #code)
        }
        Ok(other) => {
            let error = Error::new_spanned(&other, "`#[js_invokable]` goes on functions and on `impl` blocks");
            let code = error.into_compile_error();
            quote!(#other #code)
        }
        // A method alone does not parse as an item.
        Err(error) => {
            let method = syn::parse2::<ImplItemFn>(item.clone());
            let error = method.map_or(error, |method| Error::new(method.sig.ident.span(), ON_IMPL_TOO));
            let code = error.into_compile_error();
            quote!(#item #code)
        }
    }
}

fn code(code: Result<TokenStream>) -> TokenStream {
    code.unwrap_or_else(Error::into_compile_error)
}

/// All values, or all errors.
fn all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors: Option<Error> = None;
    for result in results {
        match (result, &mut errors) {
            (Ok(value), _) => values.push(value),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(values), Err)
}

fn register_function(attributes: &[Arguments], function: &ItemFn) -> Result<TokenStream> {
    if let Some(receiver) = function.sig.receiver() {
        return Err(Error::new_spanned(receiver, ON_IMPL_TOO));
    }
    let method = Method::new(attributes, &function.attrs, &function.vis, &function.sig, None)?;
    check_ids([&method])?;
    let dotwit = attribute::import(attributes);
    let registration = register_static(&method, &method.ident.to_token_stream(), "");
    let cfgs = &method.cfgs;
    Ok(quote! {
        #(#cfgs)*
        const _: () = {
            #dotwit
            #registration
        };
    })
}

fn register_impl(attribute: TokenStream, methods: &[Vec<Arguments>], block: &ItemImpl) -> Result<TokenStream> {
    let attribute = attribute::parse(attribute)?;
    if let Some(id) = attribute.id {
        return Err(Error::new_spanned(id, "an `impl` block has no id: give ids to the methods in it"));
    }
    if let Some(path) = methods.iter().flatten().find_map(|arguments| arguments.dotwit.as_ref()) {
        return Err(Error::new_spanned(path, "`crate` is an argument of the attribute on the `impl` block"));
    }
    if let Some((_, path, _)) = &block.trait_ {
        return Err(Error::new_spanned(
            path,
            "`#[js_invokable]` goes on inherent `impl` blocks: methods of traits cannot be called by name",
        ));
    }
    if let Some(lifetime) = block.generics.lifetimes().next() {
        return Err(Error::new_spanned(
            lifetime,
            "the page can hold an object for as long as it likes, so its type cannot borrow",
        ));
    }
    let self_ty = &block.self_ty;
    let type_name = tokens::type_text(self_ty);
    let owner = format!("{}::", type_name.split('<').next().unwrap_or_default());
    let methods = all(block.items.iter().zip(methods).filter_map(|(item, attributes)| match item {
        ImplItem::Fn(function) if !attributes.is_empty() => Some(check_method(attributes, function, block)),
        _ => None,
    }))?;
    check_ids(methods.iter().filter(|method| method.receiver.is_some()))?;
    check_ids(methods.iter().filter(|method| method.receiver.is_none()))?;

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
                __dotwit::__private::InstanceMethod { info: #info, call: |__object, __args| { #call } }
            });
        }
    }
    let statics = fixed.iter().map(|method| {
        let ident = &method.ident;
        register_static(method, &quote!(<#self_ty>::#ident), &owner)
    });
    let (impl_generics, _, where_clause) = block.generics.split_for_impl();
    let docs = method::docs(&block.attrs);
    let cfgs = attribute::cfgs(&block.attrs);
    let dotwit = attribute::import(&[attribute]);
    let keep = symbol::keep();
    Ok(quote! {
        #(#cfgs)*
        #[allow(deprecated)]
        const _: () = {
            #dotwit
            impl #impl_generics __dotwit::Invokable for #self_ty #where_clause {
                const TYPE_NAME: &'static str = #type_name;
                const METHODS: &'static [__dotwit::__private::InstanceMethod] = &[#(#entries),*];
            }
            __dotwit::__private::inventory::submit! {
                __dotwit::__private::ObjectType { name: #type_name, docs: #docs, methods: &[#(#infos),*] }
            }
            #keep
            #(#statics)*
        };
    })
}

fn check_method(attributes: &[Arguments], function: &ImplItemFn, block: &ItemImpl) -> Result<Method> {
    let method = Method::new(attributes, &function.attrs, &function.vis, &function.sig, Some(&block.self_ty))?;
    let generic = block.generics.params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_)));
    if generic && method.receiver.is_none() {
        return Err(Error::new(
            method.ident.span(),
            "a static method of a generic type cannot be called by name: JavaScript cannot say which types it means",
        ));
    }
    Ok(method)
}

/// The code that registers a static method.
fn register_static(method: &Method, path: &TokenStream, owner: &str) -> TokenStream {
    let cfgs = &method.cfgs;
    let call = call(method, path);
    let infos = method.ids.iter().map(|id| method.info(id, owner));
    let keep = symbol::keep();
    quote! {
        #(#cfgs)*
        #[allow(deprecated)]
        const _: () = {
            fn __dotwit_call(
                __args: __dotwit::__private::Arguments<'_>,
            ) -> ::core::result::Result<__dotwit::__private::Reply, __dotwit::Error> {
                #call
            }
            #(
                __dotwit::__private::inventory::submit! {
                    __dotwit::__private::StaticMethod { info: #infos, call: __dotwit_call }
                }
            )*
            #keep
        };
    }
}

/// The code that reads the arguments `__args`, calls `path` with them (on `__object`, if the method has a receiver) and
/// makes a reply of what it returns.
fn call(method: &Method, path: &TokenStream) -> TokenStream {
    let names: Vec<Ident> =
        (1..=method.parameters.len()).map(|n| format_ident!("__arg{n}", span = Span::mixed_site())).collect();
    let reads = method.parameters.iter().map(|parameter| {
        let (ty, text) = (&parameter.ty, &parameter.name);
        quote_spanned!(located_at(parameter.span)=> __reader.next::<#ty>(#text)?)
    });
    // An assignment, because `cfg` is allowed on parts of an expression, and not on parts of a pattern.
    let cfgs: Vec<_> = method.parameters.iter().map(|parameter| &parameter.cfgs).collect();
    let read = if names.is_empty() {
        quote!(let _ = __args;)
    } else {
        quote! {
            #(#(#cfgs)* let #names;)*
            (#(#(#cfgs)* #names,)*) = {
                let mut __reader = __args.open(<[()]>::len(&[#(#(#cfgs)* (),)*]))?;
                (#(#(#cfgs)* #reads,)*)
            };
        }
    };
    let downcast = method.receiver.map(|_| {
        quote! {
            let __object: __dotwit::__private::Rc<Self> =
                __object.downcast::<Self>().expect("the dispatcher calls a method on an object of its type");
        }
    });
    let object = match method.receiver {
        Some(ReceiverKind::Reference) => quote!(&*__object,),
        Some(ReceiverKind::Rc) => quote!(__object,),
        None => quote!(),
    };
    let invocation = quote!(#path(#object #(#(#cfgs)* #names),*));
    let encode = quote_spanned! {located_at(method.output)=>
        (&__dotwit::__private::Probe::of(&__value)).encoding().encode(__value)
    };
    let reply = if method.is_async {
        quote! {
            __dotwit::__private::Reply::pending(async move {
                let __value = #invocation.await;
                #encode
            })
        }
    } else {
        quote! {{
            let __value = #invocation;
            (&__dotwit::__private::Probe::of(&__value)).timing().reply(__value, |__value| #encode)
        }}
    };
    let result = if method.diverges {
        if method.is_async {
            quote!(::core::result::Result::Ok(__dotwit::__private::Reply::pending(async move { #invocation.await })))
        } else {
            invocation
        }
    } else {
        quote!(::core::result::Result::Ok(#reply))
    };
    quote! {
        #[allow(unused_imports)]
        use __dotwit::__private::{BytesValue as _, FallibleValue as _, FutureReply as _, ImmediateReply as _, PlainValue as _};
        #downcast
        #read
        #result
    }
}

/// The span of generated code whose errors are reported at `span`.
fn located_at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Refuses an id that is there twice, unless both methods have a `cfg`: then perhaps only one of them is compiled.
fn check_ids<'a>(methods: impl IntoIterator<Item = &'a Method>) -> Result<()> {
    let mut seen: Vec<(&LitStr, &Method)> = Vec::new();
    for method in methods {
        for id in &method.ids {
            let clash = seen.iter().find(|(other, first)| {
                let alternatives = !std::ptr::eq(*first, method) && !first.cfgs.is_empty() && !method.cfgs.is_empty();
                other.value() == id.value() && !alternatives
            });
            if let Some((_, first)) = clash {
                return Err(method::duplicate(id, &first.ident, &method.ident));
            }
            seen.push((id, method));
        }
    }
    Ok(())
}
