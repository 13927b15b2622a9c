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
        let columns = |alias: &str| {
            let ts = format!("{}.{}", self.quote(alias), self.quote("ts"));
            (format!("{}{ts}", self.keys_of(view, alias)), ts)
        };
        let ((partition, ts), (again, _)) = (columns("f"), columns("r"));
        let select = format!("{partition}{}", self.values_of(view, "f"));
        let again = format!("{again}{}", self.values_of(view, "r"));
        let from = format!("{features} AS {}{}", self.quote("f"), self.always());
        let order = latest_first(&ts, &self.ties_of(view, "f"));
        let body = self.first([&select, &again], &from, &partition, &order);
        self.cte(&format!("single{index}"), body)
    }
}
