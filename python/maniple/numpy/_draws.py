"""Doubles and singles as tasks: the runtime draws them where and when they are wanted, from any position of a stream, with
NumPy's numbers, and NumPy's generator goes on behind them.

The state of the generator is read, the task gets it as constants, and the generator jumps ahead, but for the last word,
which NumPy draws: so its state is NumPy's own, with what it keeps of words that are used in part.
"""

import math
import platform
from typing import Any

import numpy
from numpy.random import PCG64, PCG64DXSM, Philox

from .. import _maniple

LEAST = min(1 << 12, max(16, _maniple.settings()["small"]))
"""Fewer draws than this are left to NumPy."""

SCALED = platform.machine() in ("x86_64", "AMD64")
"""Whether NumPy rounds the product in a uniform number before it adds: elsewhere compilers may have put both in one step."""


def random(
    self: numpy.random.Generator, size: Any = None, dtype: Any = numpy.float64, out: Any = None
) -> Any:
    """`Generator.random`, or `NotImplemented` where NumPy shall draw."""
    if out is not None and size is None:
        shape = getattr(out, "shape", ())
    else:
        shape = size
    if not _is_long(shape) or type(self.bit_generator) not in STATES:
        return NotImplemented
    if dtype is not numpy.float64:
        try:
            dtype = numpy.dtype(dtype)
        except TypeError:
            return NotImplemented
    if dtype == numpy.float64:
        return _draw(self, shape, out=out)
    if dtype == numpy.float32:
        return _draw(self, shape, single=True, out=out)
    return NotImplemented


def uniform(self: numpy.random.Generator, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    """`Generator.uniform`, or `NotImplemented` where NumPy shall draw."""
    if not SCALED or not _is_long(size) or type(self.bit_generator) not in STATES:
        return NotImplemented
    if type(low) not in (int, float) or type(high) not in (int, float):
        return NotImplemented
    try:
        low, high = float(low), float(high)
    except OverflowError:
        return NotImplemented
    if not (math.isfinite(high - low) and low <= high):
        return NotImplemented
    return _draw(self, size, spread=(low, high - low))


METHODS = {"random": random, "uniform": uniform}
"""Methods of `Generator` that may draw by tasks."""


def _is_long(size: Any) -> bool:
    """Whether there is so much to draw that it pays to be clever."""
    if type(size) is tuple:
        if not all(type(extent) is int and extent >= 0 for extent in size):
            return False
        return math.prod(size) >= LEAST
    return type(size) is int and size >= LEAST


def _draw(
    self: numpy.random.Generator, shape: Any, single: bool = False, spread: Any = None, out: Any = None
) -> Any:
    """So many numbers as a task."""
    source = self.bit_generator
    count = shape if type(shape) is int else math.prod(shape)
    with source.lock:
        state = source.state
        words, ready, used = STATES[type(source)](state)
        half = state["uinteger"] if single and state["has_uint32"] else None
        made = _maniple.draw(type(source).__name__, words, ready, shape, single, half, spread, out)
        if made is None:
            return NotImplemented
        if single:
            count -= half is not None
            last = 2 - count % 2
            _jump(source, (count - last) // 2, used)
            numpy.random.Generator.random(self, last, numpy.float32)
        else:
            _jump(source, count - 1, used)
            source.random_raw(1, False)
            if state["has_uint32"] or state["uinteger"]:
                # The half of a word that is left over for draws of 32 bits stays.
                kept = {"has_uint32": state["has_uint32"], "uinteger": state["uinteger"]}
                source.state = {**source.state, **kept}
    return made


def _stepping(state: dict) -> tuple[list[int], list[int], int | None]:
    """The words of the state of PCG64."""
    numbers = state["state"]
    both = numbers["state"], numbers["inc"]
    return [half for number in both for half in (number & (1 << 64) - 1, number >> 64)], [], None


def _counting(state: dict) -> tuple[list[int], list[int], int | None]:
    """The words of the state of Philox, those that it holds ready, and how many of them are used up."""
    numbers, used = state["state"], state["buffer_pos"]
    words = [*numbers["counter"].tolist(), *numbers["key"].tolist(), used]
    return words, state["buffer"].tolist(), used


STATES = {PCG64: _stepping, PCG64DXSM: _stepping, Philox: _counting}
"""Bit generators that are drawn from at any position, and how their states are told."""


def _jump(source: Any, words: int, used: int | None) -> None:
    """Has a generator pass over some words; nothing is left of one that was used in part."""
    if used is None:
        source.advance(words)
        return
    # Philox counts in blocks of four words, and fills the next when it is asked for a word of it.
    blocks, rest = divmod(used + words, 4)
    source.advance(blocks - 1)
    source.random_raw(rest, False)
