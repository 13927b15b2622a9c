use super::super::prepare::View;
use super::{Writer, latest_first};
use crate::store::ROW_NUMBER;

impl Writer<'_> {
    /// Feature rows and entity rows together, ordered by time along each key: a running MAX carries
    /// `carried` of the feature rows, and `hit` is what each entity row has seen. Rows of one time
    /// are peers of each other, so that what comes at the entity row's own time counts.
    fn seen(&mut self, index: usize, view: &View, features: &str, carried: &str) -> String {
        let (u, t, carry) = (self.quote("u"), self.quote("t"), self.quote("carry"));
        let frame = match self.dialect.range_frames() {
            true => String::new(),
            // Feature rows have no row number.
            false => format!(", {u}.{} NULLS FIRST ROWS UNBOUNDED PRECEDING", self.quote(ROW_NUMBER)),
        };
        self.window(index, view, features, carried, |partition| {
            format!("MAX({u}.{carry}) OVER ({partition}ORDER BY {u}.{t}{frame})")
        })
    }

    /// Feature rows and entity rows together, and beside each what `hit` makes of the partition.
    fn window(
        &mut self,
        index: usize,
        view: &View,
        features: &str,
        carried: &str,
        hit: impl Fn(&str) -> String,
    ) -> String {
        let (e, u, row) = (self.quote("e"), self.quote("u"), self.quote(ROW_NUMBER));
        let (t, carry) = (self.quote("t"), self.quote("carry"));
        let feature_keys = self.keys_of(view, "f");
        let union = format!(
            "SELECT NULL AS {row}, {feature_keys}{enters} AS {t}, {carried} AS {carry} FROM {features} AS {f}\n    \
             UNION ALL\n    \
             SELECT {e}.{row}, {entity_keys}{time}, NULL FROM {entities} AS {e}{known}",
            enters = self.enters(view),
            f = self.quote("f"),
            entity_keys = self.entity_keys(view),
            time = self.entity_time("e"),
            entities = self.entities,
            known = self.entity_keys_known(view),
        );
        let keys = self.keys_of(view, "u");
        let partition = match keys.strip_suffix(", ") {
            Some(keys) => format!("PARTITION BY {keys} "),
            None => String::new(),
        };
        let body = format!(
            "SELECT {u}.{row}, {keys}{u}.{t}, {carried} AS {hit}\n  FROM (\n    {union}\n  ) AS {u}",
            carried = hit(&partition),
            hit = self.quote("hit"),
        );
        self.cte(&format!("seen{index}"), body)
    }

    /// When a feature row enters the window: at its time; if it must have been created by then, at
    /// the later of both.
    fn enters(&self, view: &View) -> String {
        let f = self.quote("f");
        let (ts, created) = (
            format!("{f}.{}", self.quote("ts")),
            format!("{f}.{}", self.quote("created")),
        );
        if view.known_in_time {
            self.dialect.later(&ts, &created)
        } else {
            ts
        }
    }

    /// The entity rows of `seen` that have a hit no older than the ttl; `hit_time` is its time.
    fn hits(&self, view: &View, alias: &str, hit_time: &str) -> String {
        let (w, row) = (self.quote(alias), self.quote(ROW_NUMBER));
        let mut conditions = vec![
            format!("{w}.{row} IS NOT NULL"),
            format!("{w}.{} IS NOT NULL", self.quote("hit")),
        ];
        let time = format!("{w}.{}", self.quote("t"));
        conditions.extend(view.ttl.map(|ttl| self.dialect.within_ttl(hit_time, &time, ttl)));
        conditions.join(" AND ")
    }

    /// The window carries the time alone; the winners' values are joined back by keys and time.
    pub(super) fn running_time(&mut self, index: usize, view: &View) -> String {
        // Each side reads the source for itself, and only what it needs: a shared result would be
        // written out first where an engine keeps what is named twice.
        let known = self.known_features(index, view, false);
        let features = self.features(index, view);
        let carried = format!("{}.{}", self.quote("f"), self.quote("ts"));
        let seen = self.seen(index, view, &known, &carried);
        let (w, f, hit) = (self.quote("w"), self.quote("f"), self.quote("hit"));
        let (ts, created) = (
            format!("{f}.{}", self.quote("ts")),
            format!("{f}.{}", self.quote("created")),
        );
        let mut on: Vec<String> = (0..view.keys.len())
            .map(|place| format!("{f}.{key} = {w}.{key}", key = self.key(place)))
            .collect();
        on.push(format!("{ts} = {w}.{hit}"));
        if view.known_in_time {
            on.push(format!("{created} <= {w}.{}", self.quote("t")));
        }
        let joined = format!(
            "{features} AS {f} JOIN {seen} AS {w} ON {on}\n    WHERE {hits}",
            on = on.join(" AND "),
            hits = self.hits(view, "w", &format!("{w}.{hit}")),
        );
        let body = self.best(view, "w", &joined, &latest_first(&ts, &self.ties_of(view, "f")));
        self.cte(&format!("winners{index}"), body)
    }

    /// The window carries the whole row: time, created, then the columns, compared in this order.
    pub(super) fn running_struct(&mut self, index: usize, view: &View) -> String {
        let features = self.known_features(index, view, true);
        let carried = self.carried(view);
        let seen = self.seen(index, view, &features, &carried);
        self.carried_winners(index, view, &seen)
    }

    /// The window carries the whole row, the last that it has seen: features come in the order of what
    /// decides between them, and before the entity rows of their time.
    pub(super) fn last_value(&mut self, index: usize, view: &View) -> String {
        let features = self.known_features(index, view, true);
        let carried = self.carried(view);
        let (u, t, carry, row) = (
            self.quote("u"),
            self.quote("t"),
            self.quote("carry"),
            self.quote(ROW_NUMBER),
        );
        let created = format!("{u}.{carry}.{}", self.quote("created"));
        let ties = self.ties(view, &created, |place| format!("{u}.{carry}.{}", self.value(place)));
        let mut order = vec![format!("{u}.{t}"), format!("{u}.{row} NULLS FIRST")];
        order.extend(ties.iter().map(|tie| format!("{tie} NULLS FIRST")));
        let order = order.join(", ");
        let seen = self.window(index, view, &features, &carried, |partition| {
            format!(
                "LAST_VALUE({u}.{carry} IGNORE NULLS) OVER ({partition}ORDER BY {order} \
                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
            )
        });
        self.carried_winners(index, view, &seen)
    }

    /// The whole feature row as one struct.
    fn carried(&self, view: &View) -> String {
        let f = self.quote("f");
        let mut names = vec!["ts".to_owned()];
        names.extend(view.created.is_some().then(|| "created".to_owned()));
        names.extend((0..view.columns.len()).map(|place| format!("c{place}")));
        let field = |name: String| {
            let value = format!("{f}.{}", self.quote(&name));
            (name, value)
        };
        self.dialect
            .structure(&names.into_iter().map(field).collect::<Vec<_>>())
    }

    /// The entity rows of `seen` with the columns of the struct that they have seen.
    fn carried_winners(&mut self, index: usize, view: &View, seen: &str) -> String {
        let (w, row, hit) = (self.quote("w"), self.quote(ROW_NUMBER), self.quote("hit"));
        let values =
            (0..view.columns.len()).map(|place| format!(", {w}.{hit}.{value} AS {value}", value = self.value(place)));
        let body = format!(
            "SELECT {w}.{row}{}\n  FROM {seen} AS {w} WHERE {}",
            values.collect::<String>(),
            self.hits(view, "w", &format!("{w}.{hit}.{}", self.quote("ts"))),
        );
        self.cte(&format!("winners{index}"), body)
    }
}
