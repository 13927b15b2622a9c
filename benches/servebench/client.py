"""One retrieval through Feast's client: prints the seconds it took, rows, and rows with a value.

usage: client.py REPO ENTITIES
"""
import sys
import time

import pyarrow.parquet as pq
from feast import FeatureStore

FEATURES = [f"view0:f{number}" for number in range(3)]


def main(repo, entities):
    store, frame = FeatureStore(repo), pq.read_table(entities).to_pandas()
    began = time.perf_counter()
    table = store.get_historical_features(entity_df=frame, features=FEATURES).to_arrow()
    seconds = time.perf_counter() - began
    print(seconds, table.num_rows, table.num_rows - table.column("f0").null_count)


if __name__ == "__main__":
    main(*sys.argv[1:])
