"""What a benchmark case is."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any

import numpy as np


class Timing(Enum):
    """What one measured run of a case includes."""

    FORCED = "forced"
    """The run and the wait until its results are there."""

    RECORDED = "recorded"
    """Only the calls: the wait follows the last run and is not timed."""

    IMPORT = "import"
    """The import of the peer's module in a fresh interpreter, which has NumPy unless the peer is NumPy."""


@dataclass(frozen=True)
class Case:
    """One computation, written once for every array module `xp` that has NumPy's names.

    `setup(xp, size)` makes the inputs and `run(xp, data)` computes one array, or a tuple of arrays or
    numbers, which must agree with NumPy's to `tolerance` (relative to the largest magnitude; 0.0 wants equal
    values). `bytes_moved` and `flops` say, for a size, what a program needs that fuses all it can: every
    input of a sweep over memory read once, every output written once.
    """

    name: str
    group: str
    sizes: tuple[int, ...]
    quick_sizes: tuple[int, ...]
    setup: Callable[[ModuleType, int], Any]
    run: Callable[[ModuleType, Any], Any]
    tolerance: float = 0.0
    bytes_moved: Callable[[int], float] | None = None
    flops: Callable[[int], float] | None = None
    timing: Timing = Timing.FORCED
    product: str | None = None
    """The dtype of the matrix products whose rate bounds this case, where it is that and not the memory's."""


def uniform(
    xp: ModuleType, *shape: int, low: float = 0.0, high: float = 1.0, dtype: str = "float64", seed: int = 0
):
    """Random numbers in `xp`, the same for every peer; a copy, so that a peer lays them out as it likes."""
    return xp.array(np.random.default_rng(seed).uniform(low, high, shape).astype(dtype))


def whole(xp: ModuleType, *shape: int, low: int = 0, high: int = 100, dtype: str = "int64", seed: int = 0):
    """Random whole numbers in `xp`, at least `low` and below `high`, the same for every peer."""
    return xp.array(np.random.default_rng(seed).integers(low, high, shape).astype(dtype))
