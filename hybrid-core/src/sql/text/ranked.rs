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
        let joined = format!(
            "{entities} AS {e} JOIN {features} AS {f} ON {on}{always}",
            entities = self.entities,
            on = on.join(" AND "),
            // Some engines have QUALIFY only beside a WHERE.
            always = if self.dialect.qualify() { " WHERE TRUE" } else { "" },
        );
        let body = self.best(view, "e", &joined, &order);
        self.cte(&format!("winners{index}"), body)
    }

    /// Of the feature rows `f` joined to the rows of `owner`, the first of each of those.
    pub(super) fn best(&self, view: &View, owner: &str, joined: &str, order: &str) -> String {
        let row = self.quote(ROW_NUMBER);
        let owner = format!("{}.{row}", self.quote(owner));
        let select = format!("SELECT {owner}{}", self.values_of(view, "f"));
        let rank = format!("ROW_NUMBER() OVER (PARTITION BY {owner} ORDER BY {order})");
        if self.dialect.qualify() {
            return format!("{select}\n  FROM {joined}\n  QUALIFY {rank} = 1");
        }
        let (r, ranked) = (self.quote("r"), self.quote("rank"));
        format!(
            "SELECT {r}.{row}{values}\n  FROM (\n    {select}, {rank} AS {ranked}\n    FROM {joined}\n  ) AS {r} WHERE {r}.{ranked} = 1",
            values = self.values_of(view, "r"),
        )
    }
}
