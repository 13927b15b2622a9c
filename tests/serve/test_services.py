"""Feature services, views under aliases, and mapped names."""

from feast import FeatureService

from checks import test
from rows import at, frame, table
from samples import drivers, stats


@test
def a_feature_service(world):
    view = stats(world, "served")
    service = FeatureService(name="served_service", features=[view.feast[["trips"]]])
    world.apply(view, service)
    world.expect(world.ask(drivers(), service), drivers(), view.oracle("trips"))
    by_name = world.store.get_feature_service("served_service")
    got = world.ask(drivers(), by_name, full_feature_names=True)
    world.expect(got, drivers(), view.oracle("trips", prefix="served__"))


@test
def one_view_under_two_aliases(world):
    view = stats(world, "trip_ends")
    service = FeatureService(name="trip_service", features=[
        view.feast.with_name("origin").with_join_key_map({"driver_id": "origin_id"}),
        view.feast.with_name("destination").with_join_key_map({"driver_id": "destination_id"})[["rate"]]])
    world.apply(view, service)
    rows = [(1, 2, at(3)), (2, 1, at(6)), (2, 2, at(1)), (7, 1, at(0))]
    trips = frame("origin_id destination_id event_timestamp", *rows)
    got = world.ask(trips, service, full_feature_names=True)
    world.expect(got, trips,
                 view.oracle(prefix="origin__", keys={"driver_id": "origin_id"}),
                 view.oracle("rate", prefix="destination__", keys={"driver_id": "destination_id"}))


@test
def an_alias_without_a_join_key_map(world):
    view = stats(world, "renamed")
    service = FeatureService(name="renamed_service", features=[view.feast.with_name("nickname")])
    world.apply(view, service)
    got = world.ask(drivers(), service, full_feature_names=True)
    world.expect(got, drivers(), view.oracle(prefix="nickname__"))


@test
def one_alias_for_two_views_in_two_services(world):
    views = [stats(world, f"namesake_{letter}") for letter in "ab"]
    services = [FeatureService(name=f"{view.name}_service", features=[
        view.feast.with_name("namesake").with_join_key_map({"driver_id": "rider_id"})]) for view in views]
    world.apply(*views, *services)
    rides = frame("rider_id event_timestamp", (1, at(3)), (2, at(6)))
    for view, service in zip(views, services):
        world.expect(world.ask(rides, service), rides, view.oracle(keys={"driver_id": "rider_id"}))


@test
def one_alias_in_two_services(world):
    """The request names the alias only: the columns of the frame tell which service is meant."""
    view = stats(world, "twice")
    services = [FeatureService(name=f"{key}_service", features=[
        view.feast.with_name("rider").with_join_key_map({"driver_id": key})]) for key in ("first_id", "second_id")]
    world.apply(view, *services)
    for key, service in zip(("first_id", "second_id"), services):
        rides = frame(f"{key} event_timestamp", (1, at(3)), (2, at(6)))
        got = world.ask(rides, service)
        world.expect(got, rides, view.oracle(keys={"driver_id": key}))


@test
def field_mapping_of_features_keys_and_times(world):
    mapping = {"r": "rate", "id": "driver_id", "ts": "event_timestamp", "made": "created"}
    rows = [(1, at(0), at(0), 0.1), (1, at(0), at(1), 0.2), (2, at(1), at(1), 0.3)]
    data = table("driver_id event_timestamp created rate", *rows)
    stored = data.rename_columns(["id", "ts", "made", "r"])
    source = world.source("mapped", stored, field_mapping=mapping, created_timestamp_column="created")
    world.check(drivers(), world.view("mapped", data, source=source))


@test
def a_join_key_map_without_an_alias(world):
    """Nothing in the request says that a service is meant: the frame has no column of the view's own key."""
    view = stats(world, "remapped")
    service = FeatureService(name="remapped_service", features=[
        view.feast.with_join_key_map({"driver_id": "owner_id"})])
    world.apply(view, service)
    owners = frame("owner_id event_timestamp", (1, at(3)), (2, at(6)))
    world.expect(world.ask(owners, service), owners, view.oracle(keys={"driver_id": "owner_id"}))
