"""Runs what a user would pick instead on one case's data, and prints its seconds, imports not counted.

usage: peers.py PEER CASE DIR OUT     PEER: duckdb-asof, duckdb-window, polars
"""
import argparse
import pathlib
import time

from cases import CASES, TTL_DAYS

PERIOD = f"interval {TTL_DAYS} day"


def names(case):
    """Each output column, its view and its feature, as hybrid names them."""
    return [(f"view{v}__f{i}" if case.views > 1 else f"f{i}", v, f"f{i}") for v in range(case.views) for i in range(case.columns)]


def matching(case, view):
    return [f"e.{key} = v{view}.{key}" for key in case.join_keys]


def asof_query(case, folder, frame):
    """The latest row by time alone: DuckDB's ASOF JOIN knows no second criterion."""
    picked = ", ".join(f"case when v{v}.event_timestamp >= e.event_timestamp - {PERIOD} then v{v}.{f} end as {name}"
                       for name, v, f in names(case))
    joins = " ".join(f"asof left join '{folder}/features{v}.parquet' v{v} on "
                     + " and ".join([*matching(case, v), f"e.event_timestamp >= v{v}.event_timestamp"]) for v in range(case.views))
    return f"select e.*, {picked} from {frame} e {joins}"


def window_query(case, folder, frame):
    """The whole meaning, with `created` to break ties: every candidate is ranked."""
    parts, joins = [f"e as (select *, row_number() over () as row_id from {frame})"], ""
    for v in range(case.views):
        fields = ", ".join(f"v{v}.{f} as {name}" for name, view, f in names(case) if view == v)
        within = [*matching(case, v), f"v{v}.event_timestamp <= e.event_timestamp",
                  f"v{v}.event_timestamp >= e.event_timestamp - {PERIOD}"]
        parts.append(f"w{v} as (select row_id, {fields} from e join '{folder}/features{v}.parquet' v{v} on {' and '.join(within)} "
                     f"qualify row_number() over (partition by row_id order by v{v}.event_timestamp desc, v{v}.created desc nulls last) = 1)")
        joins += f" left join w{v} using (row_id)"
    return f"with {', '.join(parts)} select e.* exclude (row_id), {', '.join(n for n, _, _ in names(case))} from e{joins}"


def connect():
    import duckdb
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    return connection


def duckdb_runner(query):
    def run(case, folder, out):
        frame = f"'{folder}/entities.parquet'"
        connection, text = connect(), query(case, folder, frame)
        began = time.perf_counter()
        connection.execute(f"copy ({text}) to '{out}' (format parquet)")
        return time.perf_counter() - began
    return run


def polars_runner(case, folder, out):
    import polars as pl
    began = time.perf_counter()
    left = pl.scan_parquet(folder / "entities.parquet").sort("event_timestamp")
    for v in range(case.views):
        right = pl.scan_parquet(folder / f"features{v}.parquet").drop("created").sort("event_timestamp")
        right = right.rename({f: name for name, view, f in names(case) if view == v})
        left = left.join_asof(right, on="event_timestamp", by=list(case.join_keys) or None, strategy="backward",
                              tolerance=f"{TTL_DAYS}d", check_sortedness=False)
    left.collect().write_parquet(out)
    return time.perf_counter() - began


PEERS = {"duckdb-asof": duckdb_runner(asof_query), "duckdb-window": duckdb_runner(window_query), "polars": polars_runner}

if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("peer", choices=PEERS)
    args.add_argument("case", choices=CASES)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    options = args.parse_args()
    print(PEERS[options.peer](CASES[options.case], options.dir, options.out))
