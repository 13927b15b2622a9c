"""pull_latest_from_table_or_query and pull_all_from_table_or_query, as the client's offline store calls them."""

from datetime import timedelta, timezone

import oracle
from checks import equal, same_set, test
from rows import at, table

ROWS = [(1, at(0), at(0), 1), (1, at(2), at(9), 2), (1, at(2), at(2), 3),
        (2, at(1), None, 4), (2, at(3), at(3), None), (3, at(9), at(9), 6)]


def pulled(world, name: str, data=None):
    view = world.view(name, data or table("driver_id event_timestamp created v", *ROWS))
    world.apply(view)
    return view


def only(rows, *columns):
    return [{column: row[column] for column in columns} for row in rows]


COLUMNS = ("driver_id", "v", "event_timestamp", "created")


@test
def latest_is_one_row_per_key_inside_the_window(world):
    view = pulled(world, "latest")
    for start, end in ((at(0), at(9)), (at(0), at(2)), (at(1), at(1)), (at(50), at(60))):
        got = world.pull("pull_latest", view, start=start, end=end)
        want = oracle.latest(view.data.to_pylist(), ["driver_id"], start, end)
        same_set(got.to_pylist(), only(want, *COLUMNS))
        if world.hybrid:
            equal(got.column_names, list(COLUMNS))


@test
def latest_without_keys_is_the_latest_row(world):
    view = pulled(world, "latest_keyless")
    got = world.pull("pull_latest", view, keys=(), start=at(0), end=at(2))
    same_set(only(got.to_pylist(), "v", "event_timestamp"), [{"v": 2, "event_timestamp": at(2)}])


@test
def without_keys_the_dummy_key_is_there(world):
    """Feast's client asks for it when it materializes a view without entities."""
    view = pulled(world, "dummy")
    for kind in ("pull_latest", "pull_all"):
        got = world.pull(kind, view, keys=(), start=at(0), end=at(9))
        equal(set(got.column("__dummy_id").to_pylist()), {""})


@test
def all_is_every_row_inside_the_window(world):
    view = pulled(world, "all")
    for start, end in ((at(0), at(9)), (at(1), at(3)), (at(50), at(60))):
        got = world.pull("pull_all", view, start=start, end=end)
        same_set(got.to_pylist(), only(oracle.inside(view.data.to_pylist(), start, end), *COLUMNS))


@test
def all_without_dates_or_with_one(world):
    view = pulled(world, "all_open")
    for start, end in ((None, None), (at(2), None), (None, at(2))):
        got = world.pull("pull_all", view, start=start, end=end)
        same_set(got.to_pylist(), only(oracle.inside(view.data.to_pylist(), start, end), *COLUMNS))


@test
def no_feature_columns_means_every_column(world):
    view = pulled(world, "all_columns")
    for kind in ("pull_latest", "pull_all"):
        got = world.pull(kind, view, features=(), start=at(0), end=at(9))
        equal(set(got.column_names), set(COLUMNS))


@test
def a_source_without_a_created_time(world):
    data = table("driver_id event_timestamp v", (1, at(0), 1), (1, at(1), 2), (2, at(0), 3))
    view = pulled(world, "uncreated", data)
    for created in (None, ""):
        got = world.pull("pull_latest", view, created=created, start=at(0), end=at(9))
        same_set(got.to_pylist(), only(data.to_pylist()[1:], "driver_id", "v", "event_timestamp"))


@test
def dates_with_and_without_a_zone(world):
    view = pulled(world, "zoned_dates")
    berlin = timezone(timedelta(hours=1))
    for change in (lambda when: when.replace(tzinfo=None), lambda when: when.astimezone(berlin)):
        got = world.pull("pull_all", view, start=change(at(1)), end=change(at(3)))
        same_set(got.to_pylist(), only(oracle.inside(view.data.to_pylist(), at(1), at(3)), *COLUMNS))


@test
def microseconds_of_the_dates_count(world):
    tick = timedelta(microseconds=1)
    view = pulled(world, "ticks")
    equal(world.pull("pull_all", view, start=at(0) + tick, end=at(2) - tick).num_rows, 1)
    equal(world.pull("pull_all", view, start=at(1), end=at(1)).num_rows, 1)
