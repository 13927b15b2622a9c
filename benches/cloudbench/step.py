"""One step of the benchmark in an engine.

usage: step.py ENGINE empty TABLE            makes a table without rows
       step.py ENGINE load TABLE FILE        makes a table of a file's rows
       step.py ENGINE times_ten TABLE SOURCE
       step.py ENGINE held TABLE             prints its number of rows and the sum of its `f1`
       step.py ENGINE WAY TABLE FILE         a client's way in or out: prints its seconds, imports and login not counted
"""
import importlib
import sys
import time


def load(engine, table, file):
    engine.empty(table)
    engine.load(table, file)()


def timed(call):
    began = time.perf_counter()
    call()
    print(time.perf_counter() - began)


if __name__ == "__main__":
    name, step, *arguments = sys.argv[1:]
    engine = importlib.import_module(f"on_{name}")
    if step == "load":
        load(engine, *arguments)
    elif step == "held":
        print(*map(int, engine.held(*arguments)))
    elif step in ("empty", "times_ten"):
        getattr(engine, step)(*arguments)
    else:
        timed(getattr(engine, step)(*arguments))
