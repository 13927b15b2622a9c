"""Saved datasets: persist through the server to a path that nobody registered, and back."""

import pyarrow as pa
from feast import FeatureService, FileSource
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

import oracle
from checks import equal, fails, same_set, test
from rows import at, frame, table


def prepared(world, name: str):
    view = world.view(name, table("driver_id event_timestamp created v", (1, at(0), at(0), 1), (2, at(1), at(1), 2)))
    world.apply(view)
    return view


def asked():
    return frame("driver_id event_timestamp", (2, at(3)), (1, at(1)), (2, at(2)), (9, at(1.5)))


def save(world, name: str, job, path: str, **options):
    return world.store.create_saved_dataset(job, name, SavedDatasetFileStorage(path), **options)


def expected(view, prefix: str = "") -> list[dict]:
    rows = pa.Table.from_pandas(asked()).to_pylist()
    return [row | found for row, found in zip(rows, oracle.join(rows, [view.oracle(prefix=prefix)]))]


@test
def a_path_that_nobody_registered(world):
    view = prepared(world, "saved")
    dataset = save(world, "saved", world.store.get_historical_features(asked(), view.refs()), "data/saved_set.parquet")
    same_set(world.repo.read("data/saved_set.parquet").to_pylist(), expected(view))
    same_set(dataset.to_arrow().to_pylist(), expected(view))
    again = world.store.get_saved_dataset("saved")
    same_set(again.to_arrow().to_pylist(), expected(view))
    equal((oracle.utc(again.min_event_timestamp), oracle.utc(again.max_event_timestamp)), (at(1), at(3)))


@test
def an_absolute_path_and_full_names(world):
    view = prepared(world, "saved_full")
    path = str(world.repo.server / "data" / "saved_full_set.parquet")
    job = world.store.get_historical_features(asked(), view.refs(), full_feature_names=True)
    same_set(save(world, "saved_full", job, path).to_arrow().to_pylist(), expected(view, "saved_full__"))


@test
def a_folder(world):
    view = prepared(world, "saved_folder")
    job = world.store.get_historical_features(asked(), view.refs())
    dataset = save(world, "saved_folder", job, "data/saved_folder_set")
    assert (world.repo.server / "data/saved_folder_set").is_dir()
    same_set(dataset.to_arrow().to_pylist(), expected(view))


@test
def a_registered_destination(world):
    """What Feast's own server needs, goes on working."""
    view = prepared(world, "saved_known")
    storage = SavedDatasetFileStorage("data/saved_known_set.parquet")
    path = storage.file_options.uri
    world.apply(FileSource(name=path, path=path, timestamp_field="event_timestamp"))
    job = world.store.get_historical_features(asked(), view.refs())
    dataset = world.store.create_saved_dataset(job, "saved_known", storage)
    same_set(dataset.to_arrow().to_pylist(), expected(view))


@test
def what_exists_is_overwritten_only_when_asked(world):
    view = prepared(world, "saved_twice")
    path = "data/saved_twice_set.parquet"
    save(world, "saved_twice", world.store.get_historical_features(asked(), view.refs()), path)
    before = world.repo.read(path)
    short = asked().iloc[:1]
    with fails(SavedDatasetLocationAlreadyExists, path):
        save(world, "saved_twice", world.store.get_historical_features(short, view.refs()), path)
    equal(world.repo.read(path), before)
    save(world, "saved_twice", world.store.get_historical_features(short, view.refs()), path, allow_overwrite=True)
    equal(world.repo.read(path).num_rows, 1)


@test
def the_frame_of_an_alias(world):
    view = prepared(world, "saved_alias")
    service = FeatureService(name="saved_alias_service", features=[
        view.feast.with_name("saver").with_join_key_map({"driver_id": "buyer_id"})])
    world.apply(service)
    sales = frame("buyer_id event_timestamp", (1, at(2)), (2, at(2)))
    job = world.store.get_historical_features(sales, service, full_feature_names=True)
    dataset = save(world, "saved_alias", job, "data/saved_alias_set.parquet", feature_service=service)
    equal(sorted(dataset.to_arrow().column("saver__v").to_pylist()), [1, 2])


@test
def a_range_without_a_frame(world):
    view = prepared(world, "saved_range")
    job = world.store.get_historical_features(None, view.refs(), start_date=at(0), end_date=at(5))
    job.persist(SavedDatasetFileStorage("data/saved_range_set.parquet"))
    rows = world.repo.read("data/saved_range_set.parquet").select(["driver_id", "v"]).to_pylist()
    same_set(rows, [{"driver_id": 1, "v": 1}, {"driver_id": 2, "v": 2}])


@test
def a_source_is_never_written_over_by_persisting_a_pull(world):
    """The client's persist of a pull names the pulled source as its destination."""
    view = prepared(world, "saved_pull")
    before = world.repo.read(view.feast.batch_source.path)
    job = world.pull_job("pull_all", view, start=at(1), end=at(9))
    with fails(Exception):
        job.persist(SavedDatasetFileStorage("data/saved_pull_set.parquet"), allow_overwrite=True)
    equal(world.repo.read(view.feast.batch_source.path), before)
