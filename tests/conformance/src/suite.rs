//! The list of behaviours, written once: the table that a run goes through and the macro that
//! makes one test of each.

/// Declares the modules of behaviours, the table of all, and the macro `suite!`. The leading
/// dollar is what the made macro needs to name its own argument.
macro_rules! behaviours {
    ($d:tt $($group:ident { $($name:ident),+ $(,)? })+) => {
        $(pub mod $group;)+

        /// Every behaviour, in the order of the modules.
        pub(crate) static ALL: &[crate::report::Behaviour] = &[$($(crate::report::Behaviour {
            group: stringify!($group),
            name: stringify!($name),
            run: |fixture| Box::pin($group::$name(fixture)),
        }),+),+];

        /// Makes one `#[test]` per behaviour, named after it, and one of the random joins.
        ///
        /// The argument gives a [`Fixture`](crate::Fixture); it is evaluated once per test, inside
        /// a tokio runtime, and may `.await`. Groups of behaviours may follow: `suite!(fixture; keys, times)` makes
        /// tests of these alone, for a store that does the rest as another suite has it.
        #[macro_export]
        macro_rules! suite {
            $((@ $group) => {
                mod $group {
                    $(#[test]
                    fn $name() {
                        super::check_behaviour(stringify!($group), stringify!($name));
                    })+
                }
            };)+
            (@checked by $d fixture:expr) => {
                /// One function for all tests: what runs a future is compiled anew for each kind of future.
                fn check_behaviour(group: &str, name: &str) {
                    $d crate::block_on(async {
                        let fixture = $d fixture;
                        $d crate::run_named(&fixture, group, name).await;
                    });
                }
            };
            ($d fixture:expr) => {
                $d crate::suite!(@checked by $d fixture);
                $($d crate::suite!(@ $group);)+
            };
            ($d fixture:expr; $d($d group:ident),+) => {
                $d crate::suite!(@checked by $d fixture);
                $d($d crate::suite!(@ $d group);)+
            };
        }
    };
}
pub(crate) use behaviours;
