"""get_historical_features without a frame: one row per key set seen in the range, as of its end."""

from datetime import datetime, timedelta, timezone

from checks import equal, equal_rows, fails, test
from rows import at, frame, table


def seen(world, name: str, **options):
    rows = [(1, at(0), 1), (1, at(2), 2), (2, at(1), 3), (3, at(9), 4), (4, at(-50), 5)]
    return world.view(name, table("driver_id event_timestamp v", *rows), **options)


def values(got) -> dict:
    return dict(zip(got.column("driver_id").to_pylist(), got.column("v").to_pylist()))


@test
def start_and_end(world):
    view = seen(world, "range")
    world.apply(view)
    got = world.ask(None, view.refs(), start_date=at(0), end_date=at(5))
    equal(values(got), {1: 2, 2: 3})
    equal(got.num_rows, 2)


@test
def every_row_is_as_of_the_end(world):
    view = seen(world, "range_end")
    world.apply(view)
    got = world.ask(None, view.refs(), start_date=at(0), end_date=at(2))
    times = {when.astimezone(timezone.utc) for when in got.column("event_timestamp").to_pylist()}
    equal(times, {at(2)})
    equal(values(got), {1: 2, 2: 3})


@test
def dates_without_a_zone_are_utc(world):
    view = seen(world, "range_naive")
    world.apply(view)
    start, end = (when.replace(tzinfo=None) for when in (at(1), at(9)))
    equal(values(world.ask(None, view.refs(), start_date=start, end_date=end)), {1: 2, 2: 3, 3: 4})


@test
def dates_of_another_zone(world):
    view = seen(world, "range_zone")
    world.apply(view)
    zone = timezone(timedelta(hours=-7))
    got = world.ask(None, view.refs(), start_date=at(0).astimezone(zone), end_date=at(2).astimezone(zone))
    equal(values(got), {1: 2, 2: 3})


@test
def an_end_alone_looks_back_over_the_ttl(world):
    view = seen(world, "range_ttl", ttl=timedelta(hours=2))
    world.apply(view)
    equal(values(world.ask(None, view.refs(), end_date=at(3))), {1: 2, 2: 3})


@test
def a_start_alone_ends_now(world):
    now = datetime.now(timezone.utc)
    rows = [(1, now - timedelta(days=2), 1), (2, now - timedelta(days=9), 2), (3, now + timedelta(days=2), 3)]
    view = world.view("range_now", table("driver_id event_timestamp v", *rows))
    world.apply(view)
    equal(values(world.ask(None, view.refs(), start_date=now - timedelta(days=5))), {1: 1})


@test
def two_views_of_one_key(world):
    other = world.view("range_other", table("driver_id event_timestamp w", (1, at(1), 10), (5, at(1), 50)))
    view = seen(world, "range_two")
    world.apply(view, other)
    got = world.ask(None, view.refs() + other.refs(), start_date=at(0), end_date=at(5))
    rows = [(row["driver_id"], row["v"], row["w"]) for row in got.to_pylist()]
    equal(sorted(rows), [(1, 2, 10), (2, 3, None), (5, None, 50)])


@test
def a_frame_and_dates_exclude_each_other(world):
    view = seen(world, "range_both")
    world.apply(view)
    with fails(ValueError, "entity_df"):
        world.ask(frame("driver_id event_timestamp", (1, at(1))), view.refs(), start_date=at(0))


@test
def nothing_in_the_range(world):
    view = seen(world, "range_nothing")
    world.apply(view)
    got = world.ask(None, view.refs(), start_date=at(100), end_date=at(101))
    equal_rows(got.to_pylist(), [])
    assert {"driver_id", "v"} <= set(got.column_names), got.column_names
