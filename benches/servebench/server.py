"""The two servers as processes of their own, with what they take of memory."""
import pathlib
import signal
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ours(repo, port):
    return ["hybrid", "serve", "--repo", repo, "--port", port]


def theirs(repo, port):
    return [pathlib.Path(sys.executable).with_name("feast"), "-c", repo, "serve_offline", "--host", "127.0.0.1", "--port", port]


class Server:
    def __init__(self, command, port, log):
        began = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        while not answers(port):
            if self.process.poll() is not None or time.monotonic() - began > 120:
                raise SystemExit(f"{command[0]} did not start: {pathlib.Path(log.name).read_text()[-2000:]}")
            time.sleep(0.01)
        self.ready = time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def memory(self, which="VmHWM"):
        """MiB: the peak, or with VmRSS what is held now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(which))
        return int(line.split()[1]) / 1024


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
