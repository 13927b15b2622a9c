"""Definitions applied with Feast while the server runs."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureStore, FeatureView

from checks import equal, same_set, test
from rows import at, frame, table

DEFINITIONS = """
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, FileSource

driver = Entity(name="commanded_driver", join_keys=["driver_id"])
source = FileSource(name="commanded_source", path="data/commanded.parquet", timestamp_field="event_timestamp")
view = FeatureView(name="commanded", entities=[driver], ttl=timedelta(days=1), source=source)
service = FeatureService(name="commanded_service", features=[view])
"""


def asked():
    return frame("driver_id event_timestamp", (1, at(1)), (2, at(1)))


@test
def what_is_applied_is_served_at_once(world):
    for number in range(3):
        world.check(asked(), world.view(f"at_once_{number}", table("driver_id event_timestamp v", (1, at(0), number))))


@test
def a_changed_view_is_served_at_once(world):
    data = table("driver_id event_timestamp v w", (1, at(0), 1, 2))
    source = world.source("changing", data)
    world.check(asked(), world.view("changing", data.drop_columns("w"), source=source))
    world.check(asked(), world.view("changing", data, source=source))
    world.check(asked(), world.view("changing", data, source=source, ttl=timedelta(minutes=1)))


@test
def a_removed_view_is_gone_at_once(world):
    view = world.view("removed", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.check(asked(), view)
    stale = FeatureStore(repo_path=str(world.store.repo_path))
    equal(stale.get_feature_view("removed").name, "removed")
    world.store.delete_feature_view("removed")
    try:
        world.ask(asked(), view.refs(), stale)
    except Exception as error:
        equal(type(error).__name__, "FeatureViewNotFoundException")
    else:
        raise AssertionError("a view that was removed is still served")


@test
def a_schema_is_inferred_through_the_server(world):
    source = world.source("inferred", table("driver_id event_timestamp created v word", (1, at(0), at(0), 1, "x")))
    driver = Entity(name="inferred_driver", join_keys=["driver_id"])
    world.store.apply([driver, FeatureView(name="inferred", entities=[driver], source=source)])
    view = world.store.get_feature_view("inferred")
    equal({field.name: str(field.dtype) for field in view.features}, {"v": "Int64", "word": "String"})
    equal({field.name: str(field.dtype) for field in view.entity_columns}, {"driver_id": "Int64"})
    got = world.ask(asked(), ["inferred:v", "inferred:word"])
    same_set(got.select(["v", "word"]).to_pylist(), [{"v": 1, "word": "x"}, {"v": None, "word": None}])


@test
def the_command_feast_apply(world):
    """It validates the sources and infers the schema through the server, and removes what is not in its files:
    so its registry is one of its own."""
    registry = world.repo.folder / "commanded.db"
    world.repo.write("data/commanded.parquet", table("driver_id event_timestamp v", (1, at(0), 1)))
    folder = world.repo.client(registry=registry)
    (folder / "definitions.py").write_text(DEFINITIONS)
    done = subprocess.run([str(Path(sys.executable).with_name("feast")), "-c", str(folder), "apply"],
                          capture_output=True, text=True)
    equal(done.returncode, 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}\nexit code")
    store = FeatureStore(repo_path=str(folder))
    equal([field.name for field in store.get_feature_view("commanded").features], ["v"])
