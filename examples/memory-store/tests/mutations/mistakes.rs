//! The mistakes: those that Feast's stores make, and others that a store is likely to.

use std::sync::Arc;

use hybrid_core::OutputColumn;
use hybrid_core::arrow::array::RecordBatch;
use hybrid_core::arrow::datatypes::Schema;

use crate::batches::{
    columns_reversed, floats_for_nulls, matched, numbers, picked, renamed, reversed, shuffled_features, times,
    without_nulls,
};
use crate::wrong::{Mistake, RIGHT};

const SECOND: i64 = 1_000_000;
const FAR: i64 = 32_503_680_000 * SECOND;

/// A number that no key has.
const NOBODY: i64 = 424_242;

fn nobody(key: Option<i64>) -> Option<i64> {
    Some(key.unwrap_or(NOBODY))
}

pub const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "ttl is exclusive",
        found_by: "ttl::oldest_moment_counts",
        random: true,
        historical: |request| {
            request
                .views
                .iter_mut()
                .for_each(|view| view.ttl = view.ttl.map(|ttl| ttl - 1))
        },
        ..RIGHT
    },
    Mistake {
        name: "ttl is ignored",
        found_by: "ttl::hides_every_known_key",
        random: true,
        historical: |request| request.views.iter_mut().for_each(|view| view.ttl = None),
        ..RIGHT
    },
    Mistake {
        name: "ttl is cut to seconds",
        found_by: "ttl::fraction_of_a_second_counts",
        random: true,
        historical: |request| {
            let cut = |ttl: i64| ttl / SECOND * SECOND;
            request.views.iter_mut().for_each(|view| view.ttl = view.ttl.map(cut));
        },
        ..RIGHT
    },
    Mistake {
        name: "a value counts only after its time",
        found_by: "ttl::newest_moment_counts",
        random: true,
        table: |rows| times(rows, "ts", |time| time.map(|time| time + 1)),
        ..RIGHT
    },
    Mistake {
        name: "times are cut to seconds",
        found_by: "ttl::newest_moment_counts",
        random: true,
        table: |rows| times(rows, "ts", |time| time.map(|time| time.div_euclid(SECOND) * SECOND)),
        ..RIGHT
    },
    Mistake {
        name: "times are cut to milliseconds",
        found_by: "ttl::is_counted_in_microseconds",
        random: true,
        table: |rows| times(rows, "ts", |time| time.map(|time| time.div_euclid(1000) * 1000)),
        ..RIGHT
    },
    Mistake {
        name: "rows without created are lost",
        found_by: "winner::null_created_wins_alone",
        random: true,
        table: |rows| without_nulls(rows, "created"),
        ..RIGHT
    },
    Mistake {
        name: "no created is the latest created",
        found_by: "winner::null_created_loses_to_any",
        random: true,
        table: |rows| times(rows, "created", |time| Some(time.unwrap_or(FAR))),
        ..RIGHT
    },
    Mistake {
        name: "created is ignored",
        found_by: "winner::largest_created_wins_a_tie",
        random: true,
        historical: |request| {
            if !request.filter_by_created_timestamp {
                request
                    .views
                    .iter_mut()
                    .for_each(|view| view.source.created_timestamp_column = None);
            }
        },
        ..RIGHT
    },
    Mistake {
        name: "the first of tied rows wins",
        found_by: "winner::exact_tie_takes_the_later_row",
        random: true,
        table: reversed,
        ..RIGHT
    },
    Mistake {
        name: "a missing value is filled from an older row",
        found_by: "winner::null_feature_of_the_winner_stays",
        random: true,
        table: |rows| without_nulls(rows, "v"),
        ..RIGHT
    },
    Mistake {
        name: "the created filter is ignored",
        found_by: "created_filter::later_created_is_out",
        random: true,
        historical: |request| request.filter_by_created_timestamp = false,
        ..RIGHT
    },
    Mistake {
        name: "the created filter is always on",
        found_by: "created_filter::off_by_default",
        random: true,
        historical: |request| request.filter_by_created_timestamp = true,
        ..RIGHT
    },
    Mistake {
        name: "the filter lets rows without created in",
        found_by: "created_filter::null_created_is_out",
        random: true,
        table: |rows| times(rows, "created", |time| Some(time.unwrap_or(-FAR))),
        ..RIGHT
    },
    Mistake {
        name: "the filter drops what has no created column",
        found_by: "created_filter::no_created_column_is_not_filtered",
        historical: |request| {
            if request.filter_by_created_timestamp {
                let without = request
                    .views
                    .iter_mut()
                    .filter(|view| view.source.created_timestamp_column.is_none());
                without.for_each(|view| view.ttl = Some(1));
            }
        },
        ..RIGHT
    },
    Mistake {
        name: "rows without an event time count",
        found_by: "keys::null_event_timestamp_is_ignored",
        random: true,
        table: |rows| times(rows, "ts", |time| Some(time.unwrap_or(0))),
        ..RIGHT
    },
    Mistake {
        name: "NULL keys match each other",
        found_by: "keys::null_key_matches_nothing",
        table: |rows| numbers(rows, "driver_id", nobody),
        entities: |rows| numbers(rows, "driver_id", nobody),
        ..RIGHT
    },
    Mistake {
        name: "only the first key is compared",
        found_by: "keys::composite_keys_compare_field_by_field",
        random: true,
        historical: |request| request.views.iter_mut().for_each(|view| view.join_keys.truncate(1)),
        ..RIGHT
    },
    Mistake {
        name: "views without keys are empty",
        found_by: "keys::no_key_joins_on_time_alone",
        random: true,
        historical: |request| {
            let keyless = request.views.iter_mut().filter(|view| view.join_keys.is_empty());
            keyless.for_each(|view| view.ttl = Some(i64::MIN));
        },
        ..RIGHT
    },
    Mistake {
        name: "the second view is not joined",
        found_by: "keys::two_views_with_different_keys",
        random: true,
        historical: |request| {
            request
                .views
                .iter_mut()
                .skip(1)
                .for_each(|view| view.ttl = Some(i64::MIN))
        },
        ..RIGHT
    },
    Mistake {
        name: "features stand in another order than rows",
        found_by: "rows::frame_order_is_kept",
        random: true,
        answer: shuffled_features,
        ..RIGHT
    },
    Mistake {
        name: "rows come in another order and claim to be in it",
        found_by: "rows::frame_order_is_kept",
        answer: reversed,
        ..RIGHT
    },
    Mistake {
        name: "rows without a match are dropped",
        found_by: "ttl::hides_every_known_key",
        random: true,
        answer: matched,
        ..RIGHT
    },
    Mistake {
        name: "a row is multiplied",
        found_by: "winner::exact_tie_gives_one_row",
        random: true,
        answer: |rows| match u32::try_from(rows.num_rows()) {
            Ok(count) if count > 0 => picked(&rows, [0].into_iter().chain(0..count)),
            _ => rows,
        },
        ..RIGHT
    },
    Mistake {
        name: "the last row is lost",
        found_by: "rows::duplicates_are_kept",
        random: true,
        answer: |rows| rows.slice(0, rows.num_rows().saturating_sub(1)),
        ..RIGHT
    },
    Mistake {
        name: "nothing is found, so that nothing can fail to fit",
        found_by: "types::overflow_is_an_error",
        historical: |request| request.views.iter_mut().for_each(|view| view.ttl = Some(1)),
        ..RIGHT
    },
    Mistake {
        name: "integers with NULL become floats",
        found_by: "types::int64_with_null_stays_int64",
        random: true,
        answer: floats_for_nulls,
        ..RIGHT
    },
    Mistake {
        name: "latest: the start is exclusive",
        found_by: "pull_latest::both_ends_are_inclusive",
        latest: |request| request.start += 1,
        ..RIGHT
    },
    Mistake {
        name: "latest: the end is exclusive",
        found_by: "no_frame::both_ends_are_inclusive",
        latest: |request| request.end -= 1,
        ..RIGHT
    },
    Mistake {
        name: "latest: one row in all",
        found_by: "pull_latest::one_row_per_key",
        pulled: |rows| rows.slice(0, rows.num_rows().min(1)),
        ..RIGHT
    },
    Mistake {
        name: "latest: every row is a key",
        found_by: "pull_latest::one_row_per_key",
        latest: |request| {
            // The event time is made part of the key.
            let column = OutputColumn {
                source: request.source.timestamp_field.clone(),
                name: "extra".to_owned(),
                data_type: None,
            };
            request.join_keys.push(column);
        },
        ..RIGHT
    },
    Mistake {
        name: "latest: created is ignored",
        found_by: "pull_latest::ties_by_created",
        latest: |request| {
            request.source.created_timestamp_column = None;
        },
        ..RIGHT
    },
    Mistake {
        name: "all: the start is exclusive",
        found_by: "pull_all::start_alone",
        all: |request| request.start = request.start.map(|start| start + 1),
        ..RIGHT
    },
    Mistake {
        name: "all: the end is exclusive",
        found_by: "pull_all::end_alone",
        all: |request| request.end = request.end.map(|end| end - 1),
        ..RIGHT
    },
    Mistake {
        name: "all: without an end nothing comes",
        found_by: "pull_all::no_dates",
        all: |request| request.end = Some(request.end.unwrap_or(i64::MIN)),
        ..RIGHT
    },
    Mistake {
        name: "pulled columns stand in another order",
        found_by: "pull_all::columns_in_order",
        pulled: columns_reversed,
        ..RIGHT
    },
    Mistake {
        name: "write: the last batch is lost",
        found_by: "write::several_batches",
        written: |mut batches| {
            if batches.len() > 1 {
                batches.pop();
            }
            batches
        },
        ..RIGHT
    },
    Mistake {
        name: "write: what came before an error stays",
        found_by: "write::refused_batch_leaves_nothing",
        written: |batches| batches.into_iter().filter(Result::is_ok).collect(),
        ..RIGHT
    },
    Mistake {
        name: "write: columns are matched by place",
        found_by: "write::columns_in_any_order",
        written: |batches| {
            let rename = |batch: RecordBatch| renamed(&batch, &["driver_id", "ts", "created", "v"]);
            batches.into_iter().map(|batch| batch.map(rename)).collect()
        },
        ..RIGHT
    },
    Mistake {
        name: "write: nothing is written",
        found_by: "write::then_historical",
        written: |batches| batches.into_iter().filter(|_| false).collect(),
        ..RIGHT
    },
    Mistake {
        name: "write: the count is wrong",
        found_by: "write::appended_rows_are_visible",
        count: |count| count + 1,
        ..RIGHT
    },
    Mistake {
        name: "persist: nothing is kept",
        found_by: "persist::rows_are_those_of_the_retrieval",
        persisted: |batches| batches.into_iter().filter(|_| false).collect(),
        ..RIGHT
    },
    Mistake {
        name: "persist: what came before an error stays",
        found_by: "persist::broken_rows_leave_nothing",
        persisted: |batches| batches.into_iter().filter(Result::is_ok).collect(),
        ..RIGHT
    },
    Mistake {
        name: "persist: what is there is replaced unasked",
        found_by: "persist::existing_is_refused",
        overwrite: |_| true,
        ..RIGHT
    },
    Mistake {
        name: "persist: what is there is never replaced",
        found_by: "persist::existing_is_replaced",
        overwrite: |_| false,
        ..RIGHT
    },
    Mistake {
        name: "the schema lists columns in another order",
        found_by: "schema::lists_the_columns",
        schema: |schema| {
            schema.map(|schema| Arc::new(Schema::new(schema.fields().iter().rev().cloned().collect::<Vec<_>>())))
        },
        ..RIGHT
    },
    Mistake {
        name: "the schema of a missing table is empty",
        found_by: "schema::missing_table_is_an_error",
        schema: |schema| Ok(schema.unwrap_or_else(|_| Arc::new(Schema::empty()))),
        ..RIGHT
    },
];
