use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::Mutex;

use crate::{Error, ErrorKind, Result};

/// What runs a statement of an engine, also when the session is asked for nothing any more.
pub type Run = Box<dyn Fn(String) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Puts tables in the place of others, where an engine knows no single step for it: a field of a session, `Swap::default()`.
#[derive(Debug, Default)]
pub struct Swap {
    going: Arc<Mutex<()>>,
}

impl Swap {
    /// Puts the table `new` in the place of `name`, by renaming both; what was there is called `aside` until it is dropped.
    /// Once begun it goes on to its end, also when this future is dropped: in the middle there is no table of that name.
    /// The names are quoted. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// What the engine says; then the old rows are under their name, or the error tells where they are.
    pub async fn swap(&self, run: Run, name: String, new: String, aside: String) -> Result<()> {
        let going = Arc::clone(&self.going).lock_owned().await;
        let swapped = tokio::spawn(async move {
            let swapped = swap(&run, &name, &new, &aside).await;
            drop(going);
            swapped
        });
        swapped.await.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unexpected, "a table was not replaced").with_cause(error))
        })
    }

    /// Waits for the end of what was begun. For [`close`](super::SqlSession::close), before it drops anything.
    pub async fn end(&self) {
        drop(self.going.lock().await);
    }
}

/// The parts of a table's name, for one called `name` beside it.
pub fn sibling(parts: &[String], name: String) -> Vec<String> {
    let place = parts.split_last().map_or(&[][..], |(_, place)| place);
    place.iter().cloned().chain([name]).collect()
}

async fn swap(run: &Run, name: &str, new: &str, aside: &str) -> Result<()> {
    let rename = |from: &str, to: &str| run(format!("ALTER TABLE {from} RENAME TO {to}"));
    let had = match rename(name, aside).await {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            // It may have been done, and only its answer lost.
            let _ = rename(aside, name).await;
            return Err(error);
        }
    };
    if let Err(error) = rename(new, name).await {
        return Err(match had && rename(aside, name).await.is_err() {
            true => error.with_help(format!("the rows that were there are in {aside}")),
            false => error,
        });
    }
    if !had {
        return Ok(());
    }
    let dropped = run(format!("DROP TABLE IF EXISTS {aside}")).await;
    dropped.map_err(|error| {
        error.with_help(format!(
            "the rows are written; those that were there before are still in {aside}"
        ))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex as Lock;

    use futures::FutureExt;
    use tokio::sync::Semaphore;

    use super::*;

    /// Tables by their names, an engine that renames them, and which of its statements fail.
    #[derive(Default)]
    struct Engine {
        tables: Lock<Vec<String>>,
        asked: Lock<usize>,
        fails: Vec<usize>,
        /// Statements whose answer is lost after they were done.
        lost: Vec<usize>,
    }

    impl Engine {
        fn of(tables: &[&str]) -> Self {
            Self {
                tables: Lock::new(tables.iter().map(|table| (*table).to_owned()).collect()),
                ..Self::default()
            }
        }

        fn run(&self, statement: &str) -> Result<()> {
            let at = {
                let mut asked = self.asked.lock().unwrap();
                *asked += 1;
                *asked
            };
            let failed = || Err(Error::new(ErrorKind::Unavailable, "cut"));
            if self.fails.contains(&at) {
                return failed();
            }
            let words: Vec<&str> = statement.split(' ').collect();
            let mut tables = self.tables.lock().unwrap();
            if words[0] == "DROP" {
                tables.retain(|table| table != words[4]);
            } else if tables.iter().any(|table| table == words[5]) {
                return Err(Error::new(ErrorKind::InvalidInput, "it is there"));
            } else {
                let found = tables.iter_mut().find(|table| table.as_str() == words[2]);
                let found = found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is none"))?;
                words[5].clone_into(found);
            }
            if self.lost.contains(&at) { failed() } else { Ok(()) }
        }
    }

    fn begun(swap: &Swap, run: Run) -> impl Future<Output = Result<()>> {
        swap.swap(run, "t".to_owned(), "new".to_owned(), "aside".to_owned())
    }

    async fn swapped(engine: Engine) -> (Result<()>, Vec<String>) {
        let engine = Arc::new(engine);
        let asked = Arc::clone(&engine);
        let run: Run = Box::new(move |statement: String| std::future::ready(asked.run(&statement)).boxed());
        let outcome = begun(&Swap::default(), run).await;
        let tables = engine.tables.lock().unwrap().clone();
        (outcome, tables)
    }

    #[tokio::test]
    async fn a_table_goes_when_another_is_in_its_place() {
        for tables in [&["t", "new"][..], &["new"]] {
            let (outcome, left) = swapped(Engine::of(tables)).await;
            outcome.unwrap();
            assert_eq!(left, ["t"]);
        }
    }

    #[tokio::test]
    async fn what_was_there_stays_where_a_step_fails() {
        let there = || Engine::of(&["t", "new"]);
        let first = Engine {
            fails: vec![1],
            ..there()
        };
        let lost = Engine {
            lost: vec![1],
            ..there()
        };
        let second = Engine {
            fails: vec![2],
            ..there()
        };
        for engine in [first, lost, second] {
            let (outcome, left) = swapped(engine).await;
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
            assert_eq!(left, ["t", "new"]);
        }
    }

    #[tokio::test]
    async fn where_the_old_rows_are_is_told() {
        let there = || Engine::of(&["t", "new"]);
        let both = Engine {
            fails: vec![2, 3],
            ..there()
        };
        let last = Engine {
            fails: vec![3],
            ..there()
        };
        for (engine, tables) in [(both, ["aside", "new"]), (last, ["aside", "t"])] {
            let (outcome, left) = swapped(engine).await;
            assert!(outcome.unwrap_err().to_string().contains("in aside"));
            assert_eq!(left, tables);
        }
    }

    #[tokio::test]
    async fn what_has_begun_goes_on_when_nobody_waits() {
        let (engine, allowed) = (Arc::new(Engine::of(&["t", "new"])), Arc::new(Semaphore::new(1)));
        let (asked, may) = (Arc::clone(&engine), Arc::clone(&allowed));
        let run: Run = Box::new(move |statement: String| {
            let (asked, may) = (Arc::clone(&asked), Arc::clone(&may));
            async move {
                may.acquire_owned().await.unwrap().forget();
                asked.run(&statement)
            }
            .boxed()
        });
        let swap = Swap::default();
        let mut begun = Box::pin(begun(&swap, run));
        while *engine.asked.lock().unwrap() == 0 {
            assert!((&mut begun).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        drop(begun);
        assert_eq!(*engine.tables.lock().unwrap(), ["aside", "new"]);
        allowed.add_permits(9);
        swap.end().await;
        assert_eq!(*engine.tables.lock().unwrap(), ["t"]);
    }
}
