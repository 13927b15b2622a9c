"""The point-in-time join in plain Python, one entity row after the other. Knows nothing of Feast, pandas or Arrow."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone


@dataclass
class Features:
    """What one view adds: `columns` of `rows` under their output names, joined by `keys` (join key to frame column)."""

    rows: list[dict]
    columns: dict[str, str]
    keys: dict[str, str] = field(default_factory=lambda: {"driver_id": "driver_id"})
    ttl: timedelta | None = None
    timestamp: str = "event_timestamp"
    created: str | None = "created"


def join(frame: list[dict], views: list[Features], timestamp: str = "event_timestamp") -> list[dict]:
    """One row of features per entity row, in the frame's order."""
    groups = [by_key(view) for view in views]
    return [{output: value
             for view, group in zip(views, groups)
             for output, value in one(row, view, group, utc(row[timestamp])).items()}
            for row in frame]


def by_key(view: Features) -> dict[tuple, list[dict]]:
    groups = {}
    for row in view.rows:
        groups.setdefault(tuple(row[key] for key in view.keys), []).append(row)
    return groups


def one(entity: dict, view: Features, groups: dict, when: datetime) -> dict:
    key = tuple(entity[column] for column in view.keys.values())
    candidates = [] if None in key else groups.get(key, [])
    winner = None
    for row in candidates:
        if usable(row, view, when) and (winner is None or rank(row, view) >= rank(winner, view)):
            winner = row
    return {output: winner and winner[column] for column, output in view.columns.items()}


def usable(row: dict, view: Features, when: datetime) -> bool:
    ts = row[view.timestamp]
    if ts is None or utc(ts) > when:
        return False
    return not view.ttl or utc(ts) >= when - view.ttl


def rank(row: dict, view: Features) -> tuple:
    """Later rows win; a NULL created loses to any other."""
    created = row.get(view.created) if view.created else None
    return utc(row[view.timestamp]), created is not None, utc(created) if created else datetime.min


def latest(rows: list[dict], keys: list[str], start: datetime, end: datetime) -> list[dict]:
    """The winner of each key set inside the window, both ends included."""
    view = Features(rows, {}, {})
    winners = {}
    for row in inside(rows, start, end):
        key = tuple(row[name] for name in keys)
        if key not in winners or rank(row, view) >= rank(winners[key], view):
            winners[key] = row
    return list(winners.values())


def inside(rows: list[dict], start: datetime | None, end: datetime | None) -> list[dict]:
    return [row for row in rows if row["event_timestamp"] is not None
            and (start is None or utc(row["event_timestamp"]) >= start)
            and (end is None or utc(row["event_timestamp"]) <= end)]


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)
