use super::super::prepare::View;
use super::Writer;
use crate::store::ROW_NUMBER;

impl Writer<'_> {
    /// Every candidate of every entity row, ranked: the latest, of equals the latest created.
    pub(super) fn ranked(&mut self, index: usize, view: &View) -> String {
        let features = self.features(index, view);
        let (e, f, row) = (self.quote("e"), self.quote("f"), self.quote(ROW_NUMBER));
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
        let order = self.latest_first(view, &ts, &created, |place| format!("{f}.{}", self.value(place)));
        let candidates = format!(
            "SELECT {e}.{row}{values}, ROW_NUMBER() OVER (PARTITION BY {e}.{row} ORDER BY {order}) AS {rank}\n    \
             FROM {entities} AS {e} JOIN {features} AS {f} ON {on}",
            values = self.values_of(view, "f"),
            rank = self.quote("rank"),
            entities = self.entities,
            on = on.join(" AND "),
        );
        self.best(index, view, &candidates)
    }

    /// The rows of rank 1.
    pub(super) fn best(&mut self, index: usize, view: &View, candidates: &str) -> String {
        let (r, row) = (self.quote("r"), self.quote(ROW_NUMBER));
        let body = format!(
            "SELECT {r}.{row}{values}\n  FROM (\n    {candidates}\n  ) AS {r} WHERE {r}.{rank} = 1",
            values = self.values_of(view, "r"),
            rank = self.quote("rank"),
        );
        self.cte(&format!("winners{index}"), body)
    }
}
