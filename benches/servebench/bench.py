"""`hybrid serve` beside `feast serve_offline`, both through Feast's own client.

usage: bench.py [retrieval] [clients] [--require] [--scale X] [--rounds N] [--seconds N] [--only ours|theirs]

retrieval: a million entity rows, one view of 20M rows. clients: 64 at once, threads of four processes, 1000 rows a call.
--require fails when ours is not ten times faster with a quarter of the memory, when a call of the crowd fails, or when
memory grows under it.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from measure import data_of  # noqa: E402
from server import Server, free_port, ours, theirs  # noqa: E402

FASTER, SMALLER = 10, 4
PROCESSES, THREADS = 4, 16
# How much more than at a third of the time the server may hold at its end.
GROWTH = 1.2


def script(name, *arguments):
    command = [sys.executable, HERE / name, *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout


def serving(make, data, scratch):
    port = free_port()
    repo = pathlib.Path(tempfile.mkdtemp(dir=scratch))
    script("repo.py", data, repo, port)
    log = open(repo / "log", "w+")
    return repo / "client", Server(make(repo / "server", port), port, log)


def retrieve(make, data, scratch, rounds):
    """Best seconds, peak MiB of the server, rows, rows with a value, seconds until it was ready."""
    client, server = serving(make, data, scratch)
    with server:
        runs = [script("client.py", client, data / "entities.parquet").split() for _ in range(rounds)]
        best = min(runs, key=lambda run: float(run[0]))
        return float(best[0]), server.memory(), int(best[1]), int(best[2]), server.ready


def retrieval(options, scratch):
    data, found = data_of("sparse", options.scale), {}
    if options.only != "theirs":
        found["hybrid serve"] = retrieve(ours, data, scratch, options.rounds)
    if options.only != "ours":
        # It takes minutes.
        found["feast serve_offline"] = retrieve(theirs, data, scratch, 1)
    print("\n| retrieval | best | peak memory of the server | rows | with a value | ready after |\n|---|---|---|---|---|---|")
    for who, (seconds, memory, rows, values, ready) in found.items():
        print(f"| {who} | {seconds:.2f} s | {memory:.0f} MiB | {rows} | {values} | {ready:.2f} s |", flush=True)
    if len(found) < 2:
        return True
    (seconds, memory, *_), (their_seconds, their_memory, *_) = found.values()
    print(f"\n{their_seconds / seconds:.1f} times faster, {memory / their_memory:.2f} of the memory")
    return not options.require or (their_seconds >= FASTER * seconds and SMALLER * memory <= their_memory)


def watch(server, samples, over):
    while not over.wait(1):
        samples.append(server.memory("VmRSS"))


def clients(options, scratch):
    data = data_of("sparse", min(options.scale, 0.05))
    repo, server = serving(ours, data, scratch)
    with server:
        samples, over = [], threading.Event()
        watcher = threading.Thread(target=watch, args=(server, samples, over))
        watcher.start()
        command = [sys.executable, HERE / "crowd.py", repo, data / "entities.parquet", THREADS, options.seconds]
        crowd = [subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
        lines = [line for process in crowd for line in process.communicate()[0].splitlines()]
        over.set()
        watcher.join()
    return report(lines, samples, options)


def report(lines, samples, options):
    errors = [line for line in lines if line.startswith("error")]
    seconds = sorted(float(line) for line in lines if not line.startswith("error"))
    if not seconds:
        raise SystemExit(f"no call succeeded: {errors[:3]}")
    at = lambda share: seconds[min(int(len(seconds) * share), len(seconds) - 1)] * 1000
    early, late = max(samples[:len(samples) // 3 + 1]), max(samples[-len(samples) // 3:])
    print(f"\n| {PROCESSES * THREADS} clients for {options.seconds} s | calls | errors | p50 | p99 | memory, first third | last third |")
    print("|---|---|---|---|---|---|---|")
    print(f"| hybrid serve | {len(seconds)} | {len(errors)} | {at(0.5):.0f} ms | {at(0.99):.0f} ms | {early:.0f} MiB | {late:.0f} MiB |")
    for error in errors[:5]:
        print(error, file=sys.stderr)
    return not options.require or (not errors and late <= GROWTH * early)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("what", nargs="*", choices=["retrieval", "clients", []])
    args.add_argument("--require", action="store_true")
    args.add_argument("--scale", type=float, default=1.0)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--seconds", type=int, default=120)
    args.add_argument("--only", choices=["ours", "theirs"])
    options = args.parse_args()
    kinds = {"retrieval": retrieval, "clients": clients}
    with tempfile.TemporaryDirectory() as scratch:
        # Each is run, whatever became of the other.
        return all([kinds[what](options, scratch) for what in options.what or kinds])


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
