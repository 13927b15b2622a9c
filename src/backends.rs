/// Of one line per backend: where its feature is on, links the crate and re-exports it as a module;
/// lists it in [`BACKENDS`](crate::BACKENDS); makes it known to errors where the feature is off; and
/// asserts that no two lines share a name and that each says what its crate registers. A line
/// without a crate is a backend that this version does not have yet.
macro_rules! backends {
    ($(
        $key:literal $(, aliases($($alias:literal),+))?, feature $feature:literal
        $(, crate $krate:ident as $module:ident, store $store:ident)?;
    )+) => {
        $($(
            #[cfg(feature = $feature)]
            #[doc(inline)]
            pub use $krate as $module;
        )?)+

        /// The registrations of the backends whose features are on.
        ///
        /// A static library needs it (a `staticlib` that a C linker puts into a program): that
        /// linker drops what nobody names, and `backends()` would be empty. Name this table, and
        /// likewise the stores of other crates, from a function that the program calls:
        /// `std::hint::black_box(hybrid_offline_store::BACKENDS)`.
        pub static BACKENDS: &[&hybrid_core::Registration] = &[$($(
            #[cfg(feature = $feature)]
            <$krate::$store as hybrid_core::Registered>::REGISTRATION,
        )?)+];

        const LINES: &[hybrid_core::__private::KnownBackend] = &[$(hybrid_core::__private::KnownBackend {
            key: $key,
            aliases: &[$($($alias),+)?],
            feature: $feature,
            package: env!("CARGO_PKG_NAME"),
            available: {
                let crates: &[&str] = &[$(stringify!($krate))?];
                !crates.is_empty()
            },
        }),+];
        const _: () = hybrid_core::__private::check_table(LINES, BACKENDS);
        hybrid_core::__private::inventory::submit! { hybrid_core::__private::KnownTable(LINES) }
    };
}
pub(crate) use backends;
