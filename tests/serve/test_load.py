"""Large frames, and many threads of one client."""

import random
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa

import oracle
from checks import equal, test
from rows import START, at, frame, random_features, random_frame, table


@test
def a_frame_of_several_hundred_thousand_rows(world):
    rng = random.Random(1)
    view = world.view("large", random_features(rng, 20_000, 4000, 500))
    world.apply(view)
    count = 400_000
    asked = pd.DataFrame({
        "driver_id": [rng.randrange(5000) for _ in range(count)],
        "event_timestamp": START + pd.to_timedelta([rng.randrange(600 * 3600) for _ in range(count)], "s"),
        "label": range(count)})
    got = world.ask(asked, view.refs())
    equal(got.num_rows, count)
    # The oracle is slow: every hundredth row, and the place of every row.
    labels = got.column("label").to_pylist()
    if world.hybrid:
        equal(labels, list(range(count)))
    places = {label: place for place, label in enumerate(labels)}
    sample = list(range(0, count, 100))
    entities = pa.Table.from_pandas(asked.iloc[sample], preserve_index=False).to_pylist()
    found = got.take([places[label] for label in sample]).select(view.features).to_pylist()
    equal(found, oracle.join(entities, [view.oracle()]))


@test
def a_wide_frame_with_long_text(world):
    view = world.view("wide", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    text = "\u00fc" * 20_000
    asked = frame("driver_id event_timestamp", *((n % 2, at(1 + n)) for n in range(400)))
    asked = asked.assign(**{f"text{n}": text for n in range(2)})
    got = world.ask(asked, view.refs())
    world.expect(got, asked, view.oracle())


@test
def many_threads_of_one_client(world):
    """Each thread asks with a frame of its own, so that a mixed-up answer shows."""
    views = [world.view(f"threads_{n}", random_features(random.Random(n), 500, 20, 48)) for n in range(4)]
    world.apply(*views)

    def ask(number: int):
        view, asked = views[number % 4], random_frame(random.Random(1000 + number), 200, 20, 60)
        got = world.ask(asked, view.refs())
        world.expect(got, asked, view.oracle())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(96)))


@test
def reads_and_writes_at_once(world):
    """Each read sees whole batches only: all rows of a batch carry one value."""
    view = world.view("mixed", table("driver_id event_timestamp created v", *((n, at(0), at(0), 0) for n in range(50))))
    world.apply(view)
    asked = frame("driver_id event_timestamp", *((n, at(99)) for n in range(50)))

    def write(batch: int):
        rows = ((n, at(batch), at(batch), batch) for n in range(50))
        world.store.write_to_offline_store("mixed", frame("driver_id event_timestamp created v", *rows))

    def read(_):
        values = set(world.ask(asked, view.refs()).column("v").to_pylist())
        assert len(values) == 1, f"half a batch was seen: {values}"

    with ThreadPoolExecutor(5) as pool:
        reads = [pool.submit(read, n) for n in range(40)]
        writes = pool.submit(lambda: [write(batch) for batch in range(1, 9)])
        for done in [*reads, writes]:
            done.result()
    equal(set(world.ask(asked, view.refs()).column("v").to_pylist()), {8})
