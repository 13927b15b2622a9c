"""Measures `hybrid historical` beside its peers: one process each, interleaved, the best of several rounds.

usage: measure.py [CASE…] [--scale X] [--rounds N] [--peers A,B] [--check | --require]

--check compares every case at a small scale with DuckDB's answer, row by row, and measures nothing.
--require fails when hybrid takes longer than a peer, or more memory than LIMIT.
hybrid's time is that of the whole process; a peer's is that of its query alone, without its start.
"""
import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from cases import CASES
from peers import PEERS, names

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("HYBRID_CACHE", pathlib.Path.home() / ".cache/hybrid-offline-store")) / "data"
SMALL = ("wide", "nokey")
# MiB; what the project promises for the cases at full size.
LIMIT = 700


def data_of(name, scale):
    """The case's data, made when it is not there or was made by another generator."""
    made_by = b"".join((HERE / file).read_bytes() for file in ("cases.py", "generate.py"))
    version = hashlib.sha256(made_by).hexdigest()[:12]
    folder = CACHE / f"bench-{version}" / f"{name}-{scale:g}"
    if not (folder / "ready").exists():
        print(f"generating {folder}", file=sys.stderr)
        run([sys.executable, HERE / "generate.py", name, folder, "--scale", scale])
        (folder / "ready").touch()
    return folder


def run(command):
    """Runs it: its output, wall seconds, peak memory in MiB."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"exit code {process.returncode}: {' '.join(map(str, command))}")
        output.seek(0)
        kilobyte = 1 if sys.platform == "darwin" else 1024
        return output.read().decode(), seconds, usage.ru_maxrss * kilobyte / (1 << 20)


def hybrid(name, folder, out):
    case = CASES[name]
    references = ",".join(f"view{v}:{feature}" for _, v, feature in names(case))
    command = ["hybrid", "historical", "--repo", folder, "--entities", folder / "entities.parquet", "--features", references, "-o", out]
    _, seconds, memory = run(command + (["--full-feature-names"] if case.views > 1 else []))
    return seconds, memory


def peer(which):
    def measured(name, folder, out):
        printed, _, memory = run([sys.executable, HERE / "peers.py", which, name, folder, out])
        return float(printed), memory
    return measured


def contenders(peers):
    return {"hybrid": hybrid} | {which: peer(which) for which in peers}


def apply(folder):
    run(["hybrid", "apply", "--repo", folder])


def verify(name, folder, out, answer):
    """Whether every row is right; says how many are not."""
    return subprocess.run([sys.executable, HERE / "compare.py", name, folder, out, "--answer", answer], check=False).returncode == 0


def check(case_names, scratch):
    right = True
    for name in case_names:
        folder = data_of(name, 0.1 if name in SMALL else 0.01)
        apply(folder)
        hybrid(name, folder, scratch / "hybrid.parquet")
        right &= verify(name, folder, scratch / "hybrid.parquet", "window")
    return right


def measure(name, folder, peers, rounds, scratch):
    """Best seconds and the peak memory of that run, by contender."""
    runs = {which: [] for which in contenders(peers)}
    for _ in range(rounds):
        for which, contender in contenders(peers).items():
            runs[which].append(contender(name, folder, scratch / f"{which}.parquet"))
    return {which: min(measured) for which, measured in runs.items()}


def report(name, best):
    ours = best["hybrid"][0]
    for which, (seconds, memory) in best.items():
        print(f"| {name} | {which} | {seconds:.2f} s | {memory:.0f} MiB | {seconds / ours:.2f} |", flush=True)


def keeps_promise(name, best):
    """Whether hybrid is no slower than any peer, and within its memory; says where it is not."""
    seconds, memory = best["hybrid"]
    faster = [which for which, (theirs, _) in best.items() if theirs < seconds]
    for which in faster:
        print(f"{name}: {which} is faster", file=sys.stderr)
    if memory > LIMIT:
        print(f"{name}: {memory:.0f} MiB are more than {LIMIT}", file=sys.stderr)
    return not faster and memory <= LIMIT


def bench(case_names, scale, peers, rounds, scratch, require):
    right, tables = True, {}
    for name in case_names:
        folder = data_of(name, scale)
        apply(folder)
        tables[name] = measure(name, folder, peers, rounds, scratch)
        right &= verify(name, folder, scratch / "hybrid.parquet", "window" if CASES[name].tick > 1 else "asof")
    print("\n| case | who | best of {} | peak memory | time to ours |\n|---|---|---|---|---|".format(rounds))
    for name, best in tables.items():
        report(name, best)
        right &= not require or keeps_promise(name, best)
    return right


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    args.add_argument("--scale", type=float, default=1.0)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--peers", default="duckdb-asof", help=f"of {', '.join(PEERS)}")
    args.add_argument("--check", action="store_true")
    args.add_argument("--require", action="store_true")
    options = args.parse_args()
    unknown = (set(options.cases) - set(CASES)) | (set(filter(None, options.peers.split(","))) - set(PEERS))
    if unknown:
        args.error(f"unknown: {', '.join(sorted(unknown))}; cases: {', '.join(CASES)}; peers: {', '.join(PEERS)}")
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        if options.check:
            return check(options.cases or CASES, scratch)
        peers = [which for which in options.peers.split(",") if which]
        return bench(options.cases or ["sparse", "dense"], options.scale, peers, options.rounds, scratch, options.require)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
