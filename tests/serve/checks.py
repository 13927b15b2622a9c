"""Collects the tests, runs them against one server, prints cargo's lines; and what tests assert with."""

import math
import os
import sys
import tempfile
import threading
import time
import traceback
from contextlib import contextmanager

import pyarrow as pa

from server import Server

TESTS = []
SECONDS_PER_TEST = 60
SLOW = 5


def test(function):
    TESTS.append(function)
    return function


def slow(function):
    """Allows a test several times as long."""
    function.patience = SLOW
    return function


def name_of(function) -> str:
    return f"{function.__module__.removeprefix('test_')}::{function.__name__}"


class Tally:
    def __init__(self):
        self.passed, self.failed, self.start = 0, 0, time.monotonic()

    def run(self, function, world, suffix: str) -> None:
        before = time.monotonic()
        with captured() as output, watched(SECONDS_PER_TEST * getattr(function, "patience", 1)):
            problem = outcome(function, world)
        took = time.monotonic() - before
        print(f"test {name_of(function)} {suffix} ... {'FAILED' if problem else 'ok'} ({took:.1f} s)", flush=True)
        if problem:
            self.failed += 1
            print(f"{output.text()}{problem}\n", flush=True)
        else:
            self.passed += 1

    def summary(self) -> str:
        word = "FAILED" if self.failed else "ok"
        took = time.monotonic() - self.start
        return (f"test result: {word}. {self.passed} passed; {self.failed} failed; 0 ignored; 0 measured; "
                f"0 filtered out; finished in {took:.2f}s")


def outcome(function, world) -> str | None:
    try:
        world.ensure_running()
        function(world)
        assert world.server.running(), f"the server ended:\n{world.server.output()[-3000:]}"
    except BaseException as error:  # a cancelled Flight call arrives as KeyboardInterrupt
        if isinstance(error, (SystemExit, GeneratorExit)):
            raise
        return traceback.format_exc()


@contextmanager
def watched(seconds: int):
    """Ends all servers when a test hangs, so that the client's call fails and the run goes on."""
    timer = threading.Timer(seconds, lambda: [started.stop() for started in list(Server.running_now)])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Captured:
    def __init__(self, file):
        self.file = file

    def text(self) -> str:
        self.file.seek(0)
        return self.file.read().decode(errors="replace")[-4000:]


@contextmanager
def captured():
    """Takes what Feast, tqdm and Arrow's C++ print, which is shown for failures only."""
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        saved = [os.dup(1), os.dup(2)]
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            kept = tempfile.TemporaryFile()
            yield Captured(kept)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, copy in enumerate(saved, start=1):
                os.dup2(copy, number)
                os.close(copy)
            file.seek(0)
            kept.write(file.read())


def equal(got, want, what: str = "value") -> None:
    assert got == want, f"{what}: {short(got)}, not {short(want)}"


def plain(value):
    """NaN is compared as no value: pandas frames cannot tell them apart."""
    return None if isinstance(value, float) and math.isnan(value) else value


def equal_rows(got: list[dict], want: list[dict]) -> None:
    equal(len(got), len(want), "rows")
    for number, (have, need) in enumerate(zip(got, want)):
        have = {name: plain(value) for name, value in have.items()}
        need = {name: plain(value) for name, value in need.items()}
        assert have == need, f"row {number}: {short(have)}\n        not {short(need)}"


def short(value) -> str:
    text = repr(value)
    return text if len(text) < 2000 else f"{text[:2000]}…"


def same_set(got: list[dict], want: list[dict]) -> None:
    """For results without a promised order."""
    def sortable(row):
        return [(name, str(type(plain(row[name]))), str(plain(row[name]))) for name in sorted(row)]

    equal_rows(sorted(got, key=sortable), sorted(want, key=sortable))


def types(table: pa.Table, **want) -> None:
    for name, kind in want.items():
        assert table.schema.field(name).type == kind, f"{name} is {table.schema.field(name).type}, not {kind}"


class Raised:
    error: BaseException


@contextmanager
def fails(kind, *words: str):
    """The block raises `kind`, and the message has all `words`."""
    raised = Raised()
    try:
        yield raised
    except kind as error:
        for word in words:
            assert word.lower() in str(error).lower(), f"{word!r} is not in {type(error).__name__}: {error}"
        raised.error = error
        return
    except Exception as error:
        raise AssertionError(f"{type(error).__module__}.{type(error).__name__} instead of {kind}: {error}") from error
    raise AssertionError(f"no error, {kind} was expected")
