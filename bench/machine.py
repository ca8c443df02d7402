"""What the benchmarks ran on: the processor, its memory, its versions, and the bandwidth it reaches."""

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES", "GLIBC_TUNABLES")
PREFIXES = ("MANIPLE_", "OPENBLAS_", "NUMBA_", "XLA_")


def _field(path: str, key: str) -> str | None:
    """The first `key : value` of one of Linux's text files."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.split(":")[0].strip() == key), None)


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def available() -> float:
    """Bytes of memory that programs may still take."""
    free = _field("/proc/meminfo", "MemAvailable")
    return 1024.0 * int(free.split()[0]) if free else float("inf")


def describe() -> dict[str, Any]:
    """The machine and the settings that change results, without anything that names its owner."""
    memory = _field("/proc/meminfo", "MemTotal")
    huge_pages = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "memory_gib": round(int(memory.split()[0]) / 2**20, 1) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "huge_pages": huge_pages.read_text().strip() if huge_pages.exists() else None,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "settings": {
            name: value
            for name, value in sorted(os.environ.items())
            if name in SETTINGS or name.startswith(PREFIXES)
        },
    }


def _best(run, repeats: int) -> float:
    """The shortest of some runs, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


def bandwidth(elements: int, repeats: int) -> dict[str, float]:
    """GB/s of NumPy's copy and add into existing arrays, on one thread and on all."""
    threads = cores()
    a, b, c = np.ones(elements), np.ones(elements), np.zeros(elements)
    edges = np.linspace(0, elements, threads + 1).astype(int).tolist()
    parts = [slice(*edge) for edge in pairwise(edges)]

    def copy(part: slice) -> None:
        np.copyto(c[part], a[part])

    def add(part: slice) -> None:
        np.add(a[part], b[part], out=c[part])

    rates = {}
    with ThreadPoolExecutor(threads) as pool:
        for name, work, arrays in (("copy", copy, 2), ("add", add, 3)):
            gigabytes = 8e-9 * arrays * elements
            rates[f"{name}, 1 thread"] = gigabytes / _best(lambda work=work: work(slice(None)), repeats)
            rates[f"{name}, {threads} threads"] = gigabytes / _best(
                lambda work=work: list(pool.map(work, parts)), repeats
            )
    return {name: round(rate, 2) for name, rate in rates.items()}
