# Answers as worker.py does, without Feast: a view's name says what happens.
import json
import os
import struct
import sys
import time

rows, answers = sys.stdin.buffer, sys.stdout.buffer


def send(header, parts=()):
    text = json.dumps(header | {"parts": [len(part) for part in parts]}).encode()
    answers.write(struct.pack("<I", len(text)) + text + b"".join(parts))
    answers.flush()


send({"missing": None, "feast": "0"})
while size := rows.read(4):
    header = json.loads(rows.read(struct.unpack("<I", size)[0]))
    parts = [rows.read(length) for length in header["parts"]]
    names = [view["name"] for view in header["views"]]
    print(header["mark"], file=sys.stderr, flush=True)
    print("about", names[-1], file=sys.stderr, flush=True)
    failure = None
    if "sleep" in names:
        time.sleep(3600)
    if "exit" in names:
        os._exit(3)
    if "garbage" in names:
        os.write(1, b"\xff" * 100)
    if "long" in names:
        send({"failure": None, "clean": True}, [bytes(2_000_000)])
    if "none" in names:
        send({"failure": None, "clean": True}, [b"no stream"])
    if "pid" in names:
        failure = {"view": "pid", "kind": "refused", "text": str(os.getpid()), "trace": ""}
    if "memory" in names:
        failure = {"view": "memory", "kind": "memory", "text": "", "trace": ""}
    send({"failure": failure, "clean": "unclean" not in names}, [] if failure else [parts[-1]])
