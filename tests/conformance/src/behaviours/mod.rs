//! What a store must do, one function per behaviour. Each takes a [`Fixture`](crate::Fixture) and
//! ends with a [`Verdict`](crate::Verdict).

mod common;

crate::suite::behaviours! { $
    ttl { oldest_moment_counts, newest_moment_counts, absent_looks_back_forever, zero_looks_back_forever,
          is_counted_in_microseconds, fraction_of_a_second_counts, hides_every_known_key }
    winner { largest_time_wins, largest_created_wins_a_tie, null_created_loses_to_any, null_created_wins_alone,
             older_created_wins_by_time, no_created_column_is_fine, exact_tie_gives_one_row, exact_tie_is_repeatable,
             exact_tie_takes_the_later_row, no_candidate_gives_null, null_feature_of_the_winner_stays }
    created_filter { later_created_is_out, null_created_is_out, no_created_column_is_not_filtered, off_by_default }
    rows { frame_order_is_kept, duplicates_are_kept, unmatched_rows_stay, frame_columns_are_untouched,
           frame_in_many_batches, empty_frame, empty_source, many_rows }
    keys { null_key_matches_nothing, null_feature_key_matches_nothing, null_event_timestamp_is_ignored,
           composite_keys_compare_field_by_field, composite_keys_are_not_joined_text, two_views_with_different_keys,
           no_key_joins_on_time_alone, integer_widths_interchange, string_encodings_interchange, every_key_type,
           three_keys, float_key_is_refused }
    times { naive_means_utc, named_zone_is_kept, every_unit_is_kept, strings_are_parsed, other_name_is_kept,
            only_timestamp_column_is_taken, event_timestamp_is_preferred, several_candidates_are_an_error,
            no_candidate_is_an_error, source_types_interchange, nanoseconds_are_floored,
            entity_nanoseconds_are_floored, text_that_is_no_time_is_an_error, before_1970 }
    names { order_asked_for_is_kept, full_names_carry_the_view, collision_of_features_is_an_error,
            collision_with_the_frame_is_an_error, service_gives_its_features, alias_joins_another_column,
            one_view_under_two_aliases, field_mapping_of_features, field_mapping_of_keys, field_mapping_of_times,
            one_feature_of_many }
    types { scalars_round_trip, arrays_round_trip, maps_and_structs_round_trip, int64_with_null_stays_int64,
            extremes_survive, declared_type_is_returned, overflow_is_an_error, text_that_is_no_number_is_an_error }
    no_frame { one_row_per_key_as_of_end, both_ends_are_inclusive, ttl_counts_from_the_end, ordered_by_composite_key,
               views_share_their_keys, different_keys_are_an_error, nothing_in_the_range,
               null_keys_are_no_entity }
    errors { unknown_view, unknown_feature, unknown_service, missing_key_column, wrong_key_type, bad_reference }
    pull_latest { one_row_per_key, both_ends_are_inclusive, ties_by_created, null_event_timestamp_is_ignored,
                  columns_in_order, no_keys_give_the_latest_row, no_features_give_every_column, mapped_names,
                  of_a_view, nothing_in_the_window, null_keys_are_ignored, keys_in_the_declared_type, every_key_type }
    pull_all { both_ends_are_inclusive, start_alone, end_alone, no_dates, keeps_every_row, columns_in_order,
               mapped_names }
    write { appended_rows_are_visible, columns_in_any_order, several_batches, empty_batch, then_historical,
            problems_are_listed_at_once, missing_column, extra_column, wrong_type, refused_batch_leaves_nothing,
            null_values_survive, overlapping_writes_all_arrive, columns_beyond_the_view, source_names_are_used,
            progress_is_reported }
    persist { rows_are_those_of_the_retrieval, columns_and_types_are_kept, scalars_are_kept, arrays_are_kept,
              maps_and_structs_are_kept, times_of_the_frame_are_kept, no_rows_make_an_empty_table, existing_is_refused,
              existing_is_replaced, broken_rows_leave_nothing, broken_rows_leave_what_was_there,
              failed_retrieval_leaves_nothing }
    schema { lists_the_columns, missing_table_is_an_error }
    random { joins }
}
