"""One peer in a process of its own, told over pipes what to run: a JSON object a line, one answer each.

`run.py` gives each case fresh workers, one for each peer, and lets them take turns, so that all peers meet the same noise.
"""

import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

import cases
import peers
from case import Case, Timing
from dialects.base import Dialect, UnsupportedError


class Worker:
    """The state between two commands: the peer, and the case with its data."""

    def __init__(self, label: str):
        self.dialect: Dialect = importlib.import_module(f"dialects.{peers.find(label).dialect}").Speaker()
        self.case: Case | None = None
        self.run: Callable[[Any], Any] = lambda data: None
        self.data: Any = None
        self.resident = 0

    def describe(self) -> dict[str, Any]:
        return {"version": self.dialect.version, "exact_types": self.dialect.exact_types}

    def prepare(self, group: str, case: str, size: int) -> dict[str, Any]:
        """Make the inputs of a case; what of NumPy's answer the peer promises."""
        self.case = cases.find(group, case)
        self.run = self.dialect.function(self.case)
        self.resident = memory("VmRSS")
        forget_peak()
        self.data = self.dialect.data(self.case, size)
        return {"tolerance": self.dialect.tolerances.get(case, self.case.tolerance)}

    def answer(self, folder: str) -> dict[str, Any]:
        """Run the case once on fresh inputs and save what it returns, as `0.npy`, `1.npy` and so on.

        `memory` is the most bytes that making the inputs, they, results and everything between took.
        """
        began = time.perf_counter()
        result = self.run(self.data)
        self.dialect.wait(result)
        seconds = time.perf_counter() - began
        peak = memory("VmHWM") - self.resident
        parts = result if isinstance(result, tuple | list) else (result,)
        for index, part in enumerate(parts):
            np.save(Path(folder) / f"{index}.npy", self.dialect.fetch(part))
        return {"parts": len(parts), "seconds": seconds, "memory": peak}

    def time(self, loops: int) -> dict[str, Any]:
        """Run the case `loops` times; the seconds they took together, and those of processors, which others disturb less."""
        run, data, wait = self.run, self.data, self.dialect.wait
        result = None
        gc.collect()
        gc.disable()
        busy = time.process_time()
        if self.case.timing is Timing.RECORDED:
            began = time.perf_counter()
            for _ in repeat(None, loops):
                result = run(data)
            seconds = time.perf_counter() - began
            wait(result)
        else:
            began = time.perf_counter()
            for _ in repeat(None, loops):
                result = run(data)
                wait(result)
            seconds = time.perf_counter() - began
        gc.enable()
        busy = time.process_time() - busy
        del result
        return {"seconds": seconds, "processor_seconds": busy}


def memory(field: str) -> int:
    """Bytes that Linux says this process has (VmRSS) or has had at most (VmHWM); 0 elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def forget_peak() -> None:
    """Let VmHWM begin again at what is resident now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def main() -> None:
    # Whatever a library prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if worker is None:
                worker = Worker(sys.argv[1])
            reply = getattr(worker, command.pop("do"))(**command)
        except UnsupportedError as reason:
            reply = {"unsupported": str(reason)}
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(trace.filename).name}:{trace.lineno}"
            reply = {"error": f"{type(error).__name__} at {place}: {str(error)[:300]}"}
        answers.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
