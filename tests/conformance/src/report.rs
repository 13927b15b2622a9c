use std::fmt;
use std::future::Future;

use futures::future::LocalBoxFuture;

use crate::fixture::Tracked;
use crate::not_run::judged;
use crate::verdict::Untried;
use crate::{Fixture, Miss, Verdict};

/// One behaviour that a store must show.
#[derive(Clone, Copy)]
pub struct Behaviour {
    /// The group, which is the module of the function.
    pub group: &'static str,
    /// The name of the function.
    pub name: &'static str,
    pub(crate) run: Run,
}

pub(crate) type Run = for<'a> fn(&'a dyn Fixture) -> LocalBoxFuture<'a, Verdict>;

impl Behaviour {
    /// Runs it and drops the tables that it made. What of it is not run is what the fixture says, or it has failed.
    ///
    /// # Errors
    /// Why it did not pass.
    pub async fn check(&self, fixture: &dyn Fixture) -> Verdict {
        let tracked = Tracked::new(fixture);
        let verdict = (self.run)(&tracked).await;
        let cleaned = tracked.clean_up().await;
        let verdict = verdict
            .and_then(|()| cleaned.map_err(|error| Miss::Failed(format!("its tables cannot be dropped: {error}"))));
        judged(self, verdict, &fixture.not_run())
    }
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

/// Every behaviour.
// Inlined, it would have every test compile them again; so would an async function in place of `run_named`.
#[inline(never)]
pub fn all() -> &'static [Behaviour] {
    crate::behaviours::ALL
}

/// What a run of the suite found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the store does.
    pub passed: Vec<String>,
    /// What it does not, and what it gave instead.
    pub failed: Vec<(String, String)>,
    /// What was not tried, and why.
    pub not_run: Vec<(String, String)>,
}

impl Report {
    /// Whether nothing failed.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty()
    }

    fn add(&mut self, name: String, verdict: Verdict) {
        match verdict {
            Ok(()) => self.passed.push(name),
            Err(Miss::NotRun(untried)) => self.not_run.push((name, listed(&untried))),
            Err(Miss::Failed(reason)) => self.failed.push((name, reason)),
        }
    }
}

/// What was not tried, for people.
pub(crate) fn listed(untried: &[Untried]) -> String {
    match untried {
        [] => "nothing".to_owned(),
        all => all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, reason) in &self.not_run {
            writeln!(f, "not run: {name} because {reason}")?;
        }
        for (name, reason) in &self.failed {
            writeln!(f, "failed: {name}: {reason}")?;
        }
        let (passed, failed, not_run) = (self.passed.len(), self.failed.len(), self.not_run.len());
        write!(f, "{passed} passed, {failed} failed, {not_run} not run")
    }
}

/// Runs every behaviour, one after the other.
pub fn run_all(fixture: &dyn Fixture) -> LocalBoxFuture<'_, Report> {
    Box::pin(async move {
        let mut report = Report::default();
        for behaviour in all() {
            report.add(behaviour.to_string(), behaviour.check(fixture).await);
        }
        report
    })
}

/// Runs the behaviour of that name; what did not run is said on standard error.
///
/// # Panics
/// When the behaviour fails: this is for tests.
#[allow(clippy::panic)]
pub fn run_named<'a>(fixture: &'a dyn Fixture, group: &str, name: &str) -> LocalBoxFuture<'a, ()> {
    let Some(behaviour) = all().iter().find(|one| one.group == group && one.name == name) else {
        panic!("there is no behaviour {group}::{name}");
    };
    Box::pin(async move {
        match behaviour.check(fixture).await {
            Ok(()) => {}
            Err(Miss::NotRun(untried)) => eprintln!("not run: {behaviour} because {}", listed(&untried)),
            Err(Miss::Failed(reason)) => panic!("{behaviour}: {reason}"),
        }
    })
}

/// Runs a future to its end on a runtime of its own, with several threads, as an application does.
///
/// # Panics
/// When the system gives no threads: this is for tests.
#[allow(clippy::expect_used)]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build();
    runtime.expect("a runtime needs threads").block_on(future)
}
