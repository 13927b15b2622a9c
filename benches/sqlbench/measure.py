"""Measures `hybrid historical` beside Feast's template on one engine: interleaved, the best of three to five.

usage: measure.py ENGINE [--small | --require] [--cases S1,S2] [--only ours|statement|theirs]

hybrid's time is that of the whole process; Feast's is that of its call alone, on Trino of its statement, over entity rows that are
there already. On Trino and Spark both statements also run with their rows left in the server, over entity rows as each uploads
them: that is the ratio of the statements. What took long is not run again, by nobody.
--small runs at a hundredth of the size and compares no times. --require fails below the ratios that are asked for.
Fails also when a row of ours is not right.
"""
import argparse
import pathlib
import re
import sys
import tempfile
from dataclasses import dataclass, field

import repo
from cases import ASKED, CASES, END, ENGINES, FIRST_LONG, LIMIT, LONG, references, views
from process import Failed, data, python, run

# Where statements are compared: how hybrid's names the entity rows, how it quotes, and their time as it compares it.
STATEMENTS = {"trino": (r'"hive"\."staging"\."hybrid_\w+"', '"', "CAST(event_timestamp AT TIME ZONE 'UTC' AS timestamp(6))"),
              "spark": (r"`__hybrid_[0-9a-f]{32}`", "`", "event_timestamp")}

# A server in Java gets faster from query to query.
ROUNDS = {"postgres": 3, "trino": 4, "spark": 4}
# Seconds after which Feast is stopped where nothing is compared.
SMALL_LIMIT = 20
STOPPED = 124


@dataclass
class Runs:
    """What a contender's runs came to."""
    seconds: list = field(default_factory=list)
    # Of a statement: with its rows left in the server.
    served: list = field(default_factory=list)
    # After how many seconds it was stopped, or the server gave it up.
    stopped: float = 0
    failed: str = ""

    @property
    def over(self):
        """Whether another round would tell nothing, or take too long."""
        enough = LONG if len(self.seconds) > 1 else FIRST_LONG
        return bool(self.failed or self.stopped) or self.seconds[-1] > enough

    def best(self, of="seconds"):
        return min(getattr(self, of), default=self.stopped or None)

    def told(self, of="seconds"):
        if self.failed:
            return "failed"
        best = self.best(of)
        return "-" if best is None else f"{'> ' if self.stopped else ''}{best:.2f} s"


def retrieval(command, case, folder, here):
    return ["hybrid", command, "--repo", here, "--entities", folder / f"{case.frame}.parquet", "--features", ",".join(references(case))]


def ours(engine, case, folder, here, out, limit):
    return [run([*retrieval("historical", case, folder, here), "-o", out])[1]]


def theirs(engine, case, folder, here, out, limit, *options):
    return seconds_told(python("theirs.py", engine, folder, case.name, out, "--limit", limit, *options)[0])


def seconds_told(output):
    """Of its last line: Feast may print some before."""
    return [float(figure) for figure in output.strip().splitlines()[-1].split()]


def statement(engine, case, folder, here, out, limit):
    text = here / f"{case.name}.sql"
    if not text.exists():
        text.write_text(statement_text(engine, case, folder, here))
    return theirs(engine, case, folder, here, out, limit, "--statement", text)


def statement_text(engine, case, folder, here):
    """What hybrid asks, of the table of entity rows that is there, with the columns that Feast's template gives."""
    told = run(retrieval("explain", case, folder, here))[0]
    text = told[told.index("\nWITH "):].strip().split("\n\n")[0]
    uploaded, q, time = STATEMENTS[engine]
    text, found = re.subn(uploaded, f"(SELECT *, row_id AS __hybrid_row, {time} AS __hybrid_time FROM {case.frame})", text)
    head, row, rest = text.rpartition(f"SELECT {q}e{q}.{q}__hybrid_row{q}")
    if not found or not row:
        raise Failed(["explain"], 0, f"no statement over uploaded entity rows: {told}")
    columns = ", ".join(f"{q}e{q}.{q}{name}{q}" for name in case.columns)
    settings = re.findall(r"^session: (.+)$", told, re.MULTILINE)
    return END.join([*(f"SET {setting}" for setting in settings), f"{head}SELECT {columns}{rest}"])


SIDES = {"theirs": theirs, "statement": statement, "ours": ours}


def attempt(side, runs, limit, *arguments):
    try:
        seconds, *served = SIDES[side](*arguments, limit)
        runs.seconds.append(seconds)
        runs.served += served
    except Failed as error:
        runs.stopped = seconds_told(error.output)[0] if side == "theirs" and error.code == STOPPED else 0
        if not runs.stopped:
            runs.failed = str(error)
            print(error, file=sys.stderr)


def measure(engine, case, folder, here, sides, limit):
    """The runs of each side, as many of each, in turns of who begins; their last answers stay in `here`."""
    runs = {side: Runs() for side in sides}
    for turn in range(ROUNDS[engine]):
        first = turn % len(sides)
        for side in sides[first:] + sides[:first]:
            attempt(side, runs[side], limit, engine, case, folder, here, here / f"{case.name}-{side}.parquet")
            last = runs[side]
            told = ", in the server ".join(f"{seconds[-1]:.2f} s" for seconds in (last.seconds, last.served) if seconds)
            print(f"{engine} {case.name} {side}: {told or last.told()}", file=sys.stderr, flush=True)
        if any(of.over for of in runs.values()):
            break
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
    python("load.py", engine, folder, *names)
    repo.write(engine, here, views(names))
    results = {}
    if sides != ["theirs"]:
        run(["hybrid", "apply", "--repo", here])
    for name in names:
        case = CASES[name]
        runs = measure(engine, case, folder, here, sides, LIMIT if scale == 1 else SMALL_LIMIT)
        wrong = {side: wrong_rows(case, folder, here, side, *([] if side == "ours" else ["--any-order"])) for side in sides}
        results[name] = runs, wrong
    return results


# What is compared: the statements in the server, or all that a caller waits for.
COMPARED = {"statement": "served", "ours": "seconds"}


def ratio(runs, side):
    mine, feasts = (runs[who].best(COMPARED[side]) if who in runs else None for who in (side, "theirs"))
    return None if not mine or not feasts else feasts / mine


def compared(runs, side, small):
    """Cells of the table: Feast's time, hybrid's, how many times as fast."""
    if side not in runs:
        return ["-"] * 3
    found, theirs = ratio(runs, side), runs.get("theirs", Runs())
    told = "-" if found is None else f"{'> ' if theirs.stopped else ''}{found:.1f}"
    return [theirs.told(COMPARED[side]), runs[side].told(COMPARED[side]), "" if small else told]


def report(engine, results, small):
    """The table in Markdown."""
    heads = ["engine", "data set", "Feast's template, in the server", "hybrid's", "ratio", "Feast, with its rows read", "hybrid, whole", "ratio",
             "asked for", "rows Feast has wrong", "rows hybrid has wrong"]
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, (runs, wrong) in results.items():
        cells = [engine, f"{name}, {CASES[name].tells}", *compared(runs, "statement", small), *compared(runs, "ours", small),
                 "" if small else ASKED[engine].get(name, "-"),
                 *("-" if wrong.get(side) is None else wrong[side] for side in ("theirs", "ours"))]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def passes(engine, results, require):
    """Whether all is right, and fast enough; says where it is not."""
    problems = []
    for name, (runs, wrong) in results.items():
        problems += [f"{name}: {side} failed" for side, of in runs.items() if of.failed]
        problems += [f"{name}: {wrong[side]} rows of hybrid are wrong ({side})" for side in runs if side != "theirs" and wrong[side] != 0]
        found, asked = ratio(runs, "statement" if engine in STATEMENTS else "ours"), ASKED[engine].get(name, 0)
        if require and (found is None or found < asked):
            problems.append(f"{name}: {found and round(found, 1)} times as fast as Feast's template, asked for {asked}")
    for problem in problems:
        print(f"{engine} {problem}", file=sys.stderr)
    return not problems


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("engine", choices=ENGINES)
    args.add_argument("--small", action="store_true")
    args.add_argument("--require", action="store_true")
    args.add_argument("--cases", default=",".join(ASKED["postgres"]), help="those with ratios asked for, by default")
    args.add_argument("--only", choices=SIDES)
    o = args.parse_args()
    names = o.cases.split(",")
    if unknown := set(names) - set(CASES):
        args.error(f"unknown: {', '.join(sorted(unknown))}; data sets: {', '.join(CASES)}")
    sides = [side for side in SIDES if o.only in (None, side) and (side != "statement" or o.engine in STATEMENTS)]
    with tempfile.TemporaryDirectory() as here:
        results = bench(o.engine, names, 0.01 if o.small else 1.0, sides, pathlib.Path(here))
    report(o.engine, results, o.small)
    return passes(o.engine, results, o.require and not o.small)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
