use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Path, Result};

use crate::names::{check_source_type, misplaced, private_path};

/// The impl of `DataSource`, its name taken from the declared identifier.
pub fn expand(input: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    check_shape(&input)?;
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    check_source_type(ident, &name)?;
    let private = private_path(core_path(&input)?.as_ref(), Span::call_site());
    Ok(quote! {
        #[automatically_derived]
        impl #private::DataSource for #ident {
            const TYPE_NAME: &'static str = #name;
        }
    })
}

fn check_shape(input: &DeriveInput) -> Result<()> {
    let says = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) => return check_generics(input),
            Fields::Unnamed(_) => "a data source is a struct with named fields, and this is a tuple struct",
            Fields::Unit => "a data source is a struct with named fields, and this has none: write `{}`",
        },
        Data::Enum(_) => "a data source is a struct with named fields, and this is an enum",
        Data::Union(_) => "a data source is a struct with named fields, and this is a union",
    };
    Err(misplaced(&input.ident, says))
}

fn check_generics(input: &DeriveInput) -> Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    Err(misplaced(
        &input.generics,
        "a data source has no generic parameters: one name is one type",
    ))
}

fn core_path(input: &DeriveInput) -> Result<Option<Path>> {
    let mut path = None;
    for attribute in input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("data_source"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown argument of `data_source`: it knows `crate = path`"));
            }
            path = Some(meta.value()?.call(Path::parse_mod_style)?);
            Ok(())
        })?;
    }
    Ok(path)
}
