"""Feast's side of one data set, or any statement: prints the seconds of the call, imports and registry not counted, and
writes its answer.

usage: theirs.py ENGINE DIR CASE OUT [--limit SECONDS] [--statement FILE]     ends with 124 when it was stopped at the limit
"""
import argparse
import importlib
import os
import pathlib
import sys
import tempfile
import threading
import time

import pyarrow.parquet as pq

from cases import CASES, ENGINES, LIMIT, references

STOPPED = 124


def feast_store(engine, case, folder):
    """A store whose registry holds the views of one data set."""
    from feast import Entity, FeatureStore, FeatureView, Field, RepoConfig, ValueType
    from feast.types import Float64, Int64
    from datetime import timedelta
    types = {"Float64": Float64, "Int64": Int64}
    store = FeatureStore(config=RepoConfig(project="bench", provider="local", registry=f"{folder}/registry.db",
                                           online_store=None, offline_store=engine.feast_config()))
    entities = {key: Entity(name=key, join_keys=[key], value_type=ValueType.INT64) for key in case.keys}
    views = [FeatureView(name=view.name, entities=[entities[key] for key in view.keys], ttl=timedelta(days=view.ttl_days),
                         schema=[Field(name=key, dtype=Int64) for key in view.keys]
                         + [Field(name=name, dtype=types[dtype]) for name, dtype in view.features],
                         source=engine.feast_source(view), online=False) for view in case.views]
    store.apply([*entities.values(), *views])
    return store


def within(limit, call, cancel):
    """Its seconds and its answer, or nothing when it was stopped."""
    outcome, done = [], threading.Event()

    def work():
        began = time.perf_counter()
        try:
            answer = call()
            outcome.extend([time.perf_counter() - began, answer])
        except BaseException as error:  # noqa: BLE001 - whatever it is, the main thread tells of it
            outcome.append(error)
        done.set()

    threading.Thread(target=work, daemon=True).start()
    if not done.wait(limit):
        cancel()
        done.wait(60)
        return None
    if len(outcome) == 1:
        raise outcome[0]
    return outcome


def theirs(engine, o, case, folder):
    frame = pq.read_table(o.dir / f"{case.frame}.parquet")
    return engine.feast_call(feast_store(engine, case, folder), references(case), case, frame)


def named(answer, case):
    """The answer of hybrid's statement under the names of the data set."""
    return answer.rename_columns([*case.columns, *case.features])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("engine", choices=ENGINES)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("case", choices=CASES)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--limit", type=float, default=LIMIT)
    args.add_argument("--statement", type=pathlib.Path)
    o = args.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Else Feast makes a folder when it is imported, and a process that is ended like this one leaves it.
        os.environ.setdefault("PROMETHEUS_MULTIPROCESS_DIR", folder)
        engine, case = importlib.import_module(f"on_{o.engine}"), CASES[o.case]
        call = engine.asked(o.statement.read_text()) if o.statement else theirs(engine, o, case, folder)
        outcome = within(o.limit, call, engine.cancel)
    if outcome is None:
        os._exit(STOPPED)
    seconds, answer = outcome
    answer = answer() if callable(answer) else answer
    pq.write_table(named(answer, case) if o.statement else answer, o.out)
    print(seconds, flush=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
