"""Runs measured processes, and keeps the data they share. Imports nothing big: a child's peak memory begins with its parent's."""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
CACHE = pathlib.Path(os.environ.get("HYBRID_CACHE", pathlib.Path.home() / ".cache/hybrid-offline-store")) / "data"


class Failed(Exception):
    """A process ended with another code than 0."""

    def __init__(self, command, code, errors, output=""):
        super().__init__(f"exit code {code}: {' '.join(map(str, command))}\n{errors}")
        self.code, self.errors, self.output = code, errors, output


def run(command):
    """Runs it: its output, wall seconds, peak memory in MiB."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise Failed(command, process.returncode, *(file.read().decode(errors="replace") for file in (errors, output)))
        kilobyte = 1 if sys.platform == "darwin" else 1024
        return output.read().decode(), seconds, usage.ru_maxrss * kilobyte / (1 << 20)


def python(script, *arguments):
    return run([sys.executable, HERE / script, *arguments])


def data(scale, bulk=False):
    """The folder of the data sets, or of the rows of the bulk benchmark, made when they are not there or were made by another generator."""
    made_by = b"".join((HERE / file).read_bytes() for file in ("cases.py", "data.py"))
    folder = CACHE / f"sql-{hashlib.sha256(made_by).hexdigest()[:12]}" / f"{'bulk-' if bulk else ''}{scale:g}"
    if not (folder / "ready").exists():
        print(f"generating {folder}", file=sys.stderr)
        python("data.py", folder, "--scale", scale, *(["--bulk"] if bulk else []))
        (folder / "ready").touch()
    return folder
