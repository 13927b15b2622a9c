"""The data sets, the tables made of them, and what is asked for. Imports nothing big: whoever starts measured processes imports it."""
from dataclasses import dataclass

HOUR = 3_600_000_000
DAY = 24 * HOUR
YEAR = 365 * DAY
START = 1_735_689_600_000_000  # 2025-01-01
MILLION = 1_000_000

# Between the statements of a text, as in Feast's template for Spark.
END = "---EOS---"

# Seconds after which a contender is stopped; then they count as its time.
LIMIT = 300
# What took so many seconds is not run again; a first run, on a server that has just started, only above the second figure.
LONG, FIRST_LONG = 10, 60
ENGINES = ("postgres", "trino", "spark")


@dataclass(frozen=True)
class View:
    """One table of feature rows, one feature view over it. Event times are random, or one an hour."""
    name: str
    rows: int
    # Key columns, and how many values each has.
    keys: dict
    features: tuple
    ttl_days: int = 30
    hourly: bool = False

    def span(self, scale):
        return int(self.rows * scale) * HOUR if self.hourly else YEAR


@dataclass(frozen=True)
class Case:
    name: str
    views: tuple
    entities: int
    tells: str

    @property
    def keys(self):
        return [key for view in self.views for key in view.keys]

    @property
    def features(self):
        return [name for view in self.views for name, _ in view.features]

    @property
    def columns(self):
        """Of its entity rows."""
        return ["row_id", *self.keys, "event_timestamp", "label"]

    @property
    def frame(self):
        """The file of its entity rows, and their table, for those who get them for free."""
        return f"{self.name.lower()}_frame"


def features(letter):
    return ((f"{letter}0", "Float64"), (f"{letter}1", "Int64"), (f"{letter}2", "Float64"))


PAIR = {"driver_id": 1000, "zone_id": 100}
CASES = {case.name: case for case in (
    Case("S1", (View("s1", 2 * MILLION, PAIR, features("f")),), 100_000, "sparse: 100k keys"),
    Case("S2", (View("s2", 2 * MILLION, {"driver_id": 100, "zone_id": 10}, features("f")),), 100_000, "dense: 1,000 keys"),
    Case("S3", (View("s3", 200_000, {}, features("f"), ttl_days=0, hourly=True),), 10_000, "no key"),
    Case("S4", (View("s4a", 2 * MILLION, PAIR, features("f")), View("s4b", 2 * MILLION, {"customer_id": 100_000}, features("g"))),
         100_000, "two views"),
)}

# How many times faster than Feast's template.
ASKED = {
    "postgres": {"S1": 20, "S2": 8, "S3": 100, "S4": 10},
    "spark": {"S1": 3, "S2": 5, "S3": 30, "S4": 6},
    "trino": {"S1": 3, "S2": 6, "S3": 30, "S4": 3},
}


def views():
    return [view for case in CASES.values() for view in case.views]


def references(case):
    return [f"{view.name}:{feature}" for view in case.views for feature, _ in view.features]
