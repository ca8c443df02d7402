"""One peer in a process of its own, told over pipes what to run: a JSON object a line, one answer each.

`run.py` keeps a worker per peer alive and lets them take turns, so that all peers meet the same noise.
"""

import gc
import json
import os
import sys
import time
import traceback
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

import cases
from case import Case, Timing
from peers import PEERS, Peer


class Worker:
    """The state between two commands: the peer, and the case with its data."""

    def __init__(self, peer: Peer):
        self.peer = peer
        self.xp = peer.load()
        self.wait = peer.wait()
        self.case: Case | None = None
        self.data: Any = None

    def describe(self) -> dict[str, Any]:
        return {"version": self.peer.version(), "process": os.getpid()}

    def prepare(self, group: str, case: str, size: int) -> dict[str, Any]:
        """Make the inputs of a case."""
        self.release()
        self.case = cases.find(group, case)
        self.data = self.case.setup(self.xp, size)
        self.wait()
        return {}

    def answer(self, folder: str) -> dict[str, Any]:
        """Run the case once on fresh inputs and save what it returns, as `0.npy`, `1.npy` and so on."""
        began = time.perf_counter()
        result = self.case.run(self.xp, self.data)
        self.wait()
        seconds = time.perf_counter() - began
        parts = result if isinstance(result, tuple) else (result,)
        for index, part in enumerate(parts):
            np.save(Path(folder) / f"{index}.npy", self.peer.fetch(part))
        return {"parts": len(parts), "seconds": seconds}

    def time(self, loops: int) -> dict[str, Any]:
        """Run the case `loops` times; the seconds they took together."""
        run, xp, data, wait = self.case.run, self.xp, self.data, self.wait
        result = None
        gc.collect()
        gc.disable()
        if self.case.timing is Timing.RECORDED:
            began = time.perf_counter()
            for _ in repeat(None, loops):
                result = run(xp, data)
            seconds = time.perf_counter() - began
            wait()
        else:
            began = time.perf_counter()
            for _ in repeat(None, loops):
                result = run(xp, data)
                wait()
            seconds = time.perf_counter() - began
        gc.enable()
        del result
        return {"seconds": seconds}

    def release(self) -> dict[str, Any]:
        """Drop the inputs."""
        self.case = self.data = None
        gc.collect()
        return {}


def main() -> None:
    # Whatever a library prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if worker is None:
                worker = Worker(PEERS[sys.argv[1]])
            reply = getattr(worker, command.pop("do"))(**command)
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(trace.filename).name}:{trace.lineno}"
            reply = {"error": f"{type(error).__name__} at {place}: {str(error)[:300]}"}
        answers.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
