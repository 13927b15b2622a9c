use arrow::datatypes::{DataType, Field};

use crate::store::sql_type_of;
use crate::{Error, ErrorKind, Result};

/// How the point-in-time join of one view is said in SQL. All give the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formulation {
    /// A running MAX of the event time over features and entity rows together, then a join back on
    /// keys and time: no join on keys alone, so that dense keys do no harm.
    RunningTime,
    /// A running MAX of (event time, created, values) as one struct: one pass, where structs compare.
    RunningStruct,
    /// LAST_VALUE … IGNORE NULLS of (event time, values) as one struct over features and entity rows
    /// together: one pass, where a struct needs no order. Rows that must have been created in time
    /// are joined by [`RunningTime`](Self::RunningTime) instead.
    LastValue,
    /// The engine's own ASOF JOIN with one feature row per keys and time. Rows that must have been
    /// created in time are joined by [`RunningTime`](Self::RunningTime) instead.
    AsOf,
    /// A join on the keys, the best row of each entity row by ROW_NUMBER: the fastest where few
    /// feature rows share a key, and the slowest where many do.
    Ranked,
    /// For each entity row the first row of an index on keys and time.
    Lateral,
}

impl Formulation {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::RunningTime,
        Self::RunningStruct,
        Self::LastValue,
        Self::AsOf,
        Self::Ranked,
        Self::Lateral,
    ];

    /// As the configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RunningTime => "running_time",
            Self::RunningStruct => "running_struct",
            Self::LastValue => "last_value",
            Self::AsOf => "as_of",
            Self::Ranked => "ranked",
            Self::Lateral => "lateral",
        }
    }

    /// Those that a dialect has.
    pub fn offered(dialect: &dyn Dialect) -> Vec<Self> {
        let (safe, quick) = dialect.formulations();
        let mut offered = vec![safe, quick, Self::RunningTime];
        offered.extend(dialect.lateral().then_some(Self::Lateral));
        offered.extend_from_slice(dialect.also_offered());
        offered.sort();
        offered.dedup();
        offered
    }

    /// Refuses one that the dialect does not have.
    ///
    /// # Errors
    /// Config, listing those that it has.
    pub fn check(self, dialect: &dyn Dialect) -> Result<()> {
        let offered = Self::offered(dialect);
        if offered.contains(&self) {
            return Ok(());
        }
        let names: Vec<&str> = offered.into_iter().map(Self::name).collect();
        let message = format!("`formulation: {}` is not to be had in this engine", self.name());
        Err(Error::new(ErrorKind::Config, message)
            .with_help(format!("use one of {}, or leave it out", names.join(", "))))
    }
}

/// How an engine writes things. Every text it gives stands alone: an operator inside is in
/// parentheses. An *instant* is the engine's type of one moment to the microsecond, the same for
/// every column and literal that is compared.
pub trait Dialect: Send + Sync {
    /// An identifier, quoted, whatever is in it.
    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A literal of a text.
    fn text(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// The engine's type that holds every value of an Arrow type.
    ///
    /// # Errors
    /// Unsupported, where it has none.
    fn sql_type(&self, data_type: &DataType) -> Result<String>;

    /// The key column `expr`, described by `column`, as the engine's type of `canonical` (the type that
    /// entity rows were uploaded in), so that both sides compare exactly. Only called when the
    /// column's canonical type is `canonical`.
    fn key(&self, expr: &str, column: &Field, canonical: &DataType) -> Result<String>;

    /// The time column `expr` as an instant: a time without zone is UTC, a date its midnight, what is
    /// finer than microseconds is floored; text is RFC 3339, where the engine reads it.
    ///
    /// # Errors
    /// InvalidInput, when such a column holds no times.
    fn instant(&self, expr: &str, column: &Field) -> Result<String>;

    /// The time column `expr` as what ORDER BY sorts its instants by, where that takes less than the instant itself.
    ///
    /// # Errors
    /// As [`instant`](Self::instant).
    fn time_order(&self, expr: &str, column: &Field) -> Result<String> {
        self.instant(expr, column)
    }

    /// The literal of an instant, microseconds since 1970 UTC.
    fn instant_literal(&self, micros: i64) -> String;

    /// A literal of the column's own type, so that `column >= literal` (`upper` false) or
    /// `column <= literal` (`upper` true) lets no row of that side of the instant go and the engine can
    /// prune by it: partitions, row groups, an index. `None` where the type has no such literal.
    fn pruning_literal(&self, micros: i64, column: &Field, upper: bool) -> Option<String>;

    /// The condition that `ttl` microseconds before the instant `entity` the instant `feature` had come:
    /// `feature >= entity - ttl`, exact to the microsecond.
    fn within_ttl(&self, feature: &str, entity: &str, ttl: i64) -> String;

    /// The later of two instants of which neither is NULL.
    fn later(&self, one: &str, other: &str) -> String {
        format!("GREATEST({one}, {other})")
    }

    /// How a column is selected so that its values come back whole: the expression itself, or a cast
    /// where the engine's protocol does not carry the type.
    fn selected(&self, expr: &str, column: &Field) -> String {
        let _ = column;
        expr.to_owned()
    }

    /// A literal of bytes.
    fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        format!("X'{digits}'")
    }

    /// A struct of named values, where [`Formulation::RunningStruct`] or [`Formulation::LastValue`] is
    /// offered.
    fn structure(&self, fields: &[(String, String)]) -> String {
        let values: Vec<&str> = fields.iter().map(|(_, value)| value.as_str()).collect();
        format!("ROW({})", values.join(", "))
    }

    /// Whether VALUES can stand in FROM: the engine plans them faster than a SELECT for each row.
    fn values_in_from(&self) -> bool {
        false
    }

    /// About `percent` of a table's rows, as it stands in FROM, where the engine reads only those.
    fn sample(&self, table: &str, percent: f64) -> Option<String> {
        let _ = (table, percent);
        None
    }

    /// Numbers rows from 1 as they come, in a SELECT's list.
    fn row_number(&self) -> String {
        "ROW_NUMBER() OVER ()".to_owned()
    }

    /// The formulation that no data makes slow, and the one for few feature rows per key.
    fn formulations(&self) -> (Formulation, Formulation) {
        (Formulation::RunningTime, Formulation::Ranked)
    }

    /// What a configuration can ask for beside [`formulations`](Self::formulations).
    fn also_offered(&self) -> &'static [Formulation] {
        &[]
    }

    /// Whether a window's value is asked for in QUALIFY, without a SELECT around it.
    fn qualify(&self) -> bool {
        false
    }

    /// Whether an aggregate over an ordered window may do without a frame, and takes in the rows of its own
    /// time then; else it gets a frame of ROWS, and what comes first is said in its order.
    fn range_frames(&self) -> bool {
        true
    }

    /// Whether a join can look into an index for each row: `CROSS JOIN LATERAL (… LIMIT 1)`.
    fn lateral(&self) -> bool {
        false
    }

    /// Whether values of the type have an order, also inside a struct: MAX compares them, and they decide
    /// ties that times leave.
    fn comparable(&self, column: &Field) -> bool {
        let data_type = column.data_type();
        let scalar =
            data_type.is_primitive() || matches!(data_type, DataType::Boolean | DataType::Utf8 | DataType::Binary);
        scalar && !matches!(sql_type_of(column), "json" | "xml")
    }

    /// The grammar that a user's SELECT is checked with.
    fn grammar(&self) -> Box<dyn sqlparser::dialect::Dialect>;
}
