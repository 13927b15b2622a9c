//! The form of keys, aliases and source types. Whether a key is that of its source type is judged
//! by a const fn of hybrid-core, which knows the type.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Error, Ident, LitStr, Path, Result};

/// One lowercase word.
pub fn check_key(literal: &LitStr) -> Result<()> {
    let key = literal.value();
    let says = match key.as_str() {
        "" => "a store key is not empty: it is the name of the source type without `Source`, in lower case".to_owned(),
        _ if is_word(&key) => return Ok(()),
        _ => match suggestion(&key) {
            Some(right) => {
                format!("store key `{key}` is not one word of lowercase letters and digits: write `{right}`")
            }
            None => {
                format!("store key `{key}` is not one word of lowercase letters and digits, starting with a letter")
            }
        },
    };
    Err(Error::new_spanned(literal, says))
}

/// Lowercase words, joined by dots.
pub fn check_alias(literal: &LitStr) -> Result<()> {
    let alias = literal.value();
    if alias
        .split('.')
        .all(|word| is_word(&word.replace('_', "")) && !word.starts_with('_'))
    {
        return Ok(());
    }
    let says =
        format!("alias `{alias}` is not made of lowercase letters, digits, `_` and dots, as in `snowflake.offline`");
    Err(Error::new_spanned(literal, says))
}

/// The name of a source type: letters and digits, then `Source`.
pub fn check_source_type(ident: &Ident, name: &str) -> Result<()> {
    let says = match name.strip_suffix("Source") {
        None => format!("source type `{name}` does not end in `Source`: its store's key is what precedes `Source`"),
        Some("") => "source type `Source` has nothing before `Source`: that is what gives the store's key".to_owned(),
        Some(stem) if is_word(&stem.to_ascii_lowercase()) => return Ok(()),
        Some(_) => format!("source type `{name}` has more than ASCII letters and digits: a store's key is one word"),
    };
    Err(Error::new_spanned(ident, says))
}

/// Where expansions find hybrid-core's `__private`; `span` is where its errors show.
pub fn private_path(core: Option<&Path>, span: Span) -> TokenStream {
    match core {
        Some(path) => quote_spanned!(span=> #path::__private),
        None => quote_spanned!(span=> ::hybrid_core::__private),
    }
}

/// An error on all of `tokens`.
pub fn misplaced(tokens: impl ToTokens, says: &str) -> Error {
    Error::new_spanned(tokens, says)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

fn suggestion(key: &str) -> Option<String> {
    let right: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    is_word(&right).then_some(right)
}
