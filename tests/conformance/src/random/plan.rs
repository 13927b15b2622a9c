use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{any, prop_oneof};
use proptest::strategy::Just;

use super::{DataType, Scene, Strategy, Table, Value, View, time};

/// What a random retrieval is made of: small numbers, so that it shrinks and so that rows meet.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The types of the key columns that the frame has.
    keys: Vec<KeyType>,
    views: Vec<ViewPlan>,
    entities: Vec<EntityPlan>,
    created_filter: bool,
    batch_rows: usize,
}

#[derive(Debug, Clone)]
struct ViewPlan {
    /// Which of the frame's keys it has.
    has_key: [bool; 3],
    ttl: Option<i64>,
    rows: Vec<FeaturePlan>,
    batch_rows: usize,
}

#[derive(Debug, Clone)]
struct FeaturePlan {
    keys: [Option<u8>; 3],
    time: Option<i64>,
    created: Option<i64>,
    value: Option<i64>,
}

#[derive(Debug, Clone)]
struct EntityPlan {
    keys: [Option<u8>; 3],
    time: i64,
}

#[derive(Debug, Clone, Copy)]
enum KeyType {
    Int64,
    Int32,
    Text,
    Bool,
    Date,
    Time,
    Decimal,
    Bytes,
}

/// Where random times start; they are few, a microsecond apart, so that there are ties.
const BASE: i64 = 1_704_067_200_000_000;

/// Every shape of a retrieval.
pub(super) fn plans() -> impl Strategy<Value = Plan> {
    (
        vec(key_types(), 0..=3),
        vec(view(), 1..=3),
        vec(entity(), 0..24),
        any::<bool>(),
        1..30_usize,
    )
        .prop_map(|(keys, views, entities, created_filter, batch_rows)| Plan {
            keys,
            views,
            entities,
            created_filter,
            batch_rows,
        })
}

fn key_types() -> impl Strategy<Value = KeyType> {
    use KeyType::{Bool, Bytes, Date, Decimal, Int32, Int64, Text, Time};
    let all = [Int64, Int32, Text, Bool, Date, Time, Decimal, Bytes];
    (0..all.len()).prop_map(move |at| all[at])
}

fn view() -> impl Strategy<Value = ViewPlan> {
    let ttl = prop_oneof![Just(None), (0..6_i64).prop_map(Some), Just(Some(1_000_000))];
    (any::<[bool; 3]>(), ttl, vec(feature(), 0..32), 1..12_usize).prop_map(|(has_key, ttl, rows, batch_rows)| {
        ViewPlan {
            has_key,
            ttl,
            rows,
            batch_rows,
        }
    })
}

fn key_values() -> impl Strategy<Value = [Option<u8>; 3]> {
    let one = || option::weighted(0.9, 0..3_u8);
    (one(), one(), one()).prop_map(|(a, b, c)| [a, b, c])
}

fn feature() -> impl Strategy<Value = FeaturePlan> {
    let time = option::weighted(0.95, 0..10_i64);
    let created = option::weighted(0.8, 0..14_i64);
    let value = option::weighted(0.9, 0..1000_i64);
    (key_values(), time, created, value).prop_map(|(keys, time, created, value)| FeaturePlan {
        keys,
        time,
        created,
        value,
    })
}

fn entity() -> impl Strategy<Value = EntityPlan> {
    (key_values(), 0..12_i64).prop_map(|(keys, time)| EntityPlan { keys, time })
}

impl KeyType {
    fn data_type(self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Int32 => DataType::Int32,
            Self::Text => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Time => time(),
            Self::Decimal => DataType::Decimal128(9, 2),
            Self::Bytes => DataType::Binary,
        }
    }

    fn value(self, key: Option<u8>) -> Value {
        let Some(key) = key else { return Value::Null };
        match self {
            Self::Int64 | Self::Int32 => Value::Int(i64::from(key) - 1),
            Self::Text => Value::Text(["", "a", "aa"][usize::from(key % 3)].to_owned()),
            Self::Bool => Value::Bool(key % 2 == 1),
            Self::Date => Value::Date(i64::from(key) - 1),
            Self::Time => Value::Time(BASE + i64::from(key)),
            Self::Decimal => Value::Decimal(i128::from(key) - 1),
            Self::Bytes => Value::Bytes(vec![0; usize::from(key)]),
        }
    }
}

impl Plan {
    /// The retrieval that is meant.
    pub(super) fn scene(&self) -> Scene {
        let views = self
            .views
            .iter()
            .enumerate()
            .map(|(number, view)| self.view(number, view));
        let mut columns: Vec<(String, DataType)> = self.key_columns().collect();
        columns.push(("event_timestamp".to_owned(), time()));
        let row = |entity: &EntityPlan| {
            let keys = self.keys.iter().zip(entity.keys).map(|(t, key)| t.value(key));
            keys.chain([Value::Time(BASE + entity.time)]).collect()
        };
        let rows = self.entities.iter().map(row).collect();
        let mut scene = Scene::new(views, Table { columns, rows });
        scene.full_feature_names = true;
        scene.created_filter = self.created_filter;
        scene.batch_rows = self.batch_rows;
        scene
    }

    fn key_columns(&self) -> impl Iterator<Item = (String, DataType)> {
        self.keys
            .iter()
            .enumerate()
            .map(|(at, t)| (format!("key{at}"), t.data_type()))
    }

    fn view(&self, number: usize, plan: &ViewPlan) -> View {
        let own = |(at, _): &(usize, _)| plan.has_key[*at];
        let keys: Vec<(String, DataType)> = self.key_columns().enumerate().filter(own).map(|(_, key)| key).collect();
        let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
        let more = [
            ("ts", time()),
            ("created", time()),
            ("v", DataType::Int64),
            ("row", DataType::Int64),
        ];
        let more = more.map(|(name, t)| (name.to_owned(), t));
        let columns = keys.iter().cloned().chain(more).collect();
        let row = |(at, row): (usize, &FeaturePlan)| self.feature(plan, at, row);
        let rows = plan.rows.iter().enumerate().map(row).collect();
        let mut view = View::new(&format!("view{number}"), &names, Table { columns, rows });
        view.ttl = plan.ttl;
        view.batch_rows = plan.batch_rows;
        view
    }

    fn feature(&self, view: &ViewPlan, at: usize, row: &FeaturePlan) -> Vec<Value> {
        let moment = |offset: Option<i64>| offset.map_or(Value::Null, |offset| Value::Time(BASE + offset));
        let keys = self.keys.iter().enumerate().filter(|(at, _)| view.has_key[*at]);
        let number = Value::Int(i64::try_from(at).unwrap_or(i64::MAX));
        let rest = [moment(row.time), moment(row.created), Value::from(row.value), number];
        keys.map(|(at, t)| t.value(row.keys[at])).chain(rest).collect()
    }
}
