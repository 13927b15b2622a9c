"""write_to_offline_store and push, and what is there afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa
from feast import PushSource
from feast.data_source import PushMode

from checks import equal, fails, same_set, test
from rows import at, frame, table


def writable(world, name: str):
    data = table("driver_id event_timestamp created v", (1, at(0), at(0), 1))
    view = world.view(name, data)
    world.apply(view)
    return view


def new_rows(*rows) -> pd.DataFrame:
    return frame("driver_id event_timestamp created v", *rows)


def stored(world, view) -> list[dict]:
    return world.repo.read(view.feast.batch_source.path).to_pylist()


@test
def rows_are_appended_and_seen(world):
    view = writable(world, "append")
    added = new_rows((1, at(2), at(2), 2), (2, at(2), at(2), 3))
    world.store.write_to_offline_store("append", added)
    want = view.data.to_pylist() + pa.Table.from_pandas(added).to_pylist()
    same_set(stored(world, view), want)
    got = world.ask(frame("driver_id event_timestamp", (1, at(1)), (1, at(3)), (2, at(3))), view.refs())
    equal(got.column("v").to_pylist(), [1, 2, 3])


@test
def columns_in_another_order(world):
    view = writable(world, "append_order")
    added = new_rows((2, at(2), at(2), 3))[["v", "created", "driver_id", "event_timestamp"]]
    for reorder in (True, False):
        if reorder or world.hybrid:
            world.store.write_to_offline_store("append_order", added, reorder_columns=reorder)
            assert {"driver_id": 2, "event_timestamp": at(2), "created": at(2), "v": 3} in stored(world, view)


@test
def an_index_is_not_written(world):
    view = writable(world, "append_index")
    added = new_rows((2, at(2), at(2), 3), (3, at(2), at(2), 4), (4, at(2), at(2), 5))
    world.store.write_to_offline_store("append_index", added[added.v > 3])
    # The client has lost by then what would tell a named index from a column.
    with fails(Exception, "number"):
        world.store.write_to_offline_store("append_index", added[added.v == 3].rename_axis("number"))
    same_set([{"v": row["v"]} for row in stored(world, view)], [{"v": v} for v in (1, 4, 5)])
    equal(world.repo.read(view.feast.batch_source.path).column_names, view.data.column_names)


@test
def types_of_pandas_become_those_of_the_source(world):
    """Times without a zone, and a whole number that pandas holds as a float because another row has none."""
    view = writable(world, "append_types")
    added = new_rows((2, at(2), at(2), 3), (3, at(2), None, None))
    added["v"] = added["v"].astype("float64")
    added["event_timestamp"] = added["event_timestamp"].dt.tz_localize(None)
    world.store.write_to_offline_store("append_types", added)
    table_now = world.repo.read(view.feast.batch_source.path)
    equal(table_now.schema.field("v").type, pa.int64())
    equal(sorted(table_now.column("v").to_pylist(), key=str), [1, 3, None])


@test
def an_entity_without_rows_yet(world):
    data = table("driver_id event_timestamp created v", v=pa.int64())
    view = world.view("append_empty", data)
    world.apply(view)
    world.store.write_to_offline_store("append_empty", new_rows((1, at(0), at(0), 1)))
    equal(len(stored(world, view)), 1)


@test
def a_mapped_view_is_written_under_the_names_of_its_source(world):
    """The client renames the columns as field_mapping says before it sends them."""
    stored_as = table("driver_id event_timestamp r", (1, at(0), 0.5))
    source = world.source("append_mapped", stored_as, field_mapping={"r": "rate"})
    known_as = stored_as.rename_columns(["driver_id", "event_timestamp", "rate"])
    view = world.view("append_mapped", known_as, source=source)
    world.apply(view)
    world.store.write_to_offline_store("append_mapped", frame("driver_id event_timestamp r", (1, at(1), 0.75)))
    equal(world.repo.read(source.path).column_names, ["driver_id", "event_timestamp", "r"])
    got = world.ask(frame("driver_id event_timestamp", (1, at(2))), view.refs())
    equal(got.column("rate").to_pylist(), [0.75])


@test
def missing_and_unknown_columns_are_named(world):
    view = writable(world, "append_columns")
    before = stored(world, view)
    with fails(ValueError, "created", "extra"):
        added = new_rows((2, at(2), at(2), 3)).drop(columns="created").assign(extra=1)
        world.store.write_to_offline_store("append_columns", added)
    equal(stored(world, view), before)


@test
def a_wrong_type_is_refused_and_nothing_is_written(world):
    view = world.view("append_wrong", table("driver_id event_timestamp speed", (1, at(0), 1)))
    world.apply(view)
    before = stored(world, view)
    with fails(ValueError, "speed" if world.hybrid else ""):
        world.store.write_to_offline_store("append_wrong", frame("driver_id event_timestamp speed", (2, at(2), "fast")))
    equal(stored(world, view), before)


@test
def push_to_the_offline_store(world):
    view = pushable(world, "pushed")
    world.store.push("pushed_push", new_rows((1, at(5), at(5), 50)), to=PushMode.OFFLINE)
    got = world.ask(frame("driver_id event_timestamp", (1, at(4)), (1, at(6))), view.refs())
    equal(got.column("v").to_pylist(), [1, 50])


@test
def push_to_both_stores(world):
    view = pushable(world, "pushed_both")
    world.store.push("pushed_both_push", new_rows((1, at(5), at(5), 50)), to=PushMode.ONLINE_AND_OFFLINE)
    equal(len(stored(world, view)), 2)
    equal(world.store.get_online_features(view.refs(), [{"driver_id": 1}]).to_dict()["v"], [50])


def pushable(world, name: str):
    data = table("driver_id event_timestamp created v", (1, at(0), at(0), 1))
    batch = world.source(name, data)
    view = world.view(name, data, source=PushSource(name=f"{name}_push", batch_source=batch))
    world.apply(batch, view)
    return view


@test
def writers_at_once_lose_nothing(world):
    view = writable(world, "append_many")
    writers, batches = 4, 5

    def write(writer: int):
        for batch in range(batches):
            added = new_rows(*((n, at(1), at(1), 1000 + writer * 100 + batch) for n in range(10)))
            world.store.write_to_offline_store("append_many", added)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    rows = stored(world, view)
    equal(len(rows), 1 + writers * batches * 10)
    equal(len({(row["driver_id"], row["v"]) for row in rows}), len(rows))


@test
def many_rows_in_one_write(world):
    view = writable(world, "append_large")
    count = 200_000
    added = pd.DataFrame({"driver_id": range(count), "event_timestamp": at(1), "created": at(1), "v": range(count)})
    world.store.write_to_offline_store("append_large", added)
    equal(world.repo.read(view.feast.batch_source.path).num_rows, count + 1)
