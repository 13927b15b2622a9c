"""A small view and an entity frame that many tests ask it with."""

import pandas as pd

from rows import at, frame, table


def stats(world, name: str, **options):
    rows = [(1, at(0), at(0), 0.1, 10), (1, at(2), at(2), 0.2, 20),
            (2, at(1), at(1), 0.3, 30), (2, at(5), at(5), 0.4, 40)]
    return world.view(name, table("driver_id event_timestamp created rate trips", *rows), **options)


def drivers() -> pd.DataFrame:
    """Not in the order of time. No row that Feast's own server drops, merges or duplicates."""
    rows = [(2, at(4), "a"), (1, at(1), "b"), (1, at(2), "c"), (9, at(9), "d"), (2, at(1.5), "e")]
    return frame("driver_id event_timestamp label", *rows)
