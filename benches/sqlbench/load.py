"""Makes the tables of data sets in an engine: feature rows, and entity rows for those who get them for free.

usage: load.py ENGINE DIR CASE…
"""
import importlib
import pathlib
import sys

import pyarrow.parquet as pq

from cases import CASES, views


def tables(folder, cases):
    names = [view.name for view in views(cases)] + [CASES[case].frame for case in cases]
    return ((name, pq.read_table(folder / f"{name}.parquet")) for name in names)


if __name__ == "__main__":
    importlib.import_module(f"on_{sys.argv[1]}").load(tables(pathlib.Path(sys.argv[2]), sys.argv[3:]))
