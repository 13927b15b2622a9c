use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Context, DataSource, DynOfflineStore, OfflineStore, key_of, rule};
use crate::config::Node;
use crate::{Error, ErrorKind, Result, Source};

/// One backend in the inventory: made by `#[offline_store("key")]`, and only by [`Registration::of`].
#[derive(Clone, Copy)]
pub struct Registration {
    pub(crate) key: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) crate_name: &'static str,
    pub(crate) crate_version: &'static str,
    pub(crate) source_type: &'static str,
    pub(crate) declared_source: fn() -> &'static str,
    pub(crate) source_key: fn() -> String,
    pub(crate) check_config: fn(&Node) -> Result<()>,
    pub(crate) check_source: fn(&Source) -> Result<()>,
    pub(crate) check_options: fn(&Node) -> Result<(), Vec<Error>>,
    pub(crate) connect: Connect,
}

type Connect = for<'a> fn(&'a Node, &'a Context) -> BoxFuture<'a, Result<Arc<dyn DynOfflineStore>>>;

/// A registration in the inventory: by reference, so that a registration that breaks the rule is one
/// error and its submission none.
pub struct Submitted(pub &'static Registration);

inventory::collect!(Submitted);

/// A store that registers itself. `#[offline_store("key")]` implements it.
///
/// A static library needs it: its linker drops what nobody names, so its code has to name the
/// registrations, as in `static STORES: &[&Registration] = &[MyStore::REGISTRATION];`.
pub trait Registered {
    /// The registration of this store.
    const REGISTRATION: &'static Registration;
}

impl Registration {
    /// Registers `T` under `key`; what only the author's crate knows is passed in.
    ///
    /// # Panics
    /// At compile time, when `key` is not the key of `T`'s source type, or an alias is malformed or
    /// written twice.
    #[track_caller]
    pub const fn of<T: OfflineStore>(
        key: &'static str,
        aliases: &'static [&'static str],
        crate_name: &'static str,
        crate_version: &'static str,
    ) -> Self {
        rule::check(key, aliases, T::Source::TYPE_NAME);
        Self {
            key,
            aliases,
            crate_name,
            crate_version,
            source_type: T::Source::TYPE_NAME,
            declared_source: type_name::<T::Source>,
            source_key: T::Source::key,
            check_config: |node| node.deserialize::<T::Config>().map(drop),
            check_source: |source| source.to_typed::<T::Source>().map(drop),
            check_options: |node| node.read::<T::Source>(None).map(drop),
            connect: |node, context| {
                Box::pin(async move {
                    let store = T::connect(node.deserialize()?, context).await?;
                    Ok(Arc::new(store) as Arc<dyn DynOfflineStore>)
                })
            },
        }
    }

    /// The store key, for example `bigquery`.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// Other names for it in YAML and in source types.
    pub const fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// The crate that registered it.
    pub const fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// That crate's version.
    pub const fn crate_version(&self) -> &'static str {
        self.crate_version
    }

    /// The declared name of its source type.
    pub const fn source_type(&self) -> &'static str {
        self.source_type
    }

    /// Key and aliases: every name it answers to.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.aliases.iter().copied())
    }

    /// Checks that the options of `source` are those of the store's source type.
    ///
    /// # Errors
    /// Definition, naming the source and the field that is wrong.
    pub fn check_source(&self, source: &Source) -> Result<()> {
        (self.check_source)(source)
    }

    /// Checks what no compiler sees: that a hand-written `impl DataSource` tells the truth.
    ///
    /// # Errors
    /// Unexpected, naming the crate that has the false name.
    pub fn verify(&self) -> Result<()> {
        let path = (self.declared_source)();
        let declared = last_segment(path);
        let key = (self.source_key)();
        let fault = if declared != self.source_type {
            format!("calls itself `{}`", self.source_type)
        } else if key != key_of(self.source_type) {
            format!("gives `{key}` as its key")
        } else {
            return Ok(());
        };
        let message = format!("store `{}` of {self}: its source type `{path}` {fault}", self.key);
        Err(Error::new(ErrorKind::Unexpected, message).with_help(format!(
            "in {}, derive it: #[derive(DataSource)] on `{declared}`",
            self.crate_name
        )))
    }
}

/// The crate and its version, for people.
impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crate `{}` {}", self.crate_name, self.crate_version)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registration({} by {self})", self.key)
    }
}

/// The identifier in the path of a type, without its parameters.
fn last_segment(path: &str) -> &str {
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}
