"""Applies on-demand feature views over the view `stats` of a registry: views.py FOLDER"""

import sys

import pandas as pd
from feast import FeatureStore, Field, RepoConfig, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Float64, Int64, String

folder = sys.argv[1]
store = FeatureStore(config=RepoConfig(project="p", registry=f"{folder}/registry.db", provider="local"))
stats = store.get_feature_view("stats")
number = RequestSource(name="number", schema=[Field(name="number", dtype=Int64)])
how = RequestSource(name="how", schema=[Field(name="how", dtype=String)])


@on_demand_feature_view(sources=[stats, number], schema=[
    Field(name="sum", dtype=Float64), Field(name="text", dtype=String), Field(name="unused", dtype=Int64)])
def plus(inputs: pd.DataFrame) -> pd.DataFrame:
    made = pd.DataFrame()
    made["text"] = inputs["value"].astype(str)
    made["sum"] = inputs["value"] + inputs["number"]
    made["unused"] = inputs["number"]
    return made


@on_demand_feature_view(sources=[stats], mode="python", schema=[
    Field(name="both", dtype=Array(Float64)), Field(name="same", dtype=Float64)])
def pair(inputs: dict) -> dict:
    values = inputs["stats__value"]
    assert values == inputs["value"]
    return {"both": [[value, value] for value in values], "same": list(values)}


@on_demand_feature_view(sources=[stats, number], mode="python", singleton=True, schema=[
    Field(name="larger", dtype=Float64)])
def one(inputs: dict) -> dict:
    return {"larger": max(inputs["value"] or 0.0, float(inputs["number"]))}


@on_demand_feature_view(sources=[number], mode="python", schema=[Field(name="twice", dtype=Int64)])
def twice(inputs: dict) -> dict:
    return {"twice": [number * 2 for number in inputs["number"]]}


# What the first rows give does not tell what others give.
@on_demand_feature_view(sources=[number], mode="python", schema=[
    Field(name="late", dtype=Float64), Field(name="half", dtype=Float64), Field(name="gone", dtype=Int64)])
def uneven(inputs: dict) -> dict:
    first = inputs["number"][0]
    return {
        "late": [None if first == 0 else number / 2 for number in inputs["number"]],
        "half": [int(number) if first == 0 else number / 2 for number in inputs["number"]],
        "gone": [number if first < 10 else None for number in inputs["number"]],
    }


@on_demand_feature_view(sources=[number], mode="python", schema=[Field(name="mixed", dtype=String)])
def mixed(inputs: dict) -> dict:
    return {"mixed": [number if inputs["number"][0] == 0 else "text" for number in inputs["number"]]}


@on_demand_feature_view(sources=[how], mode="python", schema=[Field(name="done", dtype=String)])
def trouble(inputs: dict) -> dict:
    import os
    import sys
    import threading
    import time

    how = inputs["how"][0]
    if how == "raise":
        raise ValueError("no such thing as ümlaut")
    if how == "print":
        print("some text " * 100_000)
        os.write(1, b"\x00\xff{}" * 100)
        os.system("echo from a child")
        print(sys.stdin.read(), end="")
    if how == "sleep":
        time.sleep(3600)
    if how == "spin":
        os.system("sleep 3600 & echo $!")
        while True:
            pass
    if how == "eat":
        eaten = []
        while True:
            eaten.append(bytearray(1 << 20))
    if how == "exit":
        print("the last words")
        os._exit(3)
    if how == "quit":
        sys.exit("enough")
    if how == "fewer":
        return {"done": []}
    if how == "other":
        return {"else": ["x"]}
    if how == "thread":
        threading.Thread(target=time.sleep, args=(3600,)).start()
    return {"done": [f"{os.getpid()}" for _ in inputs["how"]]}


store.apply([number, how, plus, pair, one, twice, uneven, mixed, trouble])
