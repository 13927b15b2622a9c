"""Measures `hybrid write` and `hybrid all` beside the vendor's own client on the same emulator: interleaved, the best of three.

usage: bench.py ENGINE [--small | --require]

A million rows in and a million out, and the memory of ten million out. hybrid's time is that of the whole process, a client's that
of its calls; both end in the same Parquet. Every run is checked: what a table holds afterwards, what is in the file. --small takes a
hundredth of the rows and compares nothing. --require fails where hybrid is slower than a client, or takes more memory than LIMIT.
"""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "sqlbench"))

import repo  # noqa: E402
import stores  # noqa: E402
from bulk import LIMIT, hybrid, main, measure, pull  # noqa: E402
from cases import MILLION, PAIR, View, features  # noqa: E402
from process import data, python  # noqa: E402

# Ways in and out by engine: what they are called, and the function of on_ENGINE.py.
IN = {
    "bigquery": {"google-cloud-bigquery, load_table_from_file": "load_table_from_file"},
    "snowflake": {"snowflake-connector-python, write_pandas": "write_pandas",
                  "snowflake-connector-python, PUT and COPY of the file": "put_and_copy"},
    "redshift": {"boto3, put_object and COPY": "copy"},
}
OUT = {
    "bigquery": {"google-cloud-bigquery, to_arrow": "to_arrow", "google-cloud-bigquery, to_arrow_iterable": "to_arrow_iterable"},
    "snowflake": {"snowflake-connector-python, fetch_arrow_all": "fetch_arrow_all",
                  "snowflake-connector-python, fetch_arrow_batches": "fetch_arrow_batches"},
    "redshift": {"boto3, UNLOAD and pyarrow": "unload"},
}
# Not asked to be slower: the rows stay as they are in the file, and none is looked at.
ASIDE = ("put_and_copy",)
# Snowflake's emulator gives a result in one message, however large.
IN_PARTS = ("bigquery", "redshift")


def step(engine, *arguments):
    output, _, memory = python(HERE / "step.py", engine, *arguments)
    return [float(number) for number in output.split()], memory


def client(engine, *arguments):
    (seconds,), memory = step(engine, *arguments)
    return seconds, memory


def sums(file):
    return [int(number) for number in python(HERE / "sums.py", file)[0].split()]


def times(sums, factor):
    return [rows * factor % (1 << 64) for rows in sums]


def expect(wanted, found, what):
    if wanted != found:
        raise SystemExit(f"{what}: {found}, expected {wanted}")


def then(call, check):
    """The call, which is measured, and its check, which is not."""
    def both():
        measured = call()
        check()
        return measured
    return both


def tables(engine, file):
    """Makes them, and says which there are."""
    step(engine, "empty", "bulk")
    step(engine, "load", "bulk_full", file)
    if engine not in IN_PARTS:
        return ("bulk", "bulk_full")
    step(engine, "times_ten", "bulk_ten", "bulk_full")
    return ("bulk", "bulk_full", "bulk_ten")


def repository(folder, engine, names, settings):
    folder.mkdir()
    repo.write(engine, folder, [View(name, MILLION, PAIR, features("f")) for name in names], settings)
    hybrid("apply", "--repo", folder)
    return folder


def rows_in(engine, folder, file, wanted):
    ways = {"hybrid write": lambda: hybrid("write", "bulk", file, "--repo", folder)}
    ways |= {who: lambda way=way: client(engine, way, "bulk", file) for who, way in IN[engine].items()}

    def check():
        expect(wanted[:2], step(engine, "held", "bulk")[0], "the table")
    return measure({who: then(call, check) for who, call in ways.items()}, lambda: step(engine, "empty", "bulk"))


def rows_out(engine, folder, clients, wanted):
    out = folder / "out.parquet"
    ways = {"hybrid all": lambda: pull(folder, "bulk_full")}
    ways |= {who: lambda way=way: client(engine, way, "bulk_full", out) for who, way in clients.items()}

    def check():
        expect(wanted, sums(out), "the file")
    return measure({who: then(call, check) for who, call in ways.items()}, lambda: out.unlink(missing_ok=True))


def ten_times(folder, wanted):
    measured = pull(folder, "bulk_ten")
    expect(times(wanted, 10), sums(folder / "out.parquet"), "the file")
    return {"hybrid all": (*measured, "")}


def bench(engine, scale, here):
    """Best runs, by what was done and by whom, hybrid first."""
    file = data(scale, bulk=True) / "bulk.parquet"
    wanted, names = sums(file), tables(engine, file)
    folder = repository(here / "repo", engine, names, getattr(stores, engine)(os.environ))
    found = {"rows in": rows_in(engine, folder, file, wanted), "rows out": rows_out(engine, folder, OUT[engine], wanted)}
    if engine == "redshift":
        direct = repository(here / "connection", engine, names, stores.redshift_connection(os.environ))
        found["rows out over a connection"] = rows_out(engine, direct, {"psycopg, fetchmany": "fetchmany"}, wanted)
    if engine in IN_PARTS:
        found["ten times the rows out"] = ten_times(folder, wanted)
    return found


def broken(engine, found):
    """Where hybrid is slower, or not within its memory."""
    problems = []
    for what, by in found.items():
        seconds, memory, _ = next(iter(by.values()))
        aside = {who for who, way in IN[engine].items() if way in ASIDE}
        problems += [f"{what}: {who} is faster" for who, (theirs, _, _) in by.items() if theirs < seconds and who not in aside]
        problems += [f"{what}: {memory:.0f} MiB are more than {LIMIT}"] if memory > LIMIT else []
    return problems


if __name__ == "__main__":
    sys.exit(0 if main(__doc__, IN, bench, broken) else 1)
