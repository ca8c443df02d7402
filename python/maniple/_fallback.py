"""What ran in NumPy because Maniple has no native version of it, and what to do about it."""

from typing import NamedTuple

from . import _maniple
from ._maniple import FallbackError, FallbackWarning

__all__ = [
    "FallbackError", "FallbackWarning", "Row", "forget", "mode", "rows", "run", "run_unrecorded", "set_mode",
]  # fmt: skip

mode = _maniple.fallback_mode
set_mode = _maniple.set_fallback_mode
forget = _maniple.forget_fallbacks
run = _maniple.run_in_numpy
run_unrecorded = _maniple.run_unrecorded


class Row(NamedTuple):
    """What one line of the user's program made fall back."""

    name: str
    file: str
    line: int
    count: int
    bytes: int
    seconds: float


def rows() -> list[Row]:
    """Every line that fell back, the slowest first."""
    lines: dict[tuple[str, str, int], Row] = {}
    for found in map(Row._make, _maniple.fallback_rows()):
        known = lines.get(found[:3])
        if known is not None:
            # A line may hold several calls.
            found = Row(*found[:3], *(a + b for a, b in zip(known[3:], found[3:])))
        lines[found[:3]] = found
    return sorted(lines.values(), key=lambda row: -row.seconds)


set_mode(_maniple.settings()["fallback"])
