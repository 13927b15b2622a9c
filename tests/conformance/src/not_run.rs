//! What a store is not asked, as its fixture says beforehand.

use crate::report::listed;
use crate::verdict::{Untried, ensure};
use crate::{Behaviour, Miss, Verdict};

/// A behaviour that is not run, or all of a group; the parts of it that are not, none: all of it; words of each reason.
pub type NotRun = (&'static str, &'static [&'static str], &'static str);

/// Of an engine that takes any of several rows which their times do not decide between.
pub const ANY_TIE: [NotRun; 2] = [
    ("winner::exact_tie_is_repeatable", &[], "`stable_ties`"),
    ("winner::exact_tie_takes_the_later_row", &[], "`stable_ties`"),
];

/// Of an engine that has no nanoseconds.
pub const NO_NANOSECONDS: [NotRun; 2] = [
    ("times::source_types_interchange", &["nanoseconds"], "no nanoseconds"),
    ("times::nanoseconds_are_floored", &[], "no nanoseconds"),
];

/// Of a store that only reads.
pub const NO_WRITES: [NotRun; 2] = [("write", &[], "`writes`"), ("persist", &[], "`writes`")];

/// The part that is all of a behaviour.
const ALL: &[&str] = &[""];

/// The verdict on a behaviour, which has failed where its fixture says that something else of it is not run.
pub(crate) fn judged(behaviour: &Behaviour, verdict: Verdict, said: &[NotRun]) -> Verdict {
    let found = match &verdict {
        Ok(()) => Vec::new(),
        Err(Miss::NotRun(untried)) => untried.clone(),
        Err(Miss::Failed(_)) => return verdict,
    };
    let said = said_of(behaviour, said);
    let is_meant = |one: &Untried, right: &Untried| one.part == right.part && one.why.contains(&right.why);
    let is_said = found.iter().all(|one| said.iter().any(|right| is_meant(one, right)));
    let is_found = said.iter().all(|right| found.iter().any(|one| is_meant(one, right)));
    ensure(is_said && is_found, || {
        format!(
            "what was not run is: {}. The fixture says: {}",
            listed(&found),
            listed(&said)
        )
    })?;
    verdict
}

/// Part by part, with the words of the reasons.
fn said_of(behaviour: &Behaviour, said: &[NotRun]) -> Vec<Untried> {
    let name = behaviour.to_string();
    let own = said.iter().filter(|(of, ..)| *of == behaviour.group || *of == name);
    let parts = |(_, parts, why): &NotRun| {
        let parts = if parts.is_empty() { ALL } else { *parts };
        let of_part = |part: &&str| Untried {
            part: (*part).to_owned(),
            why: (*why).to_owned(),
        };
        parts.iter().map(of_part).collect::<Vec<_>>()
    };
    own.flat_map(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: Behaviour = Behaviour {
        group: "types",
        name: "scalars",
        run: |_| Box::pin(async { Ok(()) }),
    };

    fn untried(parts: &[(&str, &str)]) -> Verdict {
        let parts = parts.iter().map(|(part, why)| Untried {
            part: (*part).to_owned(),
            why: (*why).to_owned(),
        });
        Err(Miss::NotRun(parts.collect()))
    }

    #[test]
    fn what_is_not_run_is_what_the_fixture_says() {
        const SAID: NotRun = ("types::scalars", &["Bytes", "Uuid"], "no such");
        let both = untried(&[("Bytes", "there is no such type"), ("Uuid", "no such")]);
        for (verdict, said) in [
            (both.clone(), &[SAID][..]),
            (Ok(()), &[]),
            (Ok(()), &[("types::arrays", &[], "")]),
            (untried(&[("", "no lists")]), &[("types", &[], "lists")]),
        ] {
            assert_eq!(judged(&TYPES, verdict.clone(), said), verdict);
        }
        for (verdict, said) in [
            (Ok(()), &[SAID][..]),
            (both.clone(), &[]),
            (both, &[("types::scalars", &[], "no such")]),
            (untried(&[("Bytes", "no such")]), &[SAID]),
            (untried(&[("Bytes", "no such"), ("Uuid", "other")]), &[SAID]),
        ] {
            let told = judged(&TYPES, verdict, said);
            assert!(
                matches!(&told, Err(Miss::Failed(why)) if why.contains("says: ")),
                "{told:?}"
            );
        }
    }
}
