"""materialize and materialize_incremental into the client's SQLite online store."""

from datetime import datetime, timedelta, timezone

from feast import FeatureService

from checks import equal, test
from rows import at, table
from world import entity


def online(world, refs, **keys) -> dict:
    return world.store.get_online_features(refs, keys).to_dict()


@test
def the_latest_values_go_online(world):
    rows = [(1, at(0), at(0), 1, "a"), (1, at(2), at(2), 2, "b"), (1, at(2), at(1), 9, "z"),
            (2, at(1), at(1), 3, None), (3, at(8), at(8), 4, "d")]
    view = world.view("online", table("driver_id event_timestamp created v word", *rows))
    world.apply(view)
    world.store.materialize(at(0), at(5), feature_views=["online"])
    got = online(world, view.refs(), driver_id=[1, 2, 3])
    equal((got["v"], got["word"]), ([2, 3, None], ["b", None, None]))


@test
def incremental_goes_on_where_it_stopped(world):
    now = datetime.now(timezone.utc)
    days = [now - timedelta(days=days) for days in (3, 2, 1)]
    data = table("driver_id event_timestamp v", *((n, day, n) for n, day in enumerate(days, start=1)))
    view = world.view("incremental", data, ttl=timedelta(days=30))
    world.apply(view)
    world.store.materialize_incremental(days[1] + timedelta(hours=1), feature_views=["incremental"])
    equal(online(world, view.refs(), driver_id=[1, 2, 3])["v"], [1, 2, None])
    world.store.materialize_incremental(now, feature_views=["incremental"])
    equal(online(world, view.refs(), driver_id=[1, 2, 3])["v"], [1, 2, 3])


@test
def a_mapped_view_goes_online(world):
    mapping = {"r": "rate", "id": "driver_id", "ts": "event_timestamp", "made": "created"}
    data = table("driver_id event_timestamp created rate", (1, at(0), at(0), 0.5), (1, at(0), at(1), 0.75))
    source = world.source("online_mapped", data.rename_columns(list("id ts made r".split())), field_mapping=mapping,
                          created_timestamp_column="created")
    view = world.view("online_mapped", data, source=source)
    world.apply(view)
    world.store.materialize(at(0), at(5), feature_views=["online_mapped"])
    equal(online(world, view.refs(), driver_id=[1])["rate"], [0.75])


@test
def a_view_without_entities_goes_online(world):
    view = world.view("online_entityless", table("event_timestamp v", (at(0), 1), (at(2), 2)), keys=())
    world.apply(view)
    world.store.materialize(at(0), at(5), feature_views=["online_entityless"])
    # The online store wants some key, whichever.
    equal(online(world, view.refs(), driver_id=[1])["v"], [2])


@test
def pull_latest_is_used_where_the_client_says_so(world):
    rows = [(1, at(0), 1), (1, at(2), 2), (2, at(1), 3), (2, at(9), 4)]
    view = world.view("online_latest", table("driver_id event_timestamp v", *rows))
    store = world.client(materialization={"pull_latest_features": True})
    store.apply([entity("driver_id"), view.feast])
    store.materialize(at(0), at(5), feature_views=["online_latest"])
    got = store.get_online_features(view.refs(), [{"driver_id": 1}, {"driver_id": 2}]).to_dict()
    equal(got["v"], [2, 3])


@test
def more_rows_than_one_batch_all_go_online(world):
    count = 20_000
    view = world.view("online_many", table("driver_id event_timestamp v", *((n, at(0), n) for n in range(count))))
    world.apply(view, FeatureService(name="online_many_service", features=[view.feast]))
    world.store.materialize(at(0), at(1), feature_views=["online_many"])
    keys = list(range(0, count, 997)) + [count - 1]
    equal(online(world, view.refs(), driver_id=keys)["v"], keys)
