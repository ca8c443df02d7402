"""What the machine itself can do: the bandwidth of its memory by loops in C, and its rate of matrix products."""

import time
from collections.abc import Callable

import numpy as np

import machine
import native

MATRIX = 2048


def best(run: Callable[[], object], repeats: int) -> float:
    """The shortest of some runs, in seconds."""
    shortest = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest


def bandwidth(elements: int, repeats: int) -> dict[str, float]:
    """GB/s on all cores of loops over arrays that exist; by NumPy's threads where there is no C compiler."""
    try:
        native.library()
    except (OSError, ValueError):
        return machine.bandwidth(elements, repeats)
    a, b, c = np.ones(elements), np.ones(elements), np.zeros(elements)
    loops = {
        "read": (1, lambda: native.call("read_all", elements, a)),
        "copy": (2, lambda: native.call("copy", elements, a, c)),
        "triad": (3, lambda: native.call("triad", elements, a, b, c)),
        "triad past the caches": (3, lambda: native.call("triad_past_caches", elements, a, b, c)),
    }
    return {name: round(8e-9 * elements * arrays / best(run, repeats), 2) for name, (arrays, run) in loops.items()}


def matrix_products(size: int, repeats: int) -> dict[str, float]:
    """GFLOP/s of NumPy's matrix product."""
    rates = {}
    for dtype in ("float64", "float32"):
        a, b = np.ones((size, size), dtype), np.ones((size, size), dtype)
        rates[dtype] = round(2e-9 * size**3 / best(lambda a=a, b=b: a @ b, repeats), 1)
    return rates


def share(case_bytes: float, seconds: float, rates: dict[str, float], smallest: float) -> float | None:
    """How much of the best bandwidth a run used that had to move these bytes; none if they fit into caches."""
    if case_bytes < smallest or not rates:
        return None
    return case_bytes / seconds / 1e9 / max(rates.values())
