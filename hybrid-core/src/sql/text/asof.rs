use super::super::prepare::View;
use super::{Writer, latest_first};
use crate::store::ROW_NUMBER;

impl Writer<'_> {
    /// The engine finds each entity row's latest feature row. It does not say which of several of one
    /// time it takes, so only the one that wins is left; what it finds may be older than the ttl, and
    /// then nothing newer is there either.
    pub(super) fn as_of(&mut self, index: usize, view: &View) -> String {
        let features = self.features(index, view);
        let single = self.one_per_time(index, view, &features);
        let (e, f, row) = (self.quote("e"), self.quote("f"), self.quote(ROW_NUMBER));
        let (ts, time) = (format!("{f}.{}", self.quote("ts")), self.entity_time("e"));
        let keys = view.keys.iter().enumerate();
        let on: Vec<String> = keys
            .map(|(place, key)| format!("{e}.{} = {f}.{}", self.quote(&key.entity), self.key(place)))
            .collect();
        let on = if on.is_empty() {
            String::new()
        } else {
            format!(" ON {}", on.join(" AND "))
        };
        let mut conditions = vec![format!("{ts} IS NOT NULL")];
        conditions.extend(view.ttl.map(|ttl| self.dialect.within_ttl(&ts, &time, ttl)));
        let body = format!(
            "SELECT {e}.{row}{values}\n  FROM {entities} AS {e} ASOF JOIN {single} AS {f} \
             MATCH_CONDITION ({time} >= {ts}){on}\n  WHERE {conditions}",
            values = self.values_of(view, "f"),
            entities = self.entities,
            conditions = conditions.join(" AND "),
        );
        self.cte(&format!("winners{index}"), body)
    }

    /// Of the feature rows of the same keys and time the one that wins.
    fn one_per_time(&mut self, index: usize, view: &View, features: &str) -> String {
        let f = self.quote("f");
        let ts = format!("{f}.{}", self.quote("ts"));
        let keys = self.keys_of(view, "f");
        let order = latest_first(&ts, &self.ties_of(view, "f"));
        let select = format!("SELECT {keys}{ts}{}", self.values_of(view, "f"));
        let rank = format!("ROW_NUMBER() OVER (PARTITION BY {keys}{ts} ORDER BY {order})");
        let body = if self.dialect.qualify() {
            format!("{select}\n  FROM {features} AS {f} WHERE TRUE\n  QUALIFY {rank} = 1")
        } else {
            let (r, ranked) = (self.quote("r"), self.quote("rank"));
            format!(
                "SELECT {keys}{r}.{ts}{values}\n  FROM (\n    {select}, {rank} AS {ranked}\n    FROM {features} AS {f}\n  ) AS {r} WHERE {r}.{ranked} = 1",
                keys = self.keys_of(view, "r"),
                ts = self.quote("ts"),
                values = self.values_of(view, "r"),
            )
        };
        self.cte(&format!("single{index}"), body)
    }
}
