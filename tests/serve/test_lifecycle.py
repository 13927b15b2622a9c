"""Starting and stopping the command."""

import time

import server
from checks import equal, test
from rows import at, frame, table


@test
def port_zero_takes_a_free_port_and_sigterm_ends_it(world):
    if not world.hybrid:
        return
    own = server.Server(server.hybrid(world.repo.server, 0, world.certificates))
    before = time.monotonic()
    own.start()
    took = time.monotonic() - before
    try:
        scheme, port = own.address()
        equal(scheme, "grpc+tls" if world.certificates else "grpc")
        assert port > 0 and took < 1, (port, took)
        view = world.view("own_port", table("driver_id event_timestamp v", (1, at(0), 1)))
        world.apply(view)
        store = world.client(remote={"port": port})
        got = world.ask(frame("driver_id event_timestamp", (1, at(1))), view.refs(), store)
        equal(got.column("v").to_pylist(), [1])
    finally:
        code = own.stop()
    equal(code, 0, "exit code")


@test
def the_host_name_of_the_certificate_is_good_too(world):
    view = world.view("by_name", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    store = world.client(remote={"host": "localhost"})
    got = world.ask(frame("driver_id event_timestamp", (1, at(1))), view.refs(), store)
    equal(got.column("v").to_pylist(), [1])


@test
def a_client_that_does_not_trust_the_certificate_gets_nothing(world):
    if not world.certificates:
        return
    view = world.view("distrust", table("driver_id event_timestamp v", (1, at(0), 1)))
    world.apply(view)
    for settings in ({"cert": ""}, {"scheme": "http", "cert": ""}):
        store = world.client(remote={"connection_retries": 0, **settings})
        try:
            world.ask(frame("driver_id event_timestamp", (1, at(1))), view.refs(), store)
        except Exception:
            continue
        raise AssertionError(f"served with {settings}")
