use super::super::prepare::View;
use super::super::table::SOURCE;
use super::{Writer, latest_first};
use crate::store::ROW_NUMBER;

impl Writer<'_> {
    /// For each entity row the first row of an index on keys and time, read backwards: the columns
    /// stand alone in the conditions, or the index would not serve.
    pub(super) fn lateral(&mut self, index: usize, view: &View) -> String {
        let (e, row) = (self.quote("e"), self.quote(ROW_NUMBER));
        let time = self.entity_time("e");
        let raw = format!("{}.{}", self.quote(SOURCE), self.quote(&view.source.timestamp));
        let mut conditions = view.conditions.clone();
        for key in &view.keys {
            conditions.push(format!("{} = {e}.{}", key.raw, self.quote(&key.entity)));
        }
        conditions.push(format!("{raw} <= {time}"));
        conditions.extend(view.ttl.map(|ttl| self.dialect.within_ttl(&raw, &time, ttl)));
        let created = view.created.as_deref().unwrap_or_default();
        let order = latest_first(&raw, &self.ties(view, created, |place| view.columns[place].0.clone()));
        if view.known_in_time {
            conditions.push(format!("{created} <= {time}"));
        }
        let columns = view.columns.iter().enumerate();
        let columns: Vec<String> = columns
            .map(|(place, (expr, _))| format!("{expr} AS {}", self.value(place)))
            .collect();
        let body = format!(
            "SELECT {e}.{row}{values}\n  FROM {entities} AS {e} CROSS JOIN LATERAL (\n    \
             SELECT {columns} FROM {from} AS {s}\n    WHERE {conditions}\n    ORDER BY {order} LIMIT 1\n  ) AS {l}",
            values = self.values_of(view, "l"),
            entities = self.entities,
            columns = columns.join(", "),
            from = view.table.from,
            s = self.quote(SOURCE),
            conditions = conditions.join("\n      AND "),
            l = self.quote("l"),
        );
        self.cte(&format!("winners{index}"), body)
    }
}
