"""Many clients at once, for a while: prints a line of seconds for each call, and `error …` for each that failed.

usage: crowd.py REPO ENTITIES THREADS SECONDS
"""
import sys
import threading
import time

import pyarrow.parquet as pq
from feast import FeatureStore

from client import FEATURES

ROWS = 1000


def client(repo, frame, deadline, lines):
    store = FeatureStore(repo)
    while time.monotonic() < deadline:
        began = time.perf_counter()
        try:
            table = store.get_historical_features(entity_df=frame, features=FEATURES).to_arrow()
            assert table.num_rows == ROWS, f"{table.num_rows} rows"
            lines.append(f"{time.perf_counter() - began}")
        except Exception as error:  # what failed is what is counted
            lines.append(f"error {type(error).__name__}: {str(error)[:200]!r}")


def main(repo, entities, threads, seconds):
    frame = pq.read_table(entities).slice(0, ROWS).to_pandas()
    deadline, lines = time.monotonic() + float(seconds), []
    crowd = [threading.Thread(target=client, args=(repo, frame, deadline, lines)) for _ in range(int(threads))]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    print("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
