"""Compares hybrid's output with DuckDB's answer, row by row and column by column, in the frame's order.

usage: compare.py CASE DIR OUT [--answer asof|window]
window breaks ties of the event time by `created`, as hybrid does, and is for small data; asof leaves them to chance.
"""
import argparse
import pathlib

import peers
from cases import CASES

QUERIES = {"asof": peers.asof_query, "window": peers.window_query}


def differences(case, folder, out, answer):
    """Rows, and those that differ from the answer in any column or are not there."""
    connection = peers.connect()
    features = [name for name, _, _ in peers.names(case)]
    connection.execute(f"create view frame as select * exclude (filename, file_row_number), file_row_number as n "
                       f"from read_parquet('{folder}/entities.parquet', file_row_number = true, filename = true)")
    connection.execute(f"create table want as {QUERIES[answer](case, folder, 'frame')}")
    connection.execute(f"create view got as select * exclude (filename, file_row_number), file_row_number as n "
                       f"from read_parquet('{out}', file_row_number = true, filename = true)")
    columns = [*case.join_keys, "event_timestamp", "label", *features]
    unequal = " or ".join(f"want.{c} is distinct from got.{c}" for c in columns)
    found = connection.execute("describe got").fetchall()
    names = [name for name, *_ in found if name != "n"]
    if names != columns:
        raise SystemExit(f"columns {names}, expected {columns}")
    return connection.execute(f"""
        select count(*), count(*) filter (want.n is null or got.n is null or {unequal}),
               count(*) filter (want.{features[0]} is not null)
        from want full join got using (n)""").fetchone()


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("case", choices=CASES)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--answer", choices=QUERIES, default="window")
    o = args.parse_args()
    rows, wrong, hits = differences(CASES[o.case], o.dir, o.out, o.answer)
    print(f"{o.case}: {rows} rows, {hits} with a value, {wrong} differences from DuckDB ({o.answer})")
    raise SystemExit(1 if wrong or not rows or not hits else 0)
