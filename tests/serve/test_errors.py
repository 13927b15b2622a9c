"""Errors arrive as Feast's own exceptions, or as the right class of pyarrow, and name what is wrong."""

import pyarrow.lib
from feast import Field
from feast.errors import DataSourceObjectNotFoundException, FeastError, FeatureViewNotFoundException
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64

from checks import equal, fails, test
from rows import at, frame, table
from world import entity


def asked():
    return frame("driver_id event_timestamp", (1, at(1)))


def small(world, name: str):
    return world.view(name, table("driver_id event_timestamp v", (1, at(0), 1)))


@test
def a_view_that_only_the_client_knows(world):
    elsewhere = world.client(registry=world.repo.folder / "elsewhere.db")
    view = small(world, "elsewhere")
    elsewhere.apply([*view_objects(view)])
    with fails(FeatureViewNotFoundException, "elsewhere"):
        world.ask(asked(), view.refs(), elsewhere)
    with fails(FeatureViewNotFoundException, "elsewhere"):
        elsewhere._get_provider().ingest_df_to_offline_store(view.feast, view.data)


def view_objects(view):
    return [entity(key) for key in view.keys] + [view.feast]


@test
def a_feature_that_only_the_client_knows(world):
    world.apply(small(world, "narrow"))
    elsewhere = world.client(registry=world.repo.folder / "wider.db")
    source = small(world, "narrow").feast.batch_source
    data = table("driver_id event_timestamp v unheard_of", (1, at(0), 1, 2))
    wide = world.view("narrow", data, source=source)
    elsewhere.apply(view_objects(wide))
    with fails(Exception, "unheard_of") as raised:
        world.ask(asked(), wide.refs(), elsewhere)
    assert isinstance(raised.error, (FeastError, LookupError, ValueError)), type(raised.error)


@test
def a_source_that_nobody_registered(world):
    view = small(world, "unregistered")
    view.feast.batch_source.name = "unregistered_name"
    with fails(DataSourceObjectNotFoundException, "unregistered_name"):
        world.pull("pull_latest", view, created=None, start=at(0), end=at(1))


@test
def a_missing_key_column_is_named(world):
    view = small(world, "keyless")
    world.apply(view)
    with fails(Exception, "driver_id") as raised:
        world.ask(frame("customer_id event_timestamp", (1, at(1))), view.refs())
    assert isinstance(raised.error, (FeastError, KeyError, ValueError)), type(raised.error)


@test
def a_key_of_a_wrong_type_is_named(world):
    view = small(world, "mistyped")
    world.apply(view)
    with fails((ValueError, FeastError), "driver_id"):
        world.ask(frame("driver_id event_timestamp", ("one", at(1))), view.refs())


@test
def a_file_that_is_gone_is_named(world):
    view = small(world, "gone")
    world.apply(view)
    (world.repo.server / view.feast.batch_source.path).unlink()
    with fails(Exception, "gone.parquet"):
        world.ask(asked(), view.refs())


@test
def a_feature_called_like_a_column_of_the_frame(world):
    view = world.view("collision", table("driver_id event_timestamp speed", (1, at(0), 1)))
    world.apply(view)
    with fails(Exception, "speed") as raised:
        world.ask(asked().assign(speed=1), view.refs())
    assert isinstance(raised.error, (FeastError, ValueError)), type(raised.error)


@test
def an_on_demand_view_is_named(world):
    """It is a Python function, which the server does not run unless a worker is configured."""
    view = small(world, "base")
    derived = derived_view(view)
    world.apply(view, derived)
    with fails(Exception, "derived"):
        world.ask(asked(), ["derived:half"])


def derived_view(view):
    @on_demand_feature_view(sources=[view.feast], schema=[Field(name="half", dtype=Float64)])
    def derived(inputs):
        inputs["half"] = inputs["v"] / 2
        return inputs[["half"]]
    return derived


@test
def the_server_goes_on_after_errors(world):
    view = small(world, "after")
    world.apply(view)
    for _ in range(20):
        with fails(Exception):
            world.ask(frame("customer_id event_timestamp", (1, at(1))), view.refs())
    equal(world.ask(asked(), view.refs()).column("v").to_pylist(), [1])


@test
def long_errors_still_arrive_as_what_they_are(world):
    """gRPC drops a status of more than 8 KiB and reports that instead."""
    names = [f"a_rather_long_name_of_a_column_{n}" for n in range(500)]
    view = small(world, "lengthy")
    world.apply(view)
    with fails(Exception, "driver_id"):
        world.ask(asked().drop(columns="driver_id").assign(**{name: 1 for name in names}), view.refs())


@test
def a_server_that_is_not_there(world):
    lonely = world.client(remote={"port": 1, "connection_retries": 0})
    view = small(world, "lonely")
    world.apply(view)
    with fails(pyarrow.lib.ArrowException):
        world.ask(asked(), view.refs(), lonely)
