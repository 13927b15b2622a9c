"""One server in front of several stores: views of Parquet files and views of a Postgres database through one client."""

import os
import uuid
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pyarrow as pa
from feast import FeatureView, Field
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Int64

import oracle
from checks import equal, fails, test
from rows import at, frame, table
from world import View, World, entity

DATA = table("driver_id event_timestamp created trips",
             (1, at(0), at(0), 4), (1, at(2), at(2), 5), (1, at(2), at(3), 6), (2, at(1), at(1), 7), (3, at(0), None, 8))
TTL = timedelta(hours=5)


def database() -> dict:
    """Where the server is that tests/engines/with started."""
    def setting(name: str) -> str:
        variable = f"HYBRID_POSTGRES_{name}"
        assert variable in os.environ, f"{variable} is not set: tests/engines/with postgres -- starts a server"
        return os.environ[variable]

    return {"host": setting("HOST"), "port": int(setting("PORT")), "database": setting("DATABASE"),
            "user": setting("USER"), "password": setting("PASSWORD"), "sslmode": "prefer"}


@contextmanager
def a_table():
    """A table of `DATA` with a name that no other run uses."""
    settings = database()
    name = f"trips_{uuid.uuid4().hex}"
    link = {key: settings[key] for key in ("host", "port", "user", "password")} | {"dbname": settings["database"]}
    with psycopg.connect(**link, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (driver_id bigint, event_timestamp timestamptz, "
                           "created timestamptz, trips bigint)")
        try:
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {name} VALUES (%s, %s, %s, %s)",
                                   [tuple(row.values()) for row in DATA.to_pylist()])
            yield name, connection
        finally:
            connection.execute(f"DROP TABLE {name}")


@contextmanager
def two_stores(world: World, **options):
    """A client of a server over both stores, a view in each, and a connection to the database with the table's name."""
    offline = {"type": "hybrid", **options, "offline_stores": [{"type": "file"}, {"type": "postgres", "conf": database()}]}
    with a_table() as (rows, connection), world.own(offline=offline) as own:
        views = own.view("in_files", DATA, ttl=TTL), in_postgres("in_postgres", rows)
        own.apply(*views)
        yield own, *views, (connection, rows)


def in_postgres(name: str, rows: str) -> View:
    source = PostgreSQLSource(name=f"{name}_source", table=rows, timestamp_field="event_timestamp",
                              created_timestamp_column="created")
    fields = [Field(name="driver_id", dtype=Int64), Field(name="trips", dtype=Int64)]
    made = FeatureView(name=name, source=source, entities=[entity("driver_id")], ttl=TTL, schema=fields)
    return View(name, DATA, made, ["driver_id"], TTL, ["trips"])


def asked():
    return frame("driver_id event_timestamp label", (2, at(3), 1), (1, at(2), 2), (1, at(1), 3), (9, at(2), 4), (3, at(9), 5),
                 (1, at(3), 6))


@test
def views_of_files_and_of_postgres_through_one_client(world):
    if not world.hybrid:
        return
    with two_stores(world) as (own, files, database_view, _):
        for view in (files, database_view):
            got = own.ask(asked(), view.refs())
            own.expect(got, asked(), view.oracle())
        for view in (files, database_view):
            got = own.pull("pull_latest", view, features=("trips",), start=at(0), end=at(9))
            found = {row["driver_id"]: row["trips"] for row in got.to_pylist()}
            equal(found, {1: 6, 2: 7, 3: 8}, view.name)


@test
def both_in_one_call_are_feasts_error(world):
    if not world.hybrid:
        return
    with two_stores(world) as (own, files, database_view, _):
        with fails(ValueError, "All feature views must have the same source type"):
            own.ask(asked(), files.refs() + database_view.refs(), full_feature_names=True)


@test
def both_in_one_call_where_the_configuration_allows_it(world):
    if not world.hybrid:
        return
    with two_stores(world, cross_source_joins=True) as (own, files, database_view, _):
        got = own.ask(asked(), files.refs() + database_view.refs(), full_feature_names=True)
        own.expect(got, asked(), files.oracle(prefix="in_files__"), database_view.oracle(prefix="in_postgres__"))


@test
def rows_are_written_to_the_store_of_their_view(world):
    if not world.hybrid:
        return
    with two_stores(world) as (own, files, database_view, (connection, rows)):
        added = frame("driver_id event_timestamp created trips", (4, at(1), at(1), 40), (1, at(4), at(4), 41))
        for view in (files, database_view):
            own.store.write_to_offline_store(view.name, added)
        want = sorted(oracle_row(row) for row in DATA.to_pylist() + pa.Table.from_pandas(added).to_pylist())
        stored = own.repo.read(files.feast.batch_source.path).to_pylist()
        equal(sorted(oracle_row(row) for row in stored), want, "the file")
        found = connection.execute(f"SELECT driver_id, event_timestamp, trips FROM {rows}").fetchall()
        equal(sorted((key, oracle.utc(when), value) for key, when, value in found), want, "the table")


def oracle_row(row: dict) -> tuple:
    return row["driver_id"], oracle.utc(row["event_timestamp"]), row["trips"]


@test
def a_source_in_postgres_is_valid_where_its_table_is_there(world):
    if not world.hybrid:
        return
    with two_stores(world) as (own, _, database_view, _):
        provider, config = own.store._get_provider(), own.store.config
        source = database_view.feast.batch_source
        provider.validate_data_source(config, source)
        found = provider.get_table_column_names_and_types_from_data_source(config, source)
        kinds = "bigint", "timestamp with time zone", "timestamp with time zone", "bigint"
        equal(list(found), list(zip(DATA.column_names, kinds)))
        missing = in_postgres("nowhere", "no_such_table").feast.batch_source
        with fails(Exception, "no_such_table"):
            provider.validate_data_source(config, missing)
