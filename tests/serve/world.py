"""One server and a client of it, shared by the tests of a run; every test brings views with names of its own."""

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

import oracle
import server
from checks import equal, equal_rows, same_set
from repo import PROJECT, Repo

TIMES = ("event_timestamp", "created")
FEAST_TYPES = [
    (pa.int64(), Int64), (pa.int32(), Int32), (pa.float64(), Float64), (pa.float32(), Float32),
    (pa.string(), String), (pa.bool_(), Bool), (pa.binary(), Bytes), (pa.timestamp("us", tz="UTC"), UnixTimestamp),
    (pa.list_(pa.int64()), Array(Int64)), (pa.list_(pa.string()), Array(String)),
]


def feast_type(kind: pa.DataType):
    return next(theirs for ours, theirs in FEAST_TYPES if ours == kind)


def retrieval(view: str) -> fl.FlightDescriptor:
    """What Feast's clients send to have the feature `v` of a view."""
    return fl.FlightDescriptor.for_command(json.dumps({
        "command_id": str(uuid.uuid4()), "api": "get_historical_features", "feature_view_names": [view],
        "name_aliases": [None], "feature_refs": [f"{view}:v"], "project": PROJECT, "full_feature_names": False}))


def entity(key: str, value_type=ValueType.INT64) -> Entity:
    return Entity(name=key, join_keys=[key], value_type=value_type)


@dataclass
class View:
    """A feature view, its data, and what the oracle has to know of it."""

    name: str
    data: pa.Table
    feast: FeatureView
    keys: list[str]
    ttl: timedelta | None = None
    features: list[str] = field(default_factory=list)

    def refs(self, *features: str) -> list[str]:
        return [f"{self.name}:{name}" for name in features or self.features]

    def oracle(self, *features: str, prefix: str = "", **others) -> oracle.Features:
        columns = {name: prefix + name for name in features or self.features}
        created = "created" if "created" in self.data.column_names else None
        given = {"keys": {key: key for key in self.keys}, "ttl": self.ttl, "created": created}
        return oracle.Features(self.data.to_pylist(), columns, **(given | others))


class World:
    def __init__(self, repo: Repo, server: server.Server, kind: str, certificates=None):
        self.repo, self.server, self.kind, self.certificates = repo, server, kind, certificates
        self.store = FeatureStore(repo_path=str(repo.client()))

    @property
    def hybrid(self) -> bool:
        """False for Feast's own server, which keeps less than ours promises (order of rows and columns)."""
        return self.kind == "hybrid"

    def ensure_running(self) -> None:
        if not self.server.running():
            self.server.start()

    @contextmanager
    def own(self, *options: str, offline: dict | None = None, **variables: str):
        """A server of a test's own over the same transport, with a repository of its own, and a client of it."""
        authority = self.certificates and self.certificates.authority
        folder = self.repo.folder / f"own-{uuid.uuid4().hex}"
        repo = Repo(folder, self.kind, server.free_port(), authority, offline)
        command = [*server.hybrid(repo.server, repo.port, self.certificates), *options]
        started = server.Server(command, **variables)
        started.start()
        try:
            yield World(repo, started, self.kind, self.certificates)
        finally:
            equal(started.stop(), 0, "exit code")

    def client(self, **settings) -> FeatureStore:
        return FeatureStore(repo_path=str(self.repo.client(**settings)))

    def flight(self) -> fl.FlightClient:
        """A client of the protocol, without Feast."""
        place = f"127.0.0.1:{self.repo.port}"
        if not self.certificates:
            return fl.connect(f"grpc://{place}")
        return fl.connect(f"grpc+tls://{place}", tls_root_certs=self.certificates.authority.read_bytes())

    def source(self, name: str, data: pa.Table, path: str | None = None, **options) -> FileSource:
        path = self.repo.write(path or f"data/{name}.parquet", data)
        times = {"timestamp_field": "event_timestamp"}
        if "created" in data.column_names:
            times["created_timestamp_column"] = "created"
        return FileSource(name=f"{name}_source", path=path, **(times | options))

    def view(self, name: str, data: pa.Table, keys: tuple = ("driver_id",), ttl: timedelta | None = None, source=None,
             **options) -> View:
        """A view of all columns of `data` that are neither times nor keys."""
        fields = {column.name: feast_type(column.type) for column in data.schema if column.name not in TIMES}
        kinds = {"string": ValueType.STRING}
        made = FeatureView(
            name=name, ttl=ttl, source=source or self.source(name, data),
            entities=[entity(key, kinds.get(str(data.schema.field(key).type), ValueType.INT64)) for key in keys],
            schema=[Field(name=column, dtype=kind) for column, kind in fields.items()], **options)
        return View(name, data, made, list(keys), ttl, [column for column in fields if column not in keys])

    def apply(self, *things) -> None:
        """Registers views (with their entities) and whatever else through the remote client."""
        objects = []
        for thing in things:
            if isinstance(thing, View):
                objects += [entity(key, self.key_type(thing, key)) for key in thing.keys] + [thing.feast]
            else:
                objects.append(thing)
        self.store.apply(list({(type(it), it.name): it for it in objects}.values()))

    @staticmethod
    def key_type(view: View, key: str) -> ValueType:
        return ValueType.STRING if view.data.schema.field(key).type == pa.string() else ValueType.INT64

    def ask(self, frame: pd.DataFrame, features, store: FeatureStore | None = None, **options) -> pa.Table:
        return (store or self.store).get_historical_features(frame, features, **options).to_arrow()

    def pull_job(self, kind: str, view: View, keys=("driver_id",), features=("v",), created: str | None = "created",
                 start=None, end=None):
        """`kind` is pull_latest or pull_all."""
        return getattr(self.store._get_provider().offline_store, f"{kind}_from_table_or_query")(
            config=self.store.config, data_source=view.feast.batch_source, join_key_columns=list(keys),
            feature_name_columns=list(features), timestamp_field="event_timestamp", created_timestamp_column=created,
            start_date=start, end_date=end)

    def pull(self, kind: str, view: View, **options) -> pa.Table:
        """Without the index that Feast's own server leaks, so that the rest can be compared there too."""
        got = self.pull_job(kind, view, **options).to_arrow()
        return got if self.hybrid else got.select([name for name in got.column_names if name != "__index_level_0__"])

    def expect(self, got: pa.Table, frame: pd.DataFrame, *wanted: oracle.Features,
               timestamp: str = "event_timestamp") -> None:
        """The frame as it was and then the features, in order, row by row as the oracle says."""
        entities = pa.Table.from_pandas(frame, preserve_index=False).to_pylist()
        features = oracle.join(entities, list(wanted), timestamp)
        want = [row | found for row, found in zip(entities, features)]
        columns = list(frame.columns) + [name for view in wanted for name in view.columns.values()]
        if self.hybrid:
            equal(got.column_names, columns, "columns")
            equal_rows(got.to_pylist(), want)
        else:
            same_set(got.to_pylist(), want)

    def check(self, frame: pd.DataFrame, *views: View, **options) -> pa.Table:
        """Applies the views, asks for all their features and compares with the oracle."""
        self.apply(*views)
        got = self.ask(frame, [ref for view in views for ref in view.refs()], **options)
        self.expect(got, frame, *(view.oracle() for view in views))
        return got
