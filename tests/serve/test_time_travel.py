"""Which row of a view counts: ttl, created times, backfills, and all of it at random."""

import random
from datetime import timedelta

from checks import test
from rows import at, frame, random_features, random_frame, table


@test
def no_ttl_and_a_ttl_of_zero_know_no_oldest_row(world):
    data = table("driver_id event_timestamp v", (1, at(-24 * 4000), 1))
    for name, ttl in (("ttl_none", None), ("ttl_zero", timedelta(0))):
        world.check(frame("driver_id event_timestamp", (1, at(0))), world.view(name, data, ttl=ttl))


@test
def both_ends_of_the_ttl_are_inside(world):
    tick = timedelta(microseconds=1)
    view = world.view("ends", table("driver_id event_timestamp v", (1, at(0), 1)), ttl=timedelta(hours=2))
    times = (at(0) - tick, at(0), at(0) + tick, at(2), at(2) + tick)
    world.check(frame("driver_id event_timestamp", *((1, when) for when in times)), view)


@test
def backfills_win_by_their_created_time(world):
    """The same event written again later, and an older event that arrived late."""
    rows = [(1, at(1), at(1), 1), (1, at(1), at(9), 2), (1, at(0), at(50), 3), (1, at(3), at(3), 4),
            (2, at(1), at(7), 5), (2, at(1), at(2), 6)]
    view = world.view("backfill", table("driver_id event_timestamp created v", *rows))
    world.check(frame("driver_id event_timestamp", (1, at(2)), (1, at(0.5)), (1, at(5)), (2, at(1))), view)


@test
def a_row_written_today_about_last_year_travels_back(world):
    view = world.view("travel", table("driver_id event_timestamp created v", (1, at(-8760), at(8760), 7)))
    world.check(frame("driver_id event_timestamp", (1, at(-8759)), (1, at(-8761))), view)


@test
def random_data(world):
    for seed in range(5):
        rng = random.Random(seed)
        ttl = [None, timedelta(hours=7), timedelta(microseconds=1)][seed % 3]
        views = [world.view(f"random_{seed}_{letter}", random_features(rng, 400, 9, 48), ttl=ttl) for letter in "ab"]
        asked = random_frame(rng, 300, 9, 60)
        world.apply(*views)
        refs = [ref for view in views for ref in view.refs()]
        got = world.ask(asked, refs, full_feature_names=True)
        try:
            world.expect(got, asked, *(view.oracle(prefix=f"{view.name}__") for view in views))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
