"""The rows that travel, as every client sees them: their columns, and how they get into a file."""
import pathlib
import sys

import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sqlbench"))

from cases import PAIR, features  # noqa: E402

COLUMNS = dict.fromkeys(PAIR, "Int64") | {"event_timestamp": "Time", "created": "Time"} | dict(features("f"))


def declared(types, quote=""):
    """The columns of CREATE TABLE, with an engine's names of the types."""
    return ", ".join(f"{quote}{name}{quote} {types[kind]}" for name, kind in COLUMNS.items())


def selected(table, quote=""):
    """What `hybrid all` asks."""
    names = ", ".join(f"{quote}{name}{quote}" for name in COLUMNS)
    return f"SELECT {names} FROM {table} WHERE {quote}event_timestamp{quote} IS NOT NULL"


def summed(table, quote=""):
    return f"SELECT COUNT(*), SUM({quote}f1{quote}) FROM {table}"


def write(batches, out):
    """Writes tables or batches as they come."""
    batches = iter(batches)
    first = next(batches)
    with pq.ParquetWriter(out, first.schema) as file:
        file.write(first)
        for batch in batches:
            file.write(batch)
