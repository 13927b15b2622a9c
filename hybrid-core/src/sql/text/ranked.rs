use super::super::prepare::View;
use super::{Writer, latest_first};
use crate::store::ROW_NUMBER;

impl Writer<'_> {
    /// Every candidate of every entity row, ranked: the latest, of equals the latest created.
    pub(super) fn ranked(&mut self, index: usize, view: &View) -> String {
        let features = self.features(index, view);
        let (e, f) = (self.quote("e"), self.quote("f"));
        let (ts, created) = (
            format!("{f}.{}", self.quote("ts")),
            format!("{f}.{}", self.quote("created")),
        );
        let time = self.entity_time("e");
        let mut on: Vec<String> = Vec::new();
        for (place, key) in view.keys.iter().enumerate() {
            on.push(format!("{f}.{} = {e}.{}", self.key(place), self.quote(&key.entity)));
        }
        on.push(format!("{ts} <= {time}"));
        on.extend(view.ttl.map(|ttl| self.dialect.within_ttl(&ts, &time, ttl)));
        if view.known_in_time {
            on.push(format!("{created} <= {time}"));
        }
        let order = latest_first(&ts, &self.ties_of(view, "f"));
        // An engine that knows nothing of the sizes keeps the right side in memory.
        let joined = format!(
            "{features} AS {f} JOIN {entities} AS {e} ON {on}{always}",
            entities = self.entities,
            on = on.join(" AND "),
            always = self.always(),
        );
        let body = self.best(view, "e", &joined, &order);
        self.cte(&format!("winners{index}"), body)
    }

    /// Of the feature rows `f` joined to the rows of `owner`, the first of each of those.
    pub(super) fn best(&self, view: &View, owner: &str, joined: &str, order: &str) -> String {
        let row = self.quote(ROW_NUMBER);
        let owner = format!("{}.{row}", self.quote(owner));
        let select = format!("{owner}{}", self.values_of(view, "f"));
        let again = format!("{}.{row}{}", self.quote("r"), self.values_of(view, "r"));
        self.first([&select, &again], joined, &owner, order)
    }

    /// The first row of each partition: what is selected from `from`, and the same of those rows as `r`.
    pub(super) fn first(&self, [select, again]: [&str; 2], from: &str, partition: &str, order: &str) -> String {
        let rank = format!("ROW_NUMBER() OVER (PARTITION BY {partition} ORDER BY {order})");
        if self.dialect.qualify() {
            return format!("SELECT {select}\n  FROM {from}\n  QUALIFY {rank} = 1");
        }
        let (r, ranked) = (self.quote("r"), self.quote("rank"));
        format!(
            "SELECT {again}\n  FROM (\n    SELECT {select}, {rank} AS {ranked}\n    FROM {from}\n  ) AS {r} WHERE {r}.{ranked} = 1",
        )
    }

    /// A condition for [`first`](Self::first) where there is none: some engines have QUALIFY only beside a WHERE.
    pub(super) fn always(&self) -> &'static str {
        if self.dialect.qualify() { " WHERE TRUE" } else { "" }
    }
}
