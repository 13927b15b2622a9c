use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, ItemImpl, LitStr, Path, Result, Token, Type, parenthesized};

use crate::names::{check_alias, check_key, misplaced, private_path};

/// The impl as it was written, and the registration; or, of the first mistake, its message.
pub fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let registration = syn::parse2::<Arguments>(arguments)
        .and_then(|arguments| Ok((arguments, store_of(&item)?)))
        .map_or_else(Error::into_compile_error, |(arguments, store)| {
            register(&arguments, &store)
        });
    quote! { #item #registration }
}

/// What stands in the parentheses of the attribute.
struct Arguments {
    key: LitStr,
    aliases: Vec<LitStr>,
    core: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Self> {
        if input.is_empty() {
            return Err(Error::new(
                Span::call_site(),
                "the store's key is missing: `#[offline_store(\"key\")]`",
            ));
        }
        let mut arguments = Self {
            key: input.parse()?,
            aliases: Vec::new(),
            core: None,
        };
        check_key(&arguments.key)?;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                arguments.parse_further(input)?;
            }
        }
        Ok(arguments)
    }
}

impl Arguments {
    fn parse_further(&mut self, input: ParseStream) -> Result<()> {
        if input.peek(Token![crate]) && self.core.is_none() {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            self.core = Some(input.call(Path::parse_mod_style)?);
            return Ok(());
        }
        let fork = input.fork();
        match fork.parse::<Ident>() {
            Ok(name) if name == "aliases" && self.aliases.is_empty() => {
                input.parse::<Ident>()?;
                self.parse_aliases(input)
            }
            _ => {
                Err(input.error("unknown or repeated argument: after the key come `aliases(\"…\")` and `crate = path`"))
            }
        }
    }

    fn parse_aliases(&mut self, input: ParseStream) -> Result<()> {
        let content;
        parenthesized!(content in input);
        for alias in Punctuated::<LitStr, Token![,]>::parse_terminated(&content)? {
            check_alias(&alias)?;
            if self.names().any(|name| name.value() == alias.value()) {
                let says = format!("`{}` already is a name of this store", alias.value());
                return Err(misplaced(alias, &says));
            }
            self.aliases.push(alias);
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &LitStr> {
        std::iter::once(&self.key).chain(&self.aliases)
    }
}

/// The type of `impl OfflineStore for Type`, or of `impl SqlStore for Type`, from which it follows.
fn store_of(item: &TokenStream) -> Result<Type> {
    const PLACE: &str = "`#[offline_store]` belongs on `impl OfflineStore for …`";
    let block: ItemImpl = syn::parse2(item.clone()).map_err(|_| Error::new(Span::call_site(), PLACE))?;
    let is_store = |(path, _): &(Path, Token![for])| {
        path.segments
            .last()
            .is_some_and(|last| last.ident == "OfflineStore" || last.ident == "SqlStore")
    };
    if !block.trait_.as_ref().is_some_and(is_store) {
        return Err(Error::new(Span::call_site(), PLACE));
    }
    if !block.generics.params.is_empty() {
        return Err(misplaced(
            &block.generics,
            "a store that registers has no generic parameters: one key is one type",
        ));
    }
    Ok(*block.self_ty)
}

/// The registration, each part of it spanned where a mistake in it is to be shown.
fn register(arguments: &Arguments, store: &Type) -> TokenStream {
    let Arguments { key, aliases, core } = arguments;
    let private = private_path(core.as_ref(), Span::call_site());
    let at_key = private_path(core.as_ref(), key.span());
    let registration = quote_spanned! {key.span()=>
        static OFFLINE_STORE_KEY: #at_key::Registration = #at_key::Registration::of::<#store>(
            #key,
            &[#(#aliases),*],
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_PKG_VERSION"),
        );
    };
    let claims = arguments.names().map(claim);
    quote! {
        const _: () = {
            #registration
            #[automatically_derived]
            impl #private::Registered for #store {
                const REGISTRATION: &'static #private::Registration = &OFFLINE_STORE_KEY;
            }
            #private::inventory::submit! { #private::Submitted(&OFFLINE_STORE_KEY) }
            #(#claims)*
        };
    }
}

/// Makes a name unique: in the crate by a macro, of which its root can hold one of a name, and in
/// the program by an exported symbol. The symbol has the span of this macro, not of the user's
/// code, so that `forbid(unsafe_code)` there does not meet its attribute.
fn claim(name: &LitStr) -> TokenStream {
    let symbol = format!("hybrid_offline_store_backend_{}", name.value());
    let local = Ident::new(
        &format!("offline_store_{}", name.value().replace('.', "_dot_")),
        name.span(),
    );
    let once_in_crate = quote_spanned! {name.span()=>
        #[doc(hidden)]
        #[macro_export]
        macro_rules! #local { () => {}; }
    };
    quote! {
        #once_in_crate
        const _: () = {
            #[used]
            #[unsafe(export_name = #symbol)]
            static ONCE_IN_PROGRAM: u8 = 0;
        };
    }
}
