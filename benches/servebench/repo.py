"""The repository that both servers serve: the benchmark's Parquet, defined and applied with Feast. Prints nothing.

usage: repo.py DATA REPO PORT
"""
import pathlib
import sys
from datetime import timedelta

import yaml
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float32, Float64, Int64

COMMON = {"project": "bench", "provider": "local", "entity_key_serialization_version": 3}


def configure(folder, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "feature_store.yaml").write_text(yaml.safe_dump(COMMON | settings))


def apply(data, repo, port):
    registry = str(repo / "registry.db")
    configure(repo / "server", registry=registry, offline_store={"type": "file"})
    configure(repo / "client", registry=registry, online_store={"type": "sqlite", "path": str(repo / "online.db")},
              offline_store={"type": "remote", "host": "127.0.0.1", "port": port})
    source = FileSource(name="features", path=str(data / "features0.parquet"), timestamp_field="event_timestamp",
                        created_timestamp_column="created")
    driver = Entity(name="driver_id", join_keys=["driver_id"], value_type=ValueType.INT64)
    view = FeatureView(name="view0", entities=[driver], ttl=timedelta(days=30), source=source,
                       schema=[Field(name="f0", dtype=Float32), Field(name="f1", dtype=Float64), Field(name="f2", dtype=Int64),
                               Field(name="driver_id", dtype=Int64)])
    FeatureStore(str(repo / "client")).apply([driver, source, view])


if __name__ == "__main__":
    apply(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]))
