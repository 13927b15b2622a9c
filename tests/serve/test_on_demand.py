"""On-demand feature views, which the server runs in a Python of its own: this one."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from feast import FeatureService, Field, RequestSource
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float64, Int64, String

import server
from checks import equal, fails, test
from rows import at, frame
from samples import stats

REQUEST = RequestSource(name="offsets", schema=[Field(name="offset", dtype=Int64)])


@contextmanager
def served(world):
    """A client of a server that runs Python, over the same registry; Feast's own server always does."""
    if not world.hybrid:
        yield world.store
        return
    command = server.hybrid(world.repo.server, 0, world.certificates) + ["--python-worker", sys.executable]
    own = server.Server(command)
    own.start()
    try:
        yield world.client(remote={"port": own.address()[1]})
    finally:
        equal(own.stop(), 0, "exit code")


def views(world, name: str):
    """One of each kind over a view of that name, all of which make `value`s of `rate` and `offset`."""
    view = stats(world, name)

    @on_demand_feature_view(name=f"{name}_pandas", sources=[view.feast, REQUEST], schema=[
        Field(name="value", dtype=Float64), Field(name="word", dtype=String), Field(name="rest", dtype=Float64)])
    def with_pandas(inputs: pd.DataFrame) -> pd.DataFrame:
        print("a function may print")
        made = pd.DataFrame({"word": inputs["rate"].astype(str), "value": inputs["rate"] + inputs["offset"]})
        made["rest"] = made["value"] % 1
        return made

    @on_demand_feature_view(name=f"{name}_python", sources=[view.feast, REQUEST], mode="python", schema=[
        Field(name="both", dtype=Array(Float64)), Field(name="many", dtype=Int64)])
    def with_python(inputs: dict) -> dict:
        pairs = zip(inputs["rate"], inputs["offset"])
        return {"both": [[rate or 0.0, float(offset)] for rate, offset in pairs], "many": inputs["trips"]}

    world.apply(view, REQUEST, with_pandas, with_python)
    return view, with_pandas, with_python


def asked() -> pd.DataFrame:
    return frame("driver_id event_timestamp offset", (2, at(4), 1), (1, at(1), 2), (9, at(9), 3), (1, at(2), 4))


def computed(world, got, wanted: dict, full: bool) -> None:
    """The columns `wanted` of each view are at the end, as Feast itself makes them of the columns before."""
    outputs = sum(wanted.values(), [])
    rows = got.select([name for name in got.column_names if name not in outputs])
    if world.hybrid:
        equal(got.column_names, rows.column_names + outputs, "columns")
    for view, names in wanted.items():
        made = view.transform_arrow(rows, full)
        for name in names:
            equal(got.schema.field(name).type, made.schema.field(name).type, f"type of {name}")
            equal(got.column(name).to_pylist(), made.column(name).to_pylist(), name)


@test
def columns_are_what_feast_makes(world):
    view, with_pandas, with_python = views(world, "demand")
    references = ["demand_python:both", "demand_pandas:word", "demand:rate", "demand_pandas:value", "demand_python:many"]
    with served(world) as store:
        got = world.ask(asked(), references, store)
        computed(world, got, {with_python: ["both", "many"], with_pandas: ["word", "value"]}, False)
        got = world.ask(asked(), references, store, full_feature_names=True)
        wanted = {with_python: ["demand_python__both", "demand_python__many"],
                  with_pandas: ["demand_pandas__word", "demand_pandas__value"]}
        computed(world, got, wanted, True)
        # What is not asked for and yet needed is there too.
        got = world.ask(asked(), ["demand_pandas:rest"], store)
        equal(set(got.column_names), {"driver_id", "event_timestamp", "offset", "rate", "trips", "rest"})
        got = world.ask(asked().head(0), ["demand_python:many"], store)
        equal((got.num_rows, got.column_names[-1]), (0, "many"))


@test
def services_and_saved_datasets_hold_them(world):
    view, with_pandas, with_python = views(world, "held")
    service = FeatureService(name="held_service", features=[view.feast[["rate"]], with_python])
    world.apply(service)
    with served(world) as store:
        got = world.ask(asked(), store.get_feature_service("held_service"), store)
        computed(world, got, {with_python: ["both", "many"]}, False)
        path = str(Path(world.repo.server, "kept", "held.parquet"))
        job = store.get_historical_features(asked(), ["held_pandas:value", "held:rate"])
        if world.hybrid:
            kept = store.create_saved_dataset(job, "held_set", SavedDatasetFileStorage(path=path), allow_overwrite=True)
            values = sorted(value for value in kept.to_df()["value"] if value == value)
            equal(values, sorted(value for value in job.to_df()["value"] if value == value))


@test
def what_a_function_raises_reaches_the_client(world):
    view = stats(world, "raising")

    @on_demand_feature_view(name="raises", sources=[view.feast, REQUEST], mode="python", schema=[
        Field(name="never", dtype=Int64)])
    def raises(inputs: dict) -> dict:
        if inputs["offset"] != [1]:
            raise KeyError("a key that is not there")
        return {"never": inputs["offset"]}

    world.apply(view, REQUEST, raises)
    with served(world) as store:
        with fails(Exception, "a key that is not there") as raised:
            world.ask(asked(), ["raises:never"], store)
        if world.hybrid:
            assert isinstance(raised.error, ValueError) and "`raises`" in str(raised.error), repr(raised.error)
        equal(world.ask(asked().head(1), ["raises:never"], store).column("never").to_pylist(), [1])


@test
def processes_end_with_a_server_that_was_killed(world):
    """Also one whose function would run for ever."""
    if not world.hybrid:
        return
    view = stats(world, "endless")

    @on_demand_feature_view(name="spins", sources=[view.feast, REQUEST], mode="python", schema=[
        Field(name="process", dtype=Int64)])
    def spins(inputs: dict) -> dict:
        import os
        while inputs["offset"][0] == 2:
            pass
        return {"process": [os.getpid() for _ in inputs["offset"]]}

    world.apply(view, REQUEST, spins)
    command = server.hybrid(world.repo.server, 0, world.certificates) + ["--python-worker", sys.executable]
    own = server.Server(command)
    own.start()
    try:
        store = world.client(remote={"port": own.address()[1], "connection_retries": 0})
        process = world.ask(asked().head(1), ["spins:process"], store).column("process")[0].as_py()
        with ThreadPoolExecutor() as pool:
            call = pool.submit(world.ask, asked().tail(1).assign(offset=2), ["spins:process"], store)
            time.sleep(2)
            assert runs(process) and call.running()
            own.process.kill()
            assert call.exception(30) is not None
        deadline = time.monotonic() + 20
        while runs(process):
            assert time.monotonic() < deadline, "the process goes on"
            time.sleep(0.1)
    finally:
        own.stop()


def runs(process: int) -> bool:
    """One that is over has no memory, also where nobody has waited for it."""
    try:
        return Path(f"/proc/{process}/statm").read_text().split()[0] != "0"
    except OSError:
        return False
