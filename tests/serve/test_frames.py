"""What pandas makes of an entity frame, and what comes back of it."""

from datetime import datetime

import pandas as pd
import pyarrow as pa

from checks import equal, test, types
from samples import drivers, stats


@test
def the_only_timestamp_of_the_frame_is_taken(world):
    view = stats(world, "other_time")
    world.apply(view)
    asked = drivers().rename(columns={"event_timestamp": "asked_at"})
    world.expect(world.ask(asked, view.refs()), asked, view.oracle(), timestamp="asked_at")


@test
def timestamps_as_text(world):
    view = stats(world, "text_time")
    world.apply(view)
    asked = drivers()
    asked["event_timestamp"] = [when.isoformat() for when in asked["event_timestamp"]]
    got = world.ask(asked, view.refs("rate"))
    equal(got.column("rate").to_pylist(), [0.3, 0.1, 0.2, None, 0.3])


@test
def an_index_of_the_frame_is_not_a_column(world):
    """Filtered and sorted frames have one; Arrow sends it as a column that only pandas' metadata marks."""
    view = stats(world, "index")
    world.apply(view)
    filtered = drivers().iloc[[3, 1, 4]]
    for asked in (filtered, filtered.rename_axis("row"), filtered.set_index("label")):
        got = world.ask(asked, view.refs())
        equal(set(got.column_names), set(asked.columns) | {"rate", "trips"}, "columns")
        world.expect(got, asked.reset_index(drop=True), view.oracle())


@test
def an_empty_frame_gives_the_schema(world):
    view = stats(world, "empty")
    world.apply(view)
    got = world.ask(drivers().iloc[:0], view.refs())
    equal(got.num_rows, 0)
    equal(set(got.column_names), {"driver_id", "event_timestamp", "label", "rate", "trips"})
    types(got, rate=pa.float64(), trips=pa.int64())


@test
def columns_of_the_frame_keep_their_types(world):
    view = stats(world, "frame_types")
    world.apply(view)
    asked = drivers()
    asked["small"] = pd.array([1, 2, None, 4, 5], dtype="Int8")
    asked["kind"] = pd.Categorical(["x", "y", "x", "x", None])
    asked["day"] = [datetime(2024, 1, 1).date()] * 5
    sent, got = pa.Table.from_pandas(asked, preserve_index=False), world.ask(asked, view.refs("rate"))
    types(got, small=pa.int8(), day=pa.date32(), event_timestamp=sent.schema.field("event_timestamp").type)
    kinds = dict(zip(got.column("label").to_pylist(), got.column("kind").to_pylist()))
    equal(kinds, dict(zip("abcde", ["x", "y", "x", "x", None])))
