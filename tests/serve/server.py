"""Starts a server of the remote offline store, waits until it is ready, stops it by its process id."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READY = re.compile(rb"^listening on (grpc(?:\+tls)?)://127\.0\.0\.1:(\d+)\s*$", re.MULTILINE)


def hybrid(repo: Path, port: int, certificates=None) -> list[str]:
    command = [os.environ.get("HYBRID_BIN", "hybrid"), "serve", "--repo", str(repo), "--port", str(port)]
    if certificates:
        command += ["--key", str(certificates.key), "--cert", str(certificates.certificate)]
    return command


def feast(repo: Path, port: int, certificates=None) -> list[str]:
    """Feast's own server, to tell a wrong test from a wrong server."""
    command = [str(Path(sys.executable).with_name("feast")), "-c", str(repo), "serve_offline"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    if certificates:
        command += ["--key", str(certificates.key), "--cert", str(certificates.certificate)]
    return command


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    running_now: set["Server"] = set()

    def __init__(self, command: list[str], **variables: str):
        """`variables` are added to its environment."""
        self.command, self.environment = command, os.environ | variables
        self.process = None
        self.log = tempfile.NamedTemporaryFile(prefix="serve-", suffix=".log")

    def start(self, seconds: float = 60) -> None:
        # What an earlier run said of being ready must not be taken for this one's.
        self.log.truncate(0)
        self.log.seek(0)
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
            env=self.environment)
        Server.running_now.add(self)
        deadline = time.monotonic() + seconds
        while not self.ready():
            if not self.running() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{' '.join(self.command)} did not become ready:\n{self.output()}")
            time.sleep(0.02)

    def ready(self) -> bool:
        if self.command[1] == "serve":
            return self.address() is not None
        port = int(self.command[self.command.index("--port") + 1])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def address(self):
        """Scheme and port of the line that says the server is ready."""
        found = READY.search(Path(self.log.name).read_bytes())
        return found and (found[1].decode(), int(found[2]))

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def memory(self, what: str) -> int:
        """Bytes that the kernel counts for it now (VmRSS), or counted at most (VmHWM)."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{what}:\s*(\d+) kB$", text, re.MULTILINE)[1]) * 1024

    def stop(self, seconds: float = 20) -> int | None:
        """Asks it to end and gives the exit code; kills what does not listen."""
        Server.running_now.discard(self)
        if self.process is None:
            return None
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def output(self) -> str:
        return Path(self.log.name).read_text(errors="replace")
