"""The benchmark cases. Imports nothing big: measure.py must stay small, or its children's peak memory counts it."""
from dataclasses import dataclass

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
YEAR = 365 * DAY
START = 1_735_689_600 * SECOND  # 2025-01-01
TTL_DAYS = 30


@dataclass(frozen=True)
class Case:
    features: int
    keys: int
    entities: int
    entity_keys: int
    join_keys: tuple = ("driver_id",)
    strings: bool = False
    columns: int = 3
    views: int = 1
    tick: int = 1


MILLION = 1_000_000
CASES = {
    "sparse": Case(20 * MILLION, MILLION, MILLION, 200_000),
    "dense": Case(20 * MILLION, 10_000, MILLION, 10_000),
    "string": Case(20 * MILLION, MILLION, MILLION, 200_000, strings=True),
    "pair": Case(20 * MILLION, MILLION, MILLION, 200_000, join_keys=("driver_id", "zone_id")),
    "wide": Case(20_000, 2_000, 17_000, 2_000, strings=True, columns=100, views=10),
    "nokey": Case(200_000, 1, 10_000, 1, join_keys=()),
    "ties": Case(20 * MILLION, 10_000, MILLION, 10_000, tick=DAY),
}
