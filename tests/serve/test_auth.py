"""Bearer tokens of a file, and Feast's Permission objects, as the client meets them."""

import os
from contextlib import contextmanager
from pathlib import Path

import pyarrow.flight as fl
import yaml
from feast import FeatureView
from feast.errors import FeastPermissionError
from feast.permissions.action import AuthzedAction
from feast.permissions.permission import Permission
from feast.permissions.policy import RoleBasedPolicy

from checks import equal, fails, test
from rows import at, frame, table

READER, WRITER, OLD = ("r" * 24, "w" * 24, "o" * 24)
TOKENS = [
    {"name": "reader", "token": READER, "roles": ["reads"]},
    {"name": "writer", "token": WRITER, "roles": ["reads", "writes"]},
    {"name": "old", "token": OLD, "roles": ["reads", "writes"], "expires": "2020-01-01T00:00:00Z"},
]


@contextmanager
def guarded(world, name: str):
    """A server of its own that asks for tokens, over the same transport."""
    tokens = world.repo.folder / f"{name}-tokens.yaml"
    tokens.write_text(yaml.safe_dump(TOKENS))
    tokens.chmod(0o600)
    with world.own("--auth-tokens", str(tokens)) as own:
        yield own


def holder(world, token: str | None):
    auth = {"auth": {"type": "oidc", "token": token}} if token else {}
    return world.client(remote={"connection_retries": 0}, **auth)


def asked():
    return frame("driver_id event_timestamp", (1, at(1)))


def prepared(world):
    view = world.view("secret", table("driver_id event_timestamp v", (1, at(0), 7)))
    world.apply(view)
    return view


@test
def who_has_a_token_is_served(world):
    if not world.hybrid:
        return
    with guarded(world, "tokens") as own:
        view = prepared(own)
        for token in (READER, WRITER):
            store = holder(own, token)
            equal(own.ask(asked(), view.refs(), store).column("v").to_pylist(), [7])
            store.write_to_offline_store("secret", frame("driver_id event_timestamp v", (2, at(0), 8)))


@test
def without_a_good_token_nothing_is_read_or_written(world):
    if not world.hybrid:
        return
    with guarded(world, "no_token") as own:
        view = prepared(own)
        before = own.repo.read(view.feast.batch_source.path)
        for token in (None, "x" * 24, OLD, READER[:-1], READER + "r"):
            store = holder(own, token)
            with fails(fl.FlightUnauthenticatedError):
                own.ask(asked(), view.refs(), store)
            with fails(fl.FlightUnauthenticatedError):
                store._get_provider().ingest_df_to_offline_store(view.feast, view.data)
        equal(own.repo.read(view.feast.batch_source.path), before)
        for secret in (READER, WRITER, OLD):
            assert secret not in own.server.output(), "a token in the log"


@test
def a_token_of_the_environment(world):
    if not world.hybrid:
        return
    with guarded(world, "environment") as own:
        view = prepared(own)
        store = own.client(auth={"type": "oidc", "token_env_var": "HYBRID_TEST_TOKEN"})
        os.environ["HYBRID_TEST_TOKEN"] = READER
        try:
            equal(own.ask(asked(), view.refs(), store).column("v").to_pylist(), [7])
        finally:
            del os.environ["HYBRID_TEST_TOKEN"]


@test
def permissions_of_the_registry_are_kept(world):
    if not world.hybrid:
        return
    with guarded(world, "permissions") as own:
        view = prepared(own)
        own.store.apply([
            Permission(name="reading", types=[FeatureView], policy=RoleBasedPolicy(roles=["reads"]),
                       actions=[AuthzedAction.READ_OFFLINE]),
            Permission(name="writing", types=[FeatureView], policy=RoleBasedPolicy(roles=["writes"]),
                       actions=[AuthzedAction.WRITE_OFFLINE])])
        reader, writer = holder(own, READER), holder(own, WRITER)
        path = own.repo.server / view.feast.batch_source.path
        for store in (reader, writer):
            equal(own.ask(asked(), view.refs(), store).column("v").to_pylist(), [7])
        before = Path(path).read_bytes()
        with fails(FeastPermissionError, "secret"):
            reader._get_provider().ingest_df_to_offline_store(view.feast, view.data)
        equal(Path(path).read_bytes(), before)
        writer._get_provider().ingest_df_to_offline_store(view.feast, view.data)
        equal(own.repo.read(view.feast.batch_source.path).num_rows, 2)


@test
def an_unsigned_token_of_feasts_own_servers_is_refused(world):
    """INTRA_COMMUNICATION_BASE64 makes clients send one."""
    if not world.hybrid:
        return
    with guarded(world, "unsigned") as own:
        view = prepared(own)
        store = holder(own, READER)
        os.environ["INTRA_COMMUNICATION_BASE64"] = "cmVhZGVy"
        try:
            with fails(fl.FlightUnauthenticatedError):
                own.ask(asked(), view.refs(), store)
        finally:
            del os.environ["INTRA_COMMUNICATION_BASE64"]
