use super::super::prepare::View;
use super::Writer;
use crate::store::ROW_NUMBER;

impl Writer<'_> {
    /// Feature rows and entity rows together, ordered by time along each key: a running MAX carries
    /// `carried` of the feature rows, and `hit` is what each entity row has seen. Rows of one time
    /// are peers of each other, so that what comes at the entity row's own time counts.
    fn seen(&mut self, index: usize, view: &View, features: &str, carried: &str) -> String {
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
            "SELECT {u}.{row}, {keys}{u}.{t}, MAX({u}.{carry}) OVER ({partition}ORDER BY {u}.{t}) AS {hit}\n  \
             FROM (\n    {union}\n  ) AS {u}",
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
        let (w, f, row, hit) = (
            self.quote("w"),
            self.quote("f"),
            self.quote(ROW_NUMBER),
            self.quote("hit"),
        );
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
        let order = self.latest_first(view, &ts, &created, |place| format!("{f}.{}", self.value(place)));
        let candidates = format!(
            "SELECT {w}.{row}{values}, ROW_NUMBER() OVER (PARTITION BY {w}.{row} ORDER BY {order}) AS {rank}\n    \
             FROM {seen} AS {w} JOIN {features} AS {f} ON {on}\n    WHERE {hits}",
            values = self.values_of(view, "f"),
            rank = self.quote("rank"),
            on = on.join(" AND "),
            hits = self.hits(view, "w", &format!("{w}.{hit}")),
        );
        self.best(index, view, &candidates)
    }

    /// The window carries the whole row: time, created, then the columns, compared in this order.
    pub(super) fn running_struct(&mut self, index: usize, view: &View) -> String {
        let features = self.known_features(index, view, true);
        let f = self.quote("f");
        let mut names = vec!["ts".to_owned()];
        names.extend(view.created.is_some().then(|| "created".to_owned()));
        names.extend((0..view.columns.len()).map(|place| format!("c{place}")));
        let fields: Vec<(String, String)> = names
            .into_iter()
            .map(|name| (name.clone(), format!("{f}.{}", self.quote(&name))))
            .collect();
        let seen = self.seen(index, view, &features, &self.dialect.structure(&fields));
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
