"""Measures `hybrid write`, `hybrid all` and the way of entity rows beside the engine's own client: interleaved, the best of five.

usage: bulk.py ENGINE [--small | --require]

A million rows in and a million out, and the memory of ten million out, without and with as many entity rows. hybrid's and psql's times are those of whole processes, a
Python client's that of its calls. --small takes a hundredth of the rows and compares nothing. --require fails where hybrid is
slower than a client by more than NOISE, or takes more memory than LIMIT.
"""
import argparse
import os
import pathlib
import re
import sys
import tempfile

import repo
from cases import ENGINES, MILLION, PAIR, View, features
from process import data, python, run

ROUNDS = 5
LONG = 60
# MiB, for ten times the rows.
LIMIT = 300
# What is no difference: the same client's best differs by as much from run to run.
NOISE = 0.95
# Only told: it asks what somebody else has found out to be the best, and neither reads nor writes Parquet.
SAME = "psql, the same statements, binary"
TABLES = ("bulk", "bulk_full", "bulk_few", "bulk_ten")


def psql(*commands):
    environment = {"PGPASSWORD": os.environ["HYBRID_POSTGRES_PASSWORD"], "PGSSLMODE": "disable"}
    words = [f"{os.environ['HYBRID_POSTGRES_BIN']}/psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1"]
    words += [f"--{option}={os.environ[f'HYBRID_POSTGRES_{variable}']}" for option, variable in
              (("host", "HOST"), ("port", "PORT"), ("username", "USER"), ("dbname", "DATABASE"))]
    return run(["env", *(f"{key}={value}" for key, value in environment.items()), *words, *(word for command in commands for word in ("-c", command))])[1:]


def client(engine, folder, step):
    output, _, memory = python("bulk_step.py", engine, folder, step)
    seconds, factor = map(float, output.split()[-2:])
    return seconds, memory, f" (fewer rows, times {factor:.0f})" if factor > 1 else ""


def own_clients(engine, folder, here):
    """The engine's own ways in and out, by what they do and who they are."""
    if engine == "postgres":
        ways = {"write": {f"psql \\copy FROM {kind}": lambda kind=kind: psql(f"\\copy bulk from '{folder}/bulk_full.{kind}' (format {kind})")
                          for kind in ("csv", "binary")},
                "read": {f"psql \\copy TO {kind}": lambda kind=kind: psql(f"\\copy bulk_full to '{here}/out.{kind}' (format {kind})")
                         for kind in ("csv", "binary")}}
        return ways
    names = {"trino": ("Trino Python client, INSERT VALUES", "Trino Python client, fetchall"),
             "spark": ("PySpark Connect, createDataFrame and insertInto", "PySpark Connect, toArrow and write_table")}[engine]
    return {"write": {names[0]: lambda: client(engine, folder, "up")}, "read": {names[1]: lambda: client(engine, folder, "down")}}


def told(*arguments):
    """Its output, seconds and memory."""
    return run(["hybrid", *arguments])


def hybrid(*arguments):
    return told(*arguments)[1:]


def pull(here, view):
    return hybrid("all", view, "--repo", here, "-o", here / "out.parquet")


def asked(folder, here, frame):
    return "--repo", here, "--entities", folder / f"{frame}.parquet", "--features", "bulk_few:f0,bulk_few:f1,bulk_few:f2"


def retrieve(folder, here, frame):
    return hybrid("historical", *asked(folder, here, frame), "-o", here / "out.parquet")


def by_psql(folder, here):
    """The same statements as hybrid's through psql: a temporary table, its rows, the query."""
    text = told("explain", *asked(folder, here, "bulk_frame"))[0]
    text = text[text.index("\nWITH "):].strip().split("\n\n")[0]
    query = re.sub(r'pg_temp\."hybrid_\w+"', "frame", " ".join(text.split()))
    columns = '"__hybrid_row" bigint, "__hybrid_time" timestamptz, driver_id bigint, zone_id bigint'
    return lambda: psql("set jit = off; set enable_mergejoin = off; set timezone = 'UTC'", f"create temporary table frame ({columns})",
                        f"\\copy frame from '{folder}/bulk_frame.binary' (format binary)", "analyze frame",
                        f"\\copy ({query}) to '{here}/out.binary' (format binary)")


def entity_rows(engine, folder, here):
    """Entity rows up, features down, by whom: what a million take more than one, where the client cannot do the same."""
    if engine == "postgres":
        return {"hybrid historical": lambda: retrieve(folder, here, "bulk_frame"), SAME: by_psql(folder, here)}

    def difference():
        (one, _), (many, memory) = retrieve(folder, here, "bulk_one"), retrieve(folder, here, "bulk_frame")
        return many - one, memory
    return {"hybrid historical, less that of one row": difference}


def measure(contenders, before):
    """Best seconds, highest memory and the note, by contender."""
    runs = {who: [] for who in contenders}
    for _ in range(ROUNDS):
        for who, call in contenders.items():
            if not runs[who] or runs[who][-1][0] < LONG:
                before()
                runs[who].append((*call(), "")[:3])
                print(f"{who}: {runs[who][-1][0]:.2f} s", file=sys.stderr, flush=True)
    return {who: (min(run[0] for run in of), max(run[1] for run in of), of[0][2]) for who, of in runs.items()}


def bench(engine, scale, here):
    """Best runs, by what was done and by whom, hybrid first."""
    folder = data(scale, bulk=True)
    python("bulk_step.py", engine, folder, "prepare")
    repo.write(engine, here, [View(name, MILLION, PAIR, features("f")) for name in TABLES])
    python("bulk_step.py", engine, folder, "empty")
    hybrid("apply", "--repo", here)
    clients = own_clients(engine, folder, here)
    write = {"hybrid write": lambda: hybrid("write", "bulk", folder / "bulk.parquet", "--repo", here)} | clients["write"]
    found = {"rows in": measure(write, lambda: python("bulk_step.py", engine, folder, "empty")),
             "rows out": measure({"hybrid all": lambda: pull(here, "bulk_full")} | clients["read"], lambda: None),
             "entity rows in, result out": measure(entity_rows(engine, folder, here), lambda: None),
             "ten times the rows out": {"hybrid all": (*pull(here, "bulk_ten"), "")},
             "ten times the entity rows in, result out": {"hybrid historical": (*retrieve(folder, here, "bulk_ten_frame"), "")}}
    best = [min(seconds for who, (seconds, _, _) in found[what].items() if not who.startswith("hybrid")) for what in ("rows in", "rows out")]
    found["entity rows in, result out"]["the client's best of the above, in and out"] = (sum(best), 0, "")
    return found


def report(engine, found, rows):
    print(f"\n| engine | {rows:,} | who | best of {ROUNDS} | peak memory | time to ours |\n|---|---|---|---|---|---|")
    for what, by in found.items():
        ours = next(iter(by.values()))[0]
        for who, (seconds, memory, note) in by.items():
            print(f"| {engine} | {what} | {who}{note} | {seconds:.2f} s | {f'{memory:.0f} MiB' if memory else ''} | {seconds / ours:.2f} |", flush=True)


def broken(_, found):
    """Where hybrid is slower, or not within its memory."""
    problems = []
    for what, by in found.items():
        ours = next(iter(by.values()))[0]
        problems += [f"{what}: {who} is faster" for who, (seconds, _, _) in by.items() if seconds < NOISE * ours and who != SAME]
    tens = {what: next(iter(by.values()))[1] for what, by in found.items() if what.startswith("ten times")}
    return problems + [f"{what}: {memory:.0f} MiB are more than {LIMIT}" for what, memory in tens.items() if memory > LIMIT]


def main(description, engines, bench, broken):
    """Measures one engine by `bench`; `broken` says where what it found is not as promised."""
    args = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("engine", choices=engines)
    args.add_argument("--small", action="store_true")
    args.add_argument("--require", action="store_true")
    o = args.parse_args()
    scale = 0.01 if o.small else 1.0
    with tempfile.TemporaryDirectory() as here:
        found = bench(o.engine, scale, pathlib.Path(here))
    report(o.engine, found, int(MILLION * scale))
    problems = broken(o.engine, found) if o.require and not o.small else []
    for problem in problems:
        print(f"{o.engine} {problem}", file=sys.stderr)
    return not problems


if __name__ == "__main__":
    sys.exit(0 if main(__doc__, ENGINES, bench, broken) else 1)
