"""Tables and entity frames written as rows, and random ones."""

import random
from datetime import datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TYPES = {
    "event_timestamp": pa.timestamp("us", tz="UTC"),
    "created": pa.timestamp("us", tz="UTC"),
    "driver_id": pa.int64(),
}


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def table(columns: str, *rows, **types) -> pa.Table:
    """`table("driver_id event_timestamp x", (1, at(0), 0.5))`; `types` names what cannot be inferred."""
    types = TYPES | types
    names = columns.split()
    values = list(zip(*rows)) or [()] * len(names)
    return pa.table({name: pa.array(column, types.get(name)) for name, column in zip(names, values, strict=True)})


def frame(columns: str, *rows) -> pd.DataFrame:
    """An entity frame. Integers with a None stay integers."""
    made = pd.DataFrame(list(rows), columns=columns.split())
    for name in made:
        present = [row for row in made[name] if not pd.isna(row)]
        if present and all(isinstance(value, (int, float)) and value == int(value) for value in present):
            made[name] = made[name].astype("Int64" if len(present) < len(made) else "int64")
    return made


def random_features(rng: random.Random, count: int, keys: int, hours: int) -> pa.Table:
    """Everything that the rules speak of: NULL keys, times and created; equal times; microseconds. No exact ties."""
    rows, seen = [], set()
    while len(rows) < count:
        key = rng.randrange(keys) if rng.random() > 0.05 else None
        tick = timedelta(microseconds=rng.choice([0, 1, 999_999]))
        ts = None if rng.random() < 0.05 else at(rng.randrange(hours)) + tick
        created = None if rng.random() < 0.1 else at(rng.randrange(hours))
        if (key, ts, created) in seen:
            continue
        seen.add((key, ts, created))
        number = None if rng.random() < 0.1 else rng.randrange(-(2**60), 2**60)
        rows.append((key, ts, created, number, rng.random(), f"s{len(rows)}"))
    return table("driver_id event_timestamp created number share word", *rows, number=pa.int64())


def random_frame(rng: random.Random, count: int, keys: int, hours: int) -> pd.DataFrame:
    rows = [(rng.randrange(keys + 1) if rng.random() > 0.05 else None,
             at(rng.randrange(hours)) + timedelta(microseconds=rng.choice([0, 1])), n) for n in range(count)]
    made = pd.DataFrame(rows, columns=["driver_id", "event_timestamp", "label"])
    made["driver_id"] = made["driver_id"].astype("Int64")
    return made
