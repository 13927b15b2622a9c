//! The statement of a point-in-time join, put together from one CTE or a few per view.

mod asof;
mod features;
mod lateral;
mod ranked;
mod running;

use super::prepare::View;
use super::{Dialect, Formulation};
use crate::store::{ENTITY_TIME, ROW_NUMBER};

/// The entity rows as the engine has them.
pub(super) struct Entities {
    /// As it stands in FROM: a table's name, or a relation in parentheses, without an alias.
    pub from: String,
}

/// What names in the statements begin with: it must not shadow a table that a user's query names.
const PREFIX: &str = "__hybrid_";

/// Writes the statement for views and entity rows.
pub(super) struct Writer<'a> {
    pub dialect: &'a dyn Dialect,
    /// The entity rows' name in FROM.
    pub entities: String,
    ctes: Vec<(String, String)>,
}

/// The whole statement: the row number, then every feature of every view as `f0`, `f1`, …
pub(super) fn statement(dialect: &dyn Dialect, entities: &Entities, views: &[(View, Formulation)]) -> String {
    let mut writer = Writer {
        dialect,
        entities: entities.from.clone(),
        ctes: Vec::new(),
    };
    if entities.from.starts_with('(') {
        let body = format!("SELECT * FROM {} AS {}", entities.from, writer.quote("e"));
        writer.entities = writer.cte("entities", body);
    }
    let (mut outputs, mut joins) = (Vec::new(), String::new());
    for (index, (view, formulation)) in views.iter().enumerate() {
        let winners = writer.winners(index, view, *formulation);
        let alias = writer.quote(&format!("v{index}"));
        joins.push_str(&format!(
            "\nLEFT JOIN {winners} AS {alias} ON {alias}.{row} = {e}.{row}",
            row = writer.quote(ROW_NUMBER),
            e = writer.quote("e"),
        ));
        for place in &view.features {
            let name = writer.quote(&format!("f{}", outputs.len()));
            outputs.push(format!(", {alias}.{} AS {name}", writer.value(*place)));
        }
    }
    let (row, e) = (writer.quote(ROW_NUMBER), writer.quote("e"));
    let select = format!(
        "SELECT {e}.{row}{}\nFROM {} AS {e}{joins}",
        outputs.concat(),
        writer.entities
    );
    writer.with(&select)
}

impl Writer<'_> {
    fn quote(&self, name: &str) -> String {
        self.dialect.quote(name)
    }

    /// The name of a view's `place`th column inside the statement.
    fn value(&self, place: usize) -> String {
        self.quote(&format!("c{place}"))
    }

    /// The name of a view's `place`th key inside the statement.
    fn key(&self, place: usize) -> String {
        self.quote(&format!("k{place}"))
    }

    fn entity_time(&self, alias: &str) -> String {
        format!("{}.{}", self.quote(alias), self.quote(ENTITY_TIME))
    }

    /// Adds a CTE and returns its name, quoted.
    fn cte(&mut self, name: &str, body: String) -> String {
        let name = self.quote(&format!("{PREFIX}{name}"));
        self.ctes.push((name.clone(), body));
        name
    }

    /// Adds what finds each entity row's winner: its row number and the view's columns.
    fn winners(&mut self, index: usize, view: &View, formulation: Formulation) -> String {
        match formulation {
            Formulation::Ranked => self.ranked(index, view),
            Formulation::RunningTime => self.running_time(index, view),
            Formulation::RunningStruct => self.running_struct(index, view),
            Formulation::LastValue => self.last_value(index, view),
            Formulation::AsOf => self.as_of(index, view),
            Formulation::Lateral => self.lateral(index, view),
        }
    }

    /// What decides between rows of one time: when they were created, then their values, so that it is
    /// always the same row.
    fn ties(&self, view: &View, created: &str, value: impl Fn(usize) -> String) -> Vec<String> {
        let mut ties: Vec<String> = view.created.iter().map(|_| created.to_owned()).collect();
        let columns = view.columns.iter().enumerate();
        let comparable = columns.filter(|(_, (_, comparable))| *comparable);
        ties.extend(comparable.map(|(place, _)| value(place)));
        ties
    }

    /// [`ties`](Self::ties) of the feature rows that are called `alias`.
    fn ties_of(&self, view: &View, alias: &str) -> Vec<String> {
        let alias = self.quote(alias);
        let created = format!("{alias}.{}", self.quote("created"));
        self.ties(view, &created, |place| format!("{alias}.{}", self.value(place)))
    }

    fn with(&self, select: &str) -> String {
        if self.ctes.is_empty() {
            return select.to_owned();
        }
        let ctes: Vec<String> = self
            .ctes
            .iter()
            .map(|(name, body)| format!("{name} AS (\n{}\n)", indented(body)))
            .collect();
        format!("WITH {}\n{select}", ctes.join(",\n"))
    }
}

/// The latest first.
fn latest_first(ts: &str, ties: &[String]) -> String {
    let ties = ties.iter().map(|tie| format!(", {tie} DESC NULLS LAST"));
    format!("{ts} DESC{}", ties.collect::<String>())
}

fn indented(body: &str) -> String {
    // A user's query may hold texts of several lines: only our own lines are moved.
    format!("  {body}")
}
