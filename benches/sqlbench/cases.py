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
LONG, FIRST_LONG = 30, 60
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
    # Whether each key is drawn by itself. Else the first one determines the others, as the keys of one thing mostly do.
    independent: bool = False

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


PAIR = {"driver_id": 100_000, "zone_id": 100}
INDEPENDENT = {"driver_id": 1000, "zone_id": 100}


def pairs(name, keys=PAIR, letter="f", independent=False):
    return View(name, 2 * MILLION, keys, features(letter), independent=independent)


CASES = {case.name: case for case in (
    Case("S1", (pairs("s1"),), 100_000, "sparse: 100k keys"),
    Case("S2", (pairs("s2", {"driver_id": 1000, "zone_id": 10}),), 100_000, "dense: 1,000 keys"),
    Case("S3", (View("s3", 200_000, {}, features("f"), ttl_days=0, hourly=True),), 10_000, "no key"),
    Case("S4", (pairs("s4a"), pairs("s4b", {"customer_id": 100_000}, "g")), 100_000, "two views"),
    Case("S1i", (pairs("s1i", INDEPENDENT, independent=True),), 100_000, "sparse, independent keys"),
    Case("S2i", (pairs("s2i", {"driver_id": 100, "zone_id": 10}, independent=True),), 100_000, "dense, independent keys"),
    Case("S4i", (pairs("s4ai", INDEPENDENT, independent=True), pairs("s4bi", {"customer_id": 100_000}, "g")), 100_000,
         "two views, independent keys"),
)}

# How many times faster than Feast's template; of the others it is only told.
ASKED = {
    "postgres": {"S1": 20, "S2": 8, "S3": 100, "S4": 10},
    "spark": {"S1": 3, "S2": 5, "S3": 30, "S4": 6},
    "trino": {"S1": 3, "S2": 6, "S3": 30, "S4": 3},
}


def views(names):
    return [view for name in names for view in CASES[name].views]


def references(case):
    return [f"{view.name}:{feature}" for view in case.views for feature, _ in view.features]
