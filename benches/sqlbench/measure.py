"""Measures `hybrid historical` beside Feast's template on one engine: interleaved, the best of three.

usage: measure.py ENGINE [--small | --require] [--cases S1,S2] [--only ours|theirs]

hybrid's time is that of the whole process; Feast's is that of its call alone. What took long is not run again.
--small runs at a hundredth of the size and compares no times. --require fails below the ratios that are asked for.
Fails also when a row of ours is not right.
"""
import argparse
import pathlib
import sys
import tempfile
from dataclasses import dataclass, field

import repo
from cases import ASKED, CASES, ENGINES, LIMIT, references, views
from process import Failed, data, python, run

ROUNDS = 3
# Seconds after which Feast is stopped where nothing is compared.
SMALL_LIMIT = 20
# What took so many seconds is not run again; a first run, on a server that has just started, only above the second figure.
LONG, FIRST_LONG = 10, 60
STOPPED = 124


@dataclass
class Runs:
    """What a contender's runs came to."""
    seconds: list = field(default_factory=list)
    # After how many seconds it was stopped.
    stopped: float = 0
    failed: str = ""

    def again(self):
        enough = LONG if len(self.seconds) > 1 else FIRST_LONG
        return not self.failed and not self.stopped and len(self.seconds) < ROUNDS and (not self.seconds or self.seconds[-1] < enough)

    @property
    def best(self):
        return self.stopped if self.stopped else min(self.seconds, default=None)

    def __str__(self):
        if self.failed:
            return "failed"
        return f"> {self.stopped} s" if self.stopped else f"{self.best:.2f} s" if self.seconds else "not run"


def ours(engine, case, folder, here, out, limit):
    return run(["hybrid", "historical", "--repo", here, "--entities", folder / f"{case.frame}.parquet",
                "--features", ",".join(references(case)), "-o", out])[1]


def theirs(engine, case, folder, here, out, limit):
    return float(python("theirs.py", engine, folder, case.name, out, "--limit", limit)[0].split()[-1])


SIDES = {"theirs": theirs, "ours": ours}


def attempt(side, runs, limit, *arguments):
    try:
        runs.seconds.append(SIDES[side](*arguments, limit))
    except Failed as error:
        runs.stopped = limit if side == "theirs" and error.code == STOPPED else 0
        if not runs.stopped:
            runs.failed = str(error)
            print(error, file=sys.stderr)


def measure(engine, case, folder, here, sides, limit):
    """The runs of each side; their last answers stay in `here`."""
    runs = {side: Runs() for side in sides}
    while any(of.again() for of in runs.values()):
        for side, of in runs.items():
            if of.again():
                attempt(side, of, limit, engine, case, folder, here, here / f"{case.name}-{side}.parquet")
                print(f"{engine} {case.name} {side}: {f'{of.seconds[-1]:.2f} s' if of.seconds else of}", file=sys.stderr, flush=True)
    return runs


def wrong_rows(case, folder, here, side, *options):
    """Rows that are not right, or nothing where there is no answer; and all rows, and those with a value."""
    out = here / f"{case.name}-{side}.parquet"
    if not out.exists():
        return None
    rows, hits, wrong = map(int, python("oracle.py", folder, case.name, out, *options)[0].split())
    print(f"{case.name} {side}: {rows} rows, {hits} with a value, {wrong} wrong", file=sys.stderr, flush=True)
    return wrong


def bench(engine, names, scale, sides, here):
    """By case: the runs of both sides and the rows that they had wrong."""
    folder = data(scale)
    python("load.py", engine, folder)
    repo.write(engine, here, views())
    results = {}
    if "ours" in sides:
        run(["hybrid", "apply", "--repo", here])
    for name in names:
        case = CASES[name]
        runs = measure(engine, case, folder, here, sides, LIMIT if scale == 1 else SMALL_LIMIT)
        wrong = {"ours": wrong_rows(case, folder, here, "ours"), "theirs": wrong_rows(case, folder, here, "theirs", "--any-order")}
        results[name] = runs, wrong
    return results


def ratio(runs):
    mine, feasts = (runs[side].best if side in runs else None for side in ("ours", "theirs"))
    return None if not mine or not feasts else feasts / mine


def report(engine, results, small):
    """The table in Markdown."""
    print("\n| engine | data set | Feast's template | hybrid | ratio | asked for | rows Feast has wrong | rows hybrid has wrong |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (runs, wrong) in results.items():
        found = ratio(runs)
        sign = "> " if "theirs" in runs and runs["theirs"].stopped else ""
        told = "" if small else "-" if found is None else f"{sign}{found:.1f}"
        cells = [engine, f"{name}, {CASES[name].tells}", runs.get("theirs", "-"), runs.get("ours", "-"), told,
                 "" if small else ASKED[engine][name], *("-" if wrong[side] is None else wrong[side] for side in ("theirs", "ours"))]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def passes(engine, results, require):
    """Whether all is right, and fast enough; says where it is not."""
    problems = []
    for name, (runs, wrong) in results.items():
        problems += [f"{name}: {side} failed" for side, of in runs.items() if of.failed]
        if "ours" in runs and wrong["ours"] != 0:
            problems.append(f"{name}: {wrong['ours']} rows of hybrid are wrong")
        found = ratio(runs)
        if require and (found is None or found < ASKED[engine][name]):
            problems.append(f"{name}: {found and round(found, 1)} times as fast as Feast's template, asked for {ASKED[engine][name]}")
    for problem in problems:
        print(f"{engine} {problem}", file=sys.stderr)
    return not problems


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("engine", choices=ENGINES)
    args.add_argument("--small", action="store_true")
    args.add_argument("--require", action="store_true")
    args.add_argument("--cases", default=",".join(CASES))
    args.add_argument("--only", choices=SIDES)
    o = args.parse_args()
    names = o.cases.split(",")
    if unknown := set(names) - set(CASES):
        args.error(f"unknown: {', '.join(sorted(unknown))}; data sets: {', '.join(CASES)}")
    with tempfile.TemporaryDirectory() as here:
        results = bench(o.engine, names, 0.01 if o.small else 1.0, [o.only] if o.only else list(SIDES), pathlib.Path(here))
    report(o.engine, results, o.small)
    return passes(o.engine, results, o.require and not o.small)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
