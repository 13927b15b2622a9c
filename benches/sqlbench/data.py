"""Writes the data sets as Parquet, the same for every engine: one file per view, one per entity frame.

usage: data.py DIR [--scale X] [--bulk]
A hundredth of the feature rows share keys and event time with another one, so that `created` decides; a thousandth have no
`created`. Of several keys the first determines the others, unless they are independent. --scale multiplies the numbers of
rows and of the values of the first key.
--bulk writes the rows of the bulk benchmark instead: feature rows, as many entity rows, ten times as many, and one.
"""
import argparse
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cases import CASES, HOUR, MILLION, PAIR, START, Case, View, features, views


def timestamps(micros, absent=None):
    return pa.array(micros, pa.timestamp("us", "UTC"), mask=absent)


def keys_of(rng, view, rows, scale):
    columns = {}
    for key, values in view.keys.items():
        if columns and not view.independent:
            columns[key] = next(iter(columns.values())) % values
        else:
            columns[key] = rng.integers(0, values if columns else max(1, int(values * scale)), rows)
    return columns


def feature_column(rng, dtype, rows):
    return rng.random(rows) if dtype == "Float64" else rng.integers(0, 1000, rows)


def feature_rows(rng, view, scale):
    rows = int(view.rows * scale)
    keys = keys_of(rng, view, rows, scale)
    times = START + (HOUR * np.arange(rows) if view.hourly else rng.integers(0, view.span(scale), rows))
    again = rng.choice(rows, rows // 100, replace=False)
    original = rng.integers(0, rows, len(again))
    for column in (*keys.values(), times):
        column[again] = column[original]
    # Different modulo the number of rows: no two rows are equal in keys, event time and created.
    created = times + rng.integers(0, HOUR, rows) // rows * rows + np.arange(rows)
    absent = np.zeros(rows, bool)
    absent[rng.choice(np.setdiff1d(np.arange(rows), np.concatenate([again, original])), rows // 1000, replace=False)] = True
    columns = keys | {"event_timestamp": timestamps(times), "created": timestamps(created, absent)}
    return pa.table(columns | {name: feature_column(rng, dtype, rows) for name, dtype in view.features})


def entity_rows(rng, case, scale):
    rows = int(case.entities * scale)
    columns = {"row_id": np.arange(rows)}
    for view in case.views:
        columns |= keys_of(rng, view, rows, scale)
    times = START + rng.integers(0, case.views[0].span(scale), rows)
    return pa.table(columns | {"event_timestamp": timestamps(times), "label": rng.integers(0, 2, rows)})


def generate(folder, scale):
    rng = np.random.default_rng(11)
    folder.mkdir(parents=True, exist_ok=True)
    for view in views(CASES):
        pq.write_table(feature_rows(rng, view, scale), folder / f"{view.name}.parquet", compression="snappy")
    for case in CASES.values():
        pq.write_table(entity_rows(rng, case, scale), folder / f"{case.frame}.parquet", compression="snappy")


def generate_bulk(folder, scale):
    rng = np.random.default_rng(11)
    folder.mkdir(parents=True, exist_ok=True)
    case = Case("bulk", (View("bulk", MILLION, PAIR, features("f")),), MILLION, "")
    entities = entity_rows(rng, case, scale)
    for name, table in {"bulk": feature_rows(rng, case.views[0], scale), "bulk_frame": entities, "bulk_one": entities.slice(0, 1)}.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="snappy")
    with pq.ParquetWriter(folder / "bulk_ten_frame.parquet", entities.schema, compression="snappy") as out:
        for _ in range(10):
            out.write_table(entities)


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("--scale", type=float, default=1.0)
    args.add_argument("--bulk", action="store_true")
    options = args.parse_args()
    (generate_bulk if options.bulk else generate)(options.dir, options.scale)
