"""Drives a server of the remote offline store with the real Feast client of this environment.

usage: main.py [--server hybrid|feast] [--over tcp|tls] [PART-OF-A-NAME…]

The command is taken from HYBRID_BIN, else from the PATH.
"""

import argparse
import os
import signal
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path

os.environ.setdefault("FEAST_USAGE", "False")
warnings.filterwarnings("ignore")

import feast  # noqa: E402
import pyarrow  # noqa: E402

import checks  # noqa: E402
import server  # noqa: E402
import tls  # noqa: E402
from repo import Repo  # noqa: E402
from world import World  # noqa: E402


def main() -> int:
    options = arguments()
    # So that the servers are stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        import_module(path.stem)
    chosen = [it for it in checks.TESTS if any(part in checks.name_of(it) for part in options.names or [""])]
    print(f"feast {feast.__version__}, pyarrow {pyarrow.__version__}, server: {options.server}", flush=True)
    tally = checks.Tally()
    for transport in [options.over] if options.over else ["tcp", "tls"]:
        print(f"running {len(chosen)} tests over {transport}", flush=True)
        run(chosen, transport, options.server, tally)
    print(tally.summary())
    return 1 if tally.failed else 0


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__.strip().split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--server", choices=["hybrid", "feast"], default="hybrid")
    parser.add_argument("--over", choices=["tcp", "tls"])
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def run(tests, transport: str, kind: str, tally: checks.Tally) -> None:
    with tempfile.TemporaryDirectory(prefix="serve-") as folder:
        certificates = tls.make(Path(folder, "tls")) if transport == "tls" else None
        port = server.free_port()
        repo = Repo(Path(folder, "repo"), kind, port, certificates and certificates.authority)
        started = server.Server(getattr(server, kind)(repo.server, port, certificates))
        try:
            started.start()
            world = World(repo, started, kind, certificates)
            for test in tests:
                tally.run(test, world, f"with feast {feast.__version__} over {transport}")
        finally:
            started.stop()


if __name__ == "__main__":
    sys.exit(main())
