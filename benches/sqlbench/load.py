"""Makes the tables of all data sets in an engine: feature rows, and entity rows for those who get them for free.

usage: load.py ENGINE DIR
"""
import importlib
import pathlib
import sys

import pyarrow.parquet as pq

from cases import CASES, views


def tables(folder):
    names = [view.name for view in views()] + [case.frame for case in CASES.values()]
    return ((name, pq.read_table(folder / f"{name}.parquet")) for name in names)


if __name__ == "__main__":
    importlib.import_module(f"on_{sys.argv[1]}").load(tables(pathlib.Path(sys.argv[2])))
