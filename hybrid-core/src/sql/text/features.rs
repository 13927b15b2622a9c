use super::super::prepare::View;
use super::super::table::SOURCE;
use super::Writer;

impl Writer<'_> {
    /// The feature rows that can matter: keys `k0…`, `ts`, `created` and the columns `c0…`.
    pub(super) fn features(&mut self, index: usize, view: &View) -> String {
        let body = self.feature_rows(view, true, &view.conditions);
        self.cte(&format!("features{index}"), body)
    }

    /// Those of the entity rows' keys only.
    pub(super) fn known_features(&mut self, index: usize, view: &View, with_columns: bool) -> String {
        let mut conditions = view.conditions.clone();
        if !view.keys.is_empty() {
            conditions.push(self.known_keys(view));
        }
        let body = self.feature_rows(view, with_columns, &conditions);
        self.cte(&format!("known{index}"), body)
    }

    fn feature_rows(&self, view: &View, with_columns: bool, conditions: &[String]) -> String {
        let mut columns: Vec<String> = Vec::new();
        for (place, key) in view.keys.iter().enumerate() {
            columns.push(format!("{} AS {}", key.expr, self.key(place)));
        }
        columns.push(format!("{} AS {}", view.time, self.quote("ts")));
        if let Some(created) = &view.created {
            columns.push(format!("{created} AS {}", self.quote("created")));
        }
        let values = view.columns.iter().enumerate().filter(|_| with_columns);
        columns.extend(values.map(|(place, (expr, _))| format!("{expr} AS {}", self.value(place))));
        format!(
            "SELECT {}\n  FROM {} AS {}\n  WHERE {}",
            columns.join(", "),
            view.table.from,
            self.quote(SOURCE),
            conditions.join("\n    AND ")
        )
    }

    /// The feature row's keys are some entity row's.
    fn known_keys(&self, view: &View) -> String {
        let e = self.quote("e");
        let equal = view
            .keys
            .iter()
            .map(|key| format!("{e}.{} = {}", self.quote(&key.entity), key.expr));
        let equal: Vec<String> = equal.collect();
        format!(
            "EXISTS (SELECT 1 FROM {} AS {e} WHERE {})",
            self.entities,
            equal.join(" AND ")
        )
    }

    /// `alias.k0, alias.k1, ` of a view's keys.
    pub(super) fn keys_of(&self, view: &View, alias: &str) -> String {
        let alias = self.quote(alias);
        (0..view.keys.len())
            .map(|place| format!("{alias}.{}, ", self.key(place)))
            .collect()
    }

    /// The entity rows' keys as `k0, k1, `.
    pub(super) fn entity_keys(&self, view: &View) -> String {
        let e = self.quote("e");
        let named = |(place, key): (usize, &super::super::prepare::Key)| {
            format!("{e}.{} AS {}, ", self.quote(&key.entity), self.key(place))
        };
        view.keys.iter().enumerate().map(named).collect()
    }

    /// `alias.c0, alias.c1` with a leading comma each.
    pub(super) fn values_of(&self, view: &View, alias: &str) -> String {
        let alias = self.quote(alias);
        (0..view.columns.len())
            .map(|place| format!(", {alias}.{}", self.value(place)))
            .collect()
    }

    /// WHERE none of the entity rows' keys is NULL; nothing without keys.
    pub(super) fn entity_keys_known(&self, view: &View) -> String {
        let e = self.quote("e");
        let known = view
            .keys
            .iter()
            .map(|key| format!("{e}.{} IS NOT NULL", self.quote(&key.entity)));
        let known: Vec<String> = known.collect();
        if known.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", known.join(" AND "))
        }
    }
}
