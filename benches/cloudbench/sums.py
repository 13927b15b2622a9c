"""Prints the number of a Parquet file's rows, the sum of its `f1`, and a sum over all columns of all rows that their order does not change.

usage: sums.py FILE
"""
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rows import COLUMNS


def bits(column, kind):
    column = column.combine_chunks()
    if kind == "Float64":
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False).view(np.uint64)
    if kind == "Time":
        column = pc.cast(column, pa.timestamp("us", "UTC"))
    return column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)


def mixed(table):
    """A number for each row, in which each column has its place."""
    found = np.zeros(table.num_rows, np.uint64)
    for name, kind in COLUMNS.items():
        found = (found ^ bits(table[name], kind)) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(32)
    return found


if __name__ == "__main__":
    rows = pq.read_table(sys.argv[1])
    print(rows.num_rows, pc.sum(rows["f1"]).as_py(), int(mixed(rows).sum(dtype=np.uint64)))
