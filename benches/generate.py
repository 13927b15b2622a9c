"""Writes the benchmark data of one case: feature logs, an entity frame, and the repository that joins them.

usage: generate.py CASE DIR [--scale X]

CASE    features (rows x columns)        entity rows
sparse  20M x 3, 1M int64 keys           1M over 200k of the keys
dense   20M x 3, 10k int64 keys          1M over all of them
string  20M x 3, 1M string keys          1M over 200k of the keys
pair    20M x 3, 1000 x 1000 int64 keys  1M over 200k pairs
wide    10 views of 20k x 100, 2k string keys    17k over all of them
nokey   200k hourly rows x 3, no key     10k
ties    as dense, but with event times that are whole days, so that `created` decides
--scale multiplies the numbers of rows, not those of keys. Feature logs are in the order of time, as ingestion appends them.
"""
import argparse
import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cases import CASES, TTL_DAYS, YEAR, HOUR, START

DTYPES = ("Float32", "Float64", "Int64")


def timestamps(micros):
    return pa.array(micros, pa.timestamp("us", "UTC"))


def key_columns(case, ids):
    if not case.join_keys:
        return {}
    if case.strings:
        return {"driver_id": pa.array(np.char.add("driver-", ids.astype(str)))}
    if len(case.join_keys) == 2:
        return {"driver_id": ids // 1000, "zone_id": ids % 1000}
    return {"driver_id": ids}


def feature_column(rng, number, rows):
    match DTYPES[number % 3]:
        case "Float32":
            return rng.random(rows, dtype=np.float32)
        case "Float64":
            return rng.random(rows)
        case _:
            return rng.integers(0, 1000, rows)


def feature_log(rng, case, rows):
    if case.join_keys:
        times = np.sort(rng.integers(0, YEAR, rows)) // case.tick * case.tick + START
    else:
        times = START + YEAR - HOUR * np.arange(rows, 0, -1)
    created = times + rng.integers(0, HOUR, rows)
    columns = key_columns(case, rng.integers(0, case.keys, rows))
    columns |= {"event_timestamp": timestamps(times), "created": timestamps(created)}
    return pa.table(columns | {f"f{i}": feature_column(rng, i, rows) for i in range(case.columns)})


def entity_frame(rng, case, rows):
    chosen = rng.choice(case.keys, case.entity_keys, replace=False)
    columns = key_columns(case, chosen[rng.integers(0, len(chosen), rows)])
    columns |= {"event_timestamp": timestamps(rng.integers(0, YEAR, rows) + START)}
    return pa.table(columns | {"label": rng.integers(0, 2, rows, dtype=np.int32)})


FEATURE_STORE = """project: bench
registry: registry.db
provider: local
offline_store:
  type: file
"""


def features_yaml(case):
    lines = ["entities:"] if case.join_keys else []
    kind = "String" if case.strings else "Int64"
    lines += [f"  - {{name: {key}, value_type: {kind}}}" for key in case.join_keys]
    lines += ["feature_views:"]
    for view in range(case.views):
        lines += [f"  - name: view{view}", f"    entities: [{', '.join(case.join_keys)}]", f"    ttl: {TTL_DAYS}d",
                  "    source:", "      type: file", f"      path: features{view}.parquet",
                  "      timestamp_field: event_timestamp", "      created_timestamp_column: created", "    schema:"]
        lines += [f"      - {{name: f{i}, dtype: {DTYPES[i % 3]}}}" for i in range(case.columns)]
    return "\n".join(lines) + "\n"


def generate(name, folder, scale):
    case, rng = CASES[name], np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    for view in range(case.views):
        pq.write_table(feature_log(rng, case, int(case.features * scale)), folder / f"features{view}.parquet",
                       row_group_size=1 << 20, compression="snappy")
    pq.write_table(entity_frame(rng, case, int(case.entities * scale)), folder / "entities.parquet", compression="snappy")
    (folder / "feature_store.yaml").write_text(FEATURE_STORE)
    (folder / "features.yaml").write_text(features_yaml(case))


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("case", choices=CASES)
    args.add_argument("dir", type=pathlib.Path)
    args.add_argument("--scale", type=float, default=1.0)
    options = args.parse_args()
    generate(options.case, options.dir, options.scale)
