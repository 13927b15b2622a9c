"""Feast's side of one data set, or hybrid's statement: prints the seconds of the call, imports and registry not counted, and
writes its answer. Of a statement also its seconds when its rows stay in the server: the best of three, in the same session.
Feast's call is its store's where it reaches the server by itself, and else its template's statement.

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


def feasts(engine, case, frame, folder):
    """Feast's call, and its statement over entity rows as its store uploads them, where the engine has either."""
    given = feast_store(engine, case, folder), references(case)
    statement = engine.feast_statement(*given, case, frame) if hasattr(engine, "feast_statement") else None
    if not engine.FEAST_WHOLE:
        return engine.asked(statement), statement
    store, features = given
    frame = frame.to_pandas()
    return lambda: store.get_historical_features(entity_df=frame, features=features).to_arrow(), statement


def hybrids(engine, case, frame, file):
    """hybrid's statement, over entity rows as it uploads them, or in a table as Feast's are."""
    if hasattr(engine, "upload_like_hybrid"):
        engine.upload_like_hybrid(case.frame, frame)
    statement = file.read_text()
    return engine.asked(statement), statement


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
        frame = pq.read_table(o.dir / f"{case.frame}.parquet")
        call, statement = hybrids(engine, case, frame, o.statement) if o.statement else feasts(engine, case, frame, folder)
        seconds, answer, error = within(o.limit, call, engine.cancel)
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
