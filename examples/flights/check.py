"""Compares what hybrid wrote with pandas' merge_asof, row by row.

usage: check.py RESULT [--filter-by-created]
"""
import argparse

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

import data

EXPECTED_ROWS, EXPECTED_TEMPS, EXPECTED_TEMP_SUM = 336_776, 335_300, 19_110_652.9


def as_of(frame, features, key, columns, tolerance=None):
    """The columns of the latest row of `features` at or before each row of `frame`, in the frame's order."""
    left = frame[[key, "event_timestamp"]].reset_index(names="row")
    left = left[left[key].notna()].sort_values("event_timestamp", kind="stable")
    right = features.sort_values("event_timestamp", kind="stable")
    joined = pd.merge_asof(left, right, on="event_timestamp", by=key, tolerance=tolerance)
    return joined.set_index("row")[columns].reindex(frame.index)


def latest_created(features):
    order = features.sort_values(["event_timestamp", "created"], kind="stable")
    return order.drop_duplicates(["origin", "event_timestamp"], keep="last")


def utc(times):
    return times.dt.tz_localize(None).to_numpy()


def known_days(frame, days):
    """airport_day under filter_by_created: candidates must also be created by then. A brute-force oracle by airport."""
    days = days.sort_values(["event_timestamp", "created"], kind="stable")
    found = pd.DataFrame(index=frame.index, columns=data.AIRPORT_DAY, dtype="float64")
    for origin, rows in frame.groupby("origin"):
        here = days[days.origin == origin]
        at, ts, created = utc(rows.event_timestamp)[:, None], utc(here.event_timestamp), utc(here.created)
        candidate = (ts <= at) & (ts >= at - np.timedelta64(7, "D")) & (created <= at)
        last = len(here) - 1 - candidate[:, ::-1].argmax(axis=1)
        values = here[data.AIRPORT_DAY].to_numpy(dtype="float64")[last]
        found.loc[rows.index] = np.where(candidate.any(axis=1)[:, None], values, np.nan)
    return found


def expected(frame, filter_by_created):
    days = data.airport_days()
    airport = known_days(frame, days) if filter_by_created else as_of(
        frame, latest_created(days), "origin", data.AIRPORT_DAY, pd.Timedelta("7D"))
    return pd.concat([as_of(frame, data.weather_hours(), "origin", data.WEATHER, pd.Timedelta("1h")),
                      as_of(frame, data.plane_table(), "tailnum", data.PLANES), airport], axis=1)


def differences(got, want):
    """In how many rows each column of `want` differs from `got`; a missing value equals a missing value."""
    count = {}
    for column in want:
        there, here = got[column].isna().to_numpy(), want[column].isna().to_numpy()
        if pd.api.types.is_numeric_dtype(want[column]):
            equal = got[column].to_numpy("float64", na_value=0) == want[column].to_numpy("float64", na_value=0)
        else:
            equal = (got[column] == want[column]).to_numpy()
        count[column] = int((~((there & here) | (~there & ~here & equal))).sum())
    return {column: rows for column, rows in count.items() if rows}


def main(result, filter_by_created):
    got, frame = pq.read_table(result).to_pandas(), data.entity_frame()
    features = expected(frame, filter_by_created)
    want = pd.concat([frame, features], axis=1)
    assert list(got.columns) == list(want.columns), f"columns {list(got.columns)}, expected {list(want.columns)}"
    assert len(got) == len(want) == EXPECTED_ROWS, f"{len(got)} rows, expected {EXPECTED_ROWS}"
    wrong = differences(got, want)
    assert not wrong, f"rows that differ, by column: {wrong}"
    temps, total = int(got.temp.notna().sum()), float(got.temp.sum())
    assert (temps, round(total, 1)) == (EXPECTED_TEMPS, EXPECTED_TEMP_SUM), f"temp: {temps} values, sum {total}"
    print(f"{len(got)} rows in the frame's order, 0 differences; temp in {temps} of them, sum {total:.1f}")
    print("rows with a value: " + ", ".join(f"{name} {int(got[name].notna().sum())}" for name in features))


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("result")
    args.add_argument("--filter-by-created", action="store_true")
    options = args.parse_args()
    main(options.result, options.filter_by_created)
