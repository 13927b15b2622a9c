"""Writes the example's sources and entity frame.

usage: prepare.py DIR
"""
import pathlib
import shutil
import sys

import data


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("feature_store.yaml", "features.yaml"):
        shutil.copyfile(pathlib.Path(__file__).parent / name, folder / name)
    data.weather_hours().to_csv(folder / "weather.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    data.plane_table().to_parquet(folder / "planes.parquet", index=False)
    data.airport_days().to_parquet(folder / "airport_day.parquet", index=False)
    data.entity_frame().to_parquet(folder / "flights.parquet", index=False)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
