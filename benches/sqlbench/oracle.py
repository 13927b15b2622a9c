"""Compares a retrieval's output with the answer, found by sorting: prints rows, rows with a value, rows that differ.

usage: oracle.py DIR CASE OUT [--any-order]

A row differs where any of its columns does, or where it is not there exactly once. --any-order finds an entity row by its
`row_id` and not by its place, and looks at the features alone.
"""
import argparse
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cases import CASES, DAY, START


def micros(column):
    return np.asarray(pc.cast(pc.cast(column, pa.timestamp("us", "UTC")), pa.int64()).fill_null(np.iinfo(np.int64).min))


def key_codes(view, *tables):
    """One number for each row's keys, the same for equal keys, as small as can be: a time stands beside it in 64 bits."""
    codes = np.zeros(sum(table.num_rows for table in tables), np.int64)
    for key, values in view.keys.items():
        codes = codes * values + np.concatenate([table[key].to_numpy() for table in tables])
    dense = np.unique(codes, return_inverse=True)[1]
    return np.split(dense, np.cumsum([table.num_rows for table in tables])[:-1])


def winners(view, features, entities):
    """The place of each entity row's winner among the features, or -1."""
    feature_key, entity_key = key_codes(view, features, entities)
    feature_time, entity_time = micros(features["event_timestamp"]), micros(entities["event_timestamp"])
    # No created sorts before any: it loses to all and wins alone.
    order = np.lexsort((micros(features["created"]), feature_time, feature_key))
    shift = int(max(feature_time.max(), entity_time.max()) - START).bit_length()
    if int(max(feature_key.max(), entity_key.max())).bit_length() + shift > 63:
        raise SystemExit("too many keys for the time beside them")
    sought = (feature_key[order] << shift) + (feature_time[order] - START)
    at = np.searchsorted(sought, (entity_key << shift) + (entity_time - START), side="right") - 1
    found = order[np.maximum(at, 0)]
    hit = (at >= 0) & (feature_key[found] == entity_key)
    if view.ttl_days:
        hit &= feature_time[found] >= entity_time - view.ttl_days * DAY
    return np.where(hit, found, -1)


def answer(folder, case):
    """The entity rows with the features beside them."""
    entities = pq.read_table(folder / f"{case.frame}.parquet")
    for view in case.views:
        features = pq.read_table(folder / f"{view.name}.parquet")
        found = winners(view, features, entities)
        places = pa.array(found, mask=found < 0)
        for name, _ in view.features:
            entities = entities.append_column(name, features[name].take(places))
    return entities


def unequal(want, got):
    """Where two columns differ; NULL equals NULL alone."""
    want, got = want.combine_chunks(), got.combine_chunks()
    if pa.types.is_timestamp(want.type):
        want, got = pa.array(micros(want)), pa.array(micros(got))
    got = got.cast(want.type)
    differ = pc.not_equal(want, got).fill_null(False)
    return np.asarray(pc.or_(differ, pc.xor(pc.is_null(want), pc.is_null(got))))


def differences(want, got):
    if got.num_rows != want.num_rows:
        raise SystemExit(f"{got.num_rows} rows, expected {want.num_rows}")
    if got.column_names != want.column_names:
        raise SystemExit(f"columns {got.column_names}, expected {want.column_names}")
    return np.logical_or.reduce([unequal(want[name], got[name]) for name in want.column_names])


def differences_in_any_order(want, got, features):
    row_id = got["row_id"].cast(pa.int64()).to_numpy()
    times = np.bincount(row_id, minlength=want.num_rows)
    found, first = np.unique(row_id, return_index=True)
    wrong = times != 1
    for name in features:
        wrong[found] |= unequal(want[name].take(pa.array(found)), got[name].take(pa.array(first)))
    return wrong


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("case", choices=CASES)
    args.add_argument("out", type=pathlib.Path)
    args.add_argument("--any-order", action="store_true")
    o = args.parse_args()
    case = CASES[o.case]
    want, got = answer(o.dir, case), pq.read_table(o.out)
    wrong = differences_in_any_order(want, got, case.features) if o.any_order else differences(want, got)
    print(want.num_rows, want.num_rows - want[case.features[0]].null_count, int(wrong.sum()))
