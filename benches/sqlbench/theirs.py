"""Feast's side of one data set, or any statement: prints the seconds of the call, imports and registry not counted, and
writes its answer. Of a statement also its seconds when its rows stay in the server: the best of three, in the same session.

usage: theirs.py ENGINE DIR CASE OUT [--limit SECONDS] [--statement FILE]

Ends with 124 when it was stopped at the limit, or when the server gave it up; then it prints after how many seconds.
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

from cases import CASES, ENGINES, LIMIT, LONG, references

STOPPED = 124
SERVED = 3


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
    """Its seconds, its answer, and the error that ended it; `TimeoutError` when it was stopped."""
    outcome, done = [], threading.Event()
    began = time.perf_counter()

    def work():
        answer = error = None
        try:
            answer = call()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, the main thread tells of it
            error = raised
        outcome.extend([time.perf_counter() - began, answer, error])
        done.set()

    threading.Thread(target=work, daemon=True).start()
    if done.wait(limit):
        return outcome
    cancel()
    done.wait(60)
    return limit, None, TimeoutError()


def theirs(engine, o, case, folder):
    """Feast's whole call, or its statement."""
    given = feast_store(engine, case, folder), references(case), case, pq.read_table(o.dir / f"{case.frame}.parquet")
    return (engine.feast_call(*given), None) if hasattr(engine, "feast_call") else (None, engine.feast_statement(*given))


def served(engine, statement, seconds):
    """Its seconds with the rows left in the server. What took long is not run again: the client's part of it is small."""
    if seconds > LONG:
        return seconds
    return min(timed(engine.served(statement)) for _ in range(SERVED))


def timed(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


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
        call, statement = (None, o.statement.read_text()) if o.statement else theirs(engine, o, case, folder)
        seconds, answer, error = within(o.limit, call or engine.asked(statement), engine.cancel)
    if isinstance(error, TimeoutError) or error and hasattr(engine, "gave_up") and engine.gave_up(error):
        print(seconds, flush=True)
        os._exit(STOPPED)
    if error:
        raise error
    answer = answer() if callable(answer) else answer
    pq.write_table(named(answer, case) if o.statement else answer, o.out)
    print(seconds, served(engine, statement, seconds) if statement else "", flush=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
