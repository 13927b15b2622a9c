"""The table "Where Feast differs" of SEMANTICS.md, line by line, as the client sees it."""

from datetime import timedelta

import pandas as pd
import pyarrow as pa

from checks import equal, test, types
from rows import at, frame, table


@test
def a_row_whose_key_has_only_older_values_stays(world):
    view = world.view("stale", table("driver_id event_timestamp v", (1, at(0), 1)), ttl=timedelta(hours=1))
    world.check(frame("driver_id event_timestamp", (1, at(0.5)), (1, at(5))), view)


@test
def duplicate_rows_with_different_labels_stay(world):
    view = world.view("labels", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.check(frame("driver_id event_timestamp label", (1, at(1), "a"), (1, at(1), "b"), (1, at(1), "a")), view)


@test
def two_views_with_different_keys_lose_no_row(world):
    drivers = world.view("by_driver", table("driver_id event_timestamp v", (1, at(0), 1), (2, at(0), 2)))
    data = table("customer_id event_timestamp w", (7, at(0), 7), (8, at(0), 8))
    customers = world.view("by_customer", data, keys=("customer_id",))
    pairs = [(1, 7), (1, 8), (2, 7), (1, 9), (3, 7)]
    world.check(frame("driver_id customer_id event_timestamp", *((*pair, at(1)) for pair in pairs)), drivers, customers)


@test
def a_null_key_matches_nothing(world):
    view = world.view("null_key", table("driver_id event_timestamp v", (None, at(0), 1), (2, at(0), 2)))
    world.check(frame("driver_id event_timestamp", (None, at(1)), (2, at(1))), view)


@test
def whole_numbers_that_pandas_made_doubles_are_keys(world):
    """What a frame of plain pandas holds as soon as one key is missing: 1.0 and NaN."""
    view = world.view("double_key", table("driver_id event_timestamp v", (1, at(0), 1), (2, at(0), 2)))
    asked = pd.DataFrame({"driver_id": [2, None, 1], "event_timestamp": [at(1), at(2), at(3)]})
    equal(str(asked["driver_id"].dtype), "float64")
    world.check(asked, view)


@test
def only_null_keys(world):
    """Arrow calls a column of None alone `null`."""
    view = world.view("only_null", table("driver_id event_timestamp v", (1, at(0), 1)))
    asked = pd.DataFrame({"driver_id": [None, None], "event_timestamp": [at(1), at(2)]})
    world.apply(view)
    got = world.ask(asked, view.refs())
    equal(got.column("v").to_pylist(), [None, None])


@test
def a_null_event_timestamp_is_no_value(world):
    view = world.view("null_time", table("driver_id event_timestamp v", (1, None, 1), (2, None, 2), (2, at(0), 3)))
    world.check(frame("driver_id event_timestamp", (1, at(1)), (2, at(1))), view)


@test
def composite_keys_are_compared_field_by_field(world):
    rows = [(1, 11, at(0), 1), (11, 1, at(0), 2), (111, 1, at(0), 3), (1, 111, at(0), 4)]
    view = world.view("composite", table("a_id b_id event_timestamp v", *rows), keys=("a_id", "b_id"))
    world.check(frame("a_id b_id event_timestamp", *((a, b, at(1)) for a, b, _, _ in rows), (11, 11, at(1))), view)


@test
def composite_text_keys_are_compared_field_by_field(world):
    rows = [("a", "b_c", at(0), 1), ("a_b", "c", at(0), 2)]
    view = world.view("composite_text", table("left right event_timestamp v", *rows), keys=("left", "right"))
    world.check(frame("left right event_timestamp", ("a_b", "c", at(1)), ("a", "b_c", at(1))), view)


@test
def an_exact_tie_is_one_row_and_always_the_same(world):
    view = world.view("tie", table("driver_id event_timestamp created v", (1, at(0), at(0), 1), (1, at(0), at(0), 2)))
    world.apply(view)
    asked = frame("driver_id event_timestamp", (1, at(1)), (1, at(2)))
    seen = [world.ask(asked, view.refs()).column("v").to_pylist() for _ in range(3)]
    assert seen[0] in ([1, 1], [2, 2]) and seen == [seen[0]] * 3, seen


@test
def a_value_without_a_created_time_counts(world):
    rows = [(1, at(0), None, 1), (2, at(0), None, 2), (2, at(0), at(0), 3), (3, at(0), None, 4), (3, at(1), None, 5)]
    view = world.view("no_created", table("driver_id event_timestamp created v", *rows))
    world.check(frame("driver_id event_timestamp", (1, at(2)), (2, at(2)), (3, at(2))), view)


@test
def a_ttl_of_one_and_a_half_seconds(world):
    view = world.view("short_ttl", table("driver_id event_timestamp v", (1, at(0), 1)), ttl=timedelta(seconds=1.5))
    ages = (1.3, 1.5, 1.500001, 1.6)
    world.check(frame("driver_id event_timestamp", *((1, at(0) + timedelta(seconds=age)) for age in ages)), view)


@test
def whole_numbers_with_a_null_stay_whole_numbers(world):
    huge = 2**62 + 1
    data = table("driver_id event_timestamp v", (1, at(0), huge), (2, at(0), None))
    asked = frame("driver_id event_timestamp", (1, at(1)), (2, at(1)), (3, at(1)))
    got = world.check(asked, world.view("integers", data))
    types(got, v=pa.int64())
    equal(got.column("v").to_pylist(), [huge, None, None])


@test
def the_zone_of_the_entity_timestamp_is_kept(world):
    """With coerce_tz_aware the client itself turns every zone into UTC."""
    view = world.view("zones", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    store = world.client(coerce_tz_aware=False)
    for zone in ("Europe/Berlin", "America/New_York", "UTC"):
        asked = frame("driver_id event_timestamp", (1, at(-0.5)), (1, at(0.5)))
        asked["event_timestamp"] = asked["event_timestamp"].dt.tz_convert(zone)
        got = world.ask(asked, view.refs(), store)
        types(got, event_timestamp=pa.timestamp("ns", tz=zone))
        world.expect(got, asked, view.oracle())


@test
def timestamps_without_a_zone_are_utc_and_stay_without(world):
    view = world.view("naive", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    asked = frame("driver_id event_timestamp", (1, at(-0.5)), (1, at(0.5)))
    asked["event_timestamp"] = asked["event_timestamp"].dt.tz_localize(None)
    got = world.ask(asked, view.refs(), world.client(coerce_tz_aware=False))
    types(got, event_timestamp=pa.timestamp("ns"))
    world.expect(got, asked, view.oracle())
