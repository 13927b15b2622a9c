//! Random rows, split and ordered at random over several workers, against the oracle.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;
use proptest::sample::Index;

use super::data::{FEATURES, Row, batch, check_texts, index, key_columns, kinds, slice, value};
use super::oracle;
use crate::join::{FeatureBatch, JoinOptions, JoinWorker};

#[derive(Debug, Clone)]
pub struct Case {
    pub types: Vec<DataType>,
    pub entities: Vec<Row>,
    pub features: Vec<Row>,
    pub with_created: bool,
    pub options: JoinOptions,
    /// Where the features are cut into batches.
    pub cuts: Vec<Index>,
    /// Which worker gets each batch, and when.
    pub turns: Vec<(usize, u8)>,
}

fn time() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        20 => (0i64..12).prop_map(Some),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, -1]).prop_map(Some),
        1 => Just(None),
    ]
}

fn rows(kinds: Vec<(DataType, u8)>, most: usize) -> impl Strategy<Value = Vec<Row>> {
    let key = |(_, limit): &(DataType, u8)| prop::option::weighted(0.95, 0..*limit);
    let keys: Vec<_> = kinds.iter().map(key).collect();
    let created = prop::option::weighted(0.8, 0i64..14);
    let row = (keys, time(), created).prop_map(|(keys, time, created)| Row { keys, time, created });
    prop::collection::vec(row, 0..most)
}

prop_compose! {
    pub fn case()(kinds in prop::collection::vec(prop::sample::select(kinds()), 0..=3))(
        entities in rows(kinds.clone(), 40),
        features in rows(kinds.clone(), 150),
        with_created in prop::bool::weighted(0.8),
        ttl in prop_oneof![Just(None), (0i64..6).prop_map(Some), Just(Some(i64::MAX))],
        filter_by_created in any::<bool>(),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
        turns in prop::collection::vec((0usize..3, any::<u8>()), 9),
        kinds in Just(kinds),
    ) -> Case {
        Case {
            types: kinds.into_iter().map(|(t, _)| t).collect(),
            entities,
            features: features.into_iter().map(|r| if with_created { r } else { r.created(None) }).collect(),
            with_created,
            options: JoinOptions { ttl, filter_by_created: filter_by_created && with_created },
            cuts,
            turns,
        }
    }
}

impl Case {
    /// The batches of each of three workers, in random order.
    pub fn parts(&self) -> [Vec<FeatureBatch>; 3] {
        let whole = batch(&self.types, &self.features, self.with_created);
        let rows = self.features.len();
        let mut cuts: Vec<usize> = self.cuts.iter().map(|cut| cut.index(rows + 1)).collect();
        cuts.extend([0, rows]);
        cuts.sort_unstable();
        let mut pieces: Vec<_> = cuts.windows(2).zip(&self.turns).collect();
        pieces.sort_by_key(|(_, (_, when))| *when);
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        for (cut, (worker, _)) in pieces {
            parts[*worker].push(slice(&whole, cut[0], cut[1] - cut[0]));
        }
        parts
    }

    fn joined(&self, order: [usize; 3]) -> Vec<Option<i64>> {
        let index = index(&self.types, &self.entities);
        let mut workers: Vec<_> = self
            .parts()
            .into_iter()
            .map(|batches| {
                let mut worker = JoinWorker::new(index.clone(), &FEATURES, self.options);
                batches.iter().for_each(|batch| worker.push(batch).unwrap());
                Some(worker)
            })
            .collect();
        let mut first = workers[order[0]].take().unwrap();
        for other in &order[1..] {
            first.merge(workers[*other].take().unwrap()).unwrap();
        }
        let joined = first.finish().unwrap();
        let half = joined.rows() / 2;
        [(0, half), (half, joined.rows() - half)]
            .into_iter()
            .flat_map(|(start, length)| {
                let columns = joined.columns(start, length).unwrap();
                check_texts(&columns);
                columns[0].as_primitive::<Int64Type>().iter().collect::<Vec<_>>()
            })
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_join_gives_what_the_oracle_gives(case in case()) {
        let winners = oracle::join(&case.entities, &case.features, case.options);
        let expected: Vec<_> = winners.into_iter().map(|winner| winner.and_then(value)).collect();
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            prop_assert_eq!(&case.joined(order), &expected);
        }
    }

    #[test]
    fn matched_counts_the_winners(case in case()) {
        let winners = oracle::join(&case.entities, &case.features, case.options);
        let mut worker = JoinWorker::new(index(&case.types, &case.entities), &FEATURES, case.options);
        worker.push(&batch(&case.types, &case.features, case.with_created)).unwrap();
        prop_assert_eq!(worker.finish().unwrap().matched(), winners.iter().flatten().count());
    }

    #[test]
    fn may_contain_has_no_false_negatives(case in case()) {
        prop_assume!(!case.types.is_empty());
        let index = index(&case.types, &case.entities);
        let passed = index.may_contain(&key_columns(&case.types, &case.features)).unwrap();
        for (row, feature) in case.features.iter().enumerate() {
            let known = case.entities.iter().any(|entity| entity.time.is_some() && entity.keys == feature.keys);
            let whole = feature.keys.iter().all(Option::is_some);
            prop_assert!(passed.value(row) || !(known && whole));
            prop_assert!(whole || !passed.value(row));
        }
    }
}
