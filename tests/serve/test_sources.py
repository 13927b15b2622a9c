"""validate_data_source and get_table_column_names_and_types_from_data_source."""

import pyarrow as pa
from feast import FileSource
from feast.type_map import pa_to_feast_value_type
from feast.value_type import ValueType

from checks import equal, fails, test
from rows import at, table


def described(world, source) -> dict:
    provider = world.store._get_provider()
    return dict(provider.get_table_column_names_and_types_from_data_source(world.store.config, source))


@test
def a_source_is_valid_before_it_is_registered(world):
    source = world.source("valid", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.store._get_provider().validate_data_source(world.store.config, source)


@test
def columns_come_in_order_with_types_that_feast_knows(world):
    kinds = {"i32": pa.int32(), "i64": pa.int64(), "f32": pa.float32(), "f64": pa.float64(), "word": pa.string(),
             "flag": pa.bool_(), "raw": pa.binary(), "seen": pa.timestamp("ns"), "numbers": pa.list_(pa.int64()),
             "words": pa.list_(pa.string()), "shares": pa.list_(pa.float32()), "flags": pa.list_(pa.bool_())}
    data = pa.table({name: pa.array([None], kind) for name, kind in kinds.items()})
    source = FileSource(name="described", path=world.repo.write("data/described.parquet", data), timestamp_field="seen")
    got = described(world, source)
    equal(list(got), list(kinds))
    value_types = {name: pa_to_feast_value_type(text) for name, text in got.items()}
    want = dict(zip(kinds, (
        ValueType.INT32, ValueType.INT64, ValueType.FLOAT, ValueType.DOUBLE, ValueType.STRING, ValueType.BOOL,
        ValueType.BYTES, ValueType.UNIX_TIMESTAMP, ValueType.INT64_LIST, ValueType.STRING_LIST, ValueType.FLOAT_LIST,
        ValueType.BOOL_LIST)))
    equal(value_types, want)


@test
def names_are_those_of_the_source_not_the_mapped_ones(world):
    data = table("driver_id event_timestamp r", (1, at(0), 0.5))
    source = world.source("described_mapped", data, field_mapping={"r": "rate"})
    equal(list(described(world, source)), ["driver_id", "event_timestamp", "r"])


@test
def a_file_that_is_not_there_is_named(world):
    source = FileSource(name="absent", path="data/absent.parquet", timestamp_field="event_timestamp")
    with fails(Exception, "absent.parquet"):
        described(world, source)
