"""Feature logging: what a feature server served is written through the server and pulled back."""

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from feast import FeatureService
from feast.errors import FeatureServiceNotFoundException
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination

from checks import equal, fails, same_set, test
from repo import PROJECT
from rows import at, table


def logged(world, name: str, **destination) -> FeatureService:
    view = world.view(name, table("driver_id event_timestamp v", (1, at(0), 1)))
    config = LoggingConfig(destination=FileLoggingDestination(path=f"data/{name}_log", **destination))
    service = FeatureService(name=f"{name}_service", features=[view.feast], logging_config=config)
    world.apply(view, service)
    return service


def log(world, service: FeatureService, first: int, count: int) -> pa.Table:
    """Rows of the schema that Feast's feature server logs."""
    schema = FeatureServiceLoggingSource(service, PROJECT).get_schema(world.store.registry)
    made = {"driver_id": 1, "__log_timestamp": at(first), "__log_date": at(first).date(), "__request_id": None}
    values = []
    for number in range(first, first + count):
        row = {}
        for column in schema:
            if pa.types.is_timestamp(column.type):
                row[column.name] = at(number)
            elif pa.types.is_integer(column.type):
                row[column.name] = number
            else:
                row[column.name] = at(number).date() if pa.types.is_date(column.type) else f"request {number}"
        values.append(row)
    assert made.keys() <= set(schema.names), schema
    return pa.Table.from_pylist(values, schema)


def pulled(world, service: FeatureService, start, end) -> pa.Table:
    return world.store._get_provider().retrieve_feature_service_logs(
        feature_service=service, start_date=start, end_date=end, config=world.store.config,
        registry=world.store.registry).to_arrow()


def columns(rows: list[dict], names) -> list[dict]:
    return [{name: row[name] for name in names} for row in rows]


@test
def logs_are_written_and_pulled_back(world):
    service = logged(world, "logs")
    first, second = log(world, service, 0, 3), log(world, service, 3, 2)
    world.store.write_logged_features(first, service)
    world.store.write_logged_features(second, service)
    rows = first.to_pylist() + second.to_pylist()
    same_set(columns(pulled(world, service, at(0), at(9)).to_pylist(), first.column_names), rows)
    inside = [row for row in rows if at(1) <= row["__log_timestamp"] <= at(3)]
    same_set(columns(pulled(world, service, at(1), at(3)).to_pylist(), first.column_names), inside)


@test
def logs_from_a_file(world):
    service = logged(world, "log_file")
    made = log(world, service, 0, 4)
    path = world.repo.folder / "log_file.parquet"
    pq.write_table(made, path)
    world.store.write_logged_features(path, service)
    same_set(columns(pulled(world, service, at(0), at(9)).to_pylist(), made.column_names), made.to_pylist())


@test
def logs_of_several_batches(world):
    service = logged(world, "log_batches")
    made = pa.concat_tables(log(world, service, hour, 2) for hour in range(0, 20, 2))
    equal(made.column(0).num_chunks, 10)
    world.store.write_logged_features(made, service)
    equal(pulled(world, service, at(0), at(0) + timedelta(days=9)).num_rows, 20)


@test
def a_service_that_the_server_does_not_know(world):
    view = world.view("log_unknown", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    config = LoggingConfig(destination=FileLoggingDestination(path="data/unknown_log"))
    service = FeatureService(name="log_unknown_service", features=[view.feast], logging_config=config)
    with fails(FeatureServiceNotFoundException, "log_unknown_service"):
        world.store.write_logged_features(log(world, service, 0, 1), service)


@test
def a_service_that_logs_nowhere(world):
    view = world.view("log_nowhere", table("driver_id event_timestamp v", (1, at(0), 1)))
    plain = FeatureService(name="log_nowhere_service", features=[view.feast])
    world.apply(view, plain)
    config = LoggingConfig(destination=FileLoggingDestination(path="data/nowhere_log"))
    asked = FeatureService(name="log_nowhere_service", features=[view.feast], logging_config=config)
    with fails(Exception, "logging"):
        world.store.write_logged_features(log(world, asked, 0, 1), asked)
    assert not (world.repo.server / "data/nowhere_log").exists()
