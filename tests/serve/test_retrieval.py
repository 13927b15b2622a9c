"""get_historical_features with an entity frame."""

from datetime import timedelta

import pyarrow as pa
from feast import BatchFeatureView, Field, KafkaSource, StreamFeatureView
from feast.data_format import JsonFormat
from feast.types import Int64

from checks import equal, test, types
from rows import at, frame, table
from samples import drivers, stats
from world import entity


@test
def every_row_comes_back_in_its_place(world):
    world.check(drivers(), stats(world, "places"))


@test
def features_come_in_the_order_asked_for(world):
    view = stats(world, "order")
    world.apply(view)
    for wanted in (["rate", "trips"], ["trips", "rate"], ["trips"]):
        got = world.ask(drivers(), view.refs(*wanted))
        world.expect(got, drivers(), view.oracle(*wanted))


@test
def full_feature_names(world):
    view = stats(world, "full")
    world.apply(view)
    got = world.ask(drivers(), view.refs(), full_feature_names=True)
    world.expect(got, drivers(), view.oracle(prefix="full__"))


@test
def two_views_of_one_key(world):
    other = world.view("pair_b", table("driver_id event_timestamp word", (1, at(1), "x"), (2, at(0), "y")))
    world.check(drivers(), stats(world, "pair_a"), other)


@test
def as_pandas(world):
    view = stats(world, "pandas")
    world.apply(view)
    got = world.store.get_historical_features(drivers(), view.refs("rate")).to_df().sort_values("label")
    equal([value if value == value else None for value in got["rate"]], [0.3, 0.1, 0.2, None, 0.3])
    equal(str(got["driver_id"].dtype), "int64")


@test
def a_job_can_be_run_again(world):
    view = stats(world, "again")
    world.apply(view)
    job = world.store.get_historical_features(drivers(), view.refs())
    equal(job.to_arrow(), job.to_arrow())


@test
def several_entities(world):
    rows = [(1, "x", at(0), 1), (1, "y", at(0), 2), (2, "x", at(0), 3)]
    view = world.view("several", table("driver_id place event_timestamp v", *rows), keys=("driver_id", "place"))
    world.check(frame("place event_timestamp driver_id", ("y", at(1), 1), ("x", at(1), 2), ("y", at(1), 2)), view)


@test
def string_keys(world):
    rows = [("a", at(0), 1), ("b\u00e9", at(0), 2), ("", at(0), 3)]
    view = world.view("strings", table("place event_timestamp v", *rows), keys=("place",))
    world.check(frame("place event_timestamp", ("b\u00e9", at(1)), ("", at(1)), ("A", at(1)), ("a", at(1))), view)


@test
def a_view_without_entities(world):
    view = world.view("entityless", table("event_timestamp v", (at(0), 1), (at(2), 2)), keys=())
    world.check(drivers(), view)


KINDS = {"i32": pa.int32(), "i64": pa.int64(), "f32": pa.float32(), "f64": pa.float64(), "word": pa.string(),
         "flag": pa.bool_(), "raw": pa.binary(), "seen": pa.timestamp("us", tz="UTC"),
         "numbers": pa.list_(pa.int64()), "words": pa.list_(pa.string())}
VALUES = (7, 2**53 + 1, 0.1, 0.1, "\u00fc", True, b"\x00\xff", at(1), [1, 2], ["a", ""])


def of_every_type(world, name: str, *rows):
    return world.view(name, table("driver_id event_timestamp " + " ".join(KINDS), *rows, **KINDS))


def check_types(world, view, *keys: int):
    got = world.check(frame("driver_id event_timestamp", *((key, at(1)) for key in keys)), view)
    types(got, **{name: kind for name, kind in KINDS.items() if not pa.types.is_nested(kind)})


@test
def declared_types_are_kept(world):
    check_types(world, of_every_type(world, "types", (1, at(0), *VALUES)), 1)


@test
def declared_types_are_kept_beside_nulls(world):
    check_types(world, of_every_type(world, "null_types", (1, at(0), *VALUES), (2, at(0), *[None] * 10)), 1, 2, 3)


@test
def many_views_in_one_call(world):
    rows = [((n, at(0), n), (1, at(1), -n)) for n in range(20)]
    views = [world.view(f"many_{n}", table(f"driver_id event_timestamp f{n}", *pair)) for n, pair in enumerate(rows)]
    world.check(frame("driver_id event_timestamp", *((n, at(2)) for n in range(22))), *views)


@test
def a_folder_of_files_is_one_source(world):
    data = table("driver_id event_timestamp v", (1, at(0), 1), (1, at(1), 2), (2, at(0), 3))
    for part in range(3):
        world.repo.write(f"data/folder/{part}.parquet", data.slice(part, 1))
    source = world.source("folder", data.slice(0, 1), path="data/folder/0.parquet")
    source.file_options.uri = "data/folder"
    asked = frame("driver_id event_timestamp", (1, at(0.5)), (1, at(1)), (2, at(1)))
    world.check(asked, world.view("folder", data, source=source))


@test
def stream_and_batch_feature_views(world):
    """Their features come from the batch source."""
    data = table("driver_id event_timestamp v", (1, at(0), 1), (2, at(0), 2))
    driver, schema = entity("driver_id"), [Field(name="driver_id", dtype=Int64), Field(name="v", dtype=Int64)]
    batch = world.source("streamed", data)
    kafka = KafkaSource(name="streamed_kafka", topic="t", kafka_bootstrap_servers="127.0.0.1:1", batch_source=batch,
                        timestamp_field="event_timestamp", message_format=JsonFormat("v int"))
    options = {"entities": [driver], "schema": schema, "ttl": timedelta(0)}
    streamed = StreamFeatureView(name="streamed", source=kafka, timestamp_field="event_timestamp", **options)
    batched = BatchFeatureView(name="batched", source=batch, mode="python", **options)
    world.apply(driver, batch, streamed, batched)
    for name in ("streamed", "batched"):
        got = world.ask(frame("driver_id event_timestamp", (2, at(1)), (1, at(2))), [f"{name}:v"])
        equal(got.column("v").to_pylist(), [2, 1])
