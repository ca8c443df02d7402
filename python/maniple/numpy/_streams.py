"""Long draws from NumPy's generators into memory of ours, which has been touched before, and on several threads where a
number takes a known part of the stream: with NumPy's numbers, and NumPy's state afterwards. What `_draws.py` draws as a task
does not come here.

    guess:  the generator's state where each chunk begins, by jumping ahead a fixed number of words per draw
    draw:   every chunk by NumPy's own code, from a copy of the bit generator in that state, each on some thread
    check:  a chunk is right if the one before it is right and ended in the state that this one began with

The first chunk that began wrongly, because a draw before it was rejected and repeated, is where the next round of guesses
begins; where that is common, one thread draws the rest. So the numbers never depend on what is known here about how many
words a draw takes: only the time does.
"""

import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
from numpy.random import PCG64, PCG64DXSM

from .. import _maniple

LEAST = 1 << 18
"""Fewer draws than this are left to NumPy."""

CHUNK = 1 << 18
MOST_WASTED = 32
"""Chunks that may be drawn in vain, beyond those that were not, until one thread draws the rest."""

BLOCK = 1 << 14
"""Draws that NumPy gives as an array of its own are copied in blocks of so many, which stay in the cache."""

JUMPING = (PCG64, PCG64DXSM)
"""Bit generators that can be advanced by any number of words at once."""

Draw = Callable[[numpy.random.Generator, numpy.ndarray], None]

_threads: tuple[int, ThreadPoolExecutor] | None = None


def random(
    self: numpy.random.Generator, size: Any = None, dtype: Any = numpy.float64, out: Any = None
) -> Any:
    """`Generator.random`."""

    def draw(generator: numpy.random.Generator, part: numpy.ndarray) -> None:
        generator.random(out=part)

    if out is None and dtype in (float, numpy.float64, "float64", "d") and _is_long(size):
        return _fill(self, size, numpy.float64, draw, words=1.0)
    return numpy.random.Generator.random(self, size, dtype, out)


def uniform(self: numpy.random.Generator, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
    """`Generator.uniform`."""

    def draw(generator: numpy.random.Generator, part: numpy.ndarray) -> None:
        for first in range(0, len(part), BLOCK):
            block = part[first : first + BLOCK]
            block[...] = generator.uniform(low, high, len(block))

    numbers = all(type(bound) in (int, float) and math.isfinite(bound) for bound in (low, high))
    if numbers and low <= high and math.isfinite(high - low) and _is_long(size):
        return _fill(self, size, numpy.float64, draw, words=1.0)
    return numpy.random.Generator.uniform(self, low, high, size)


def integers(
    self: numpy.random.Generator,
    low: Any,
    high: Any = None,
    size: Any = None,
    dtype: Any = numpy.int64,
    endpoint: bool = False,
) -> Any:
    """`Generator.integers`."""

    def draw(generator: numpy.random.Generator, part: numpy.ndarray) -> None:
        for first in range(0, len(part), BLOCK):
            block = part[first : first + BLOCK]
            block[...] = generator.integers(low, high, len(block), dtype, endpoint)

    wide = dtype in (int, numpy.int64, numpy.int32, "int64", "int32")
    numbers = type(low) is int and type(high) in (int, type(None)) and type(endpoint) is bool
    if wide and numbers and _is_long(size):
        bounds = (0, low) if high is None else (low, high)
        limits = numpy.iinfo(dtype)
        last = bounds[1] if endpoint else bounds[1] - 1
        if limits.min <= bounds[0] < last <= limits.max:
            words = 0.5 if last - bounds[0] < 1 << 32 else 1.0
            return _fill(self, size, dtype, draw, words)
    return numpy.random.Generator.integers(self, low, high, size, dtype, endpoint)


def _with(name: str, **defaults: float) -> Callable[..., Any]:
    """A method of parameters and a size whose numbers take parts of the stream that only drawing tells."""
    original = getattr(numpy.random.Generator, name)

    def method(self: numpy.random.Generator, *args: Any, **kwargs: Any) -> Any:
        named = dict(zip((*defaults, "size"), args))
        given = named | kwargs
        size = given.pop("size", None)
        known = (
            len(args) == len(named) and not named.keys() & kwargs.keys() and given.keys() <= defaults.keys()
        )
        if not (known and all(type(value) in (int, float) for value in given.values()) and _is_long(size)):
            return original(self, *args, **kwargs)

        def draw(generator: numpy.random.Generator, part: numpy.ndarray) -> None:
            for first in range(0, len(part), BLOCK):
                block = part[first : first + BLOCK]
                block[...] = original(generator, **given, size=len(block))

        return _fill(self, size, numpy.float64, draw, words=None)

    return method


METHODS = {
    "random": random,
    "uniform": uniform,
    "integers": integers,
    "standard_normal": _with("standard_normal"),
    "normal": _with("normal", loc=0.0, scale=1.0),
    "lognormal": _with("lognormal", mean=0.0, sigma=1.0),
    "standard_exponential": _with("standard_exponential"),
    "exponential": _with("exponential", scale=1.0),
}
"""Methods of `Generator` with a way of their own for long draws, and NumPy's otherwise."""


def _is_long(size: Any) -> bool:
    """Whether there is so much to draw that it pays to be clever."""
    if type(size) is tuple:
        if not all(type(extent) is int and extent >= 0 for extent in size):
            return False
        return math.prod(size) >= LEAST
    return type(size) is int and size >= LEAST


def _fill(generator: numpy.random.Generator, size: Any, dtype: Any, draw: Draw, words: float | None) -> Any:
    """An array of ours filled by `draw`, which takes so many words of 64 bits for a number unless it rejects one."""
    made = sys.modules["maniple.numpy"].empty(size, dtype)
    flat = made._export(True).reshape(-1)
    source = generator.bit_generator
    if words is not None and type(source) in JUMPING and _workers() > 1:
        with source.lock:
            state = source.state
            wasted = 0
            while len(flat) and wasted <= MOST_WASTED:
                right, drawn, state = _round(source, state, flat, draw, words)
                wasted = max(0, wasted + drawn - 2 * right)
                flat = flat[right * CHUNK :]
            source.state = state
    if len(flat):
        draw(numpy.random.Generator(source), flat)
    return made


def _round(source: Any, state: dict, rest: numpy.ndarray, draw: Draw, words: float) -> tuple[int, int, dict]:
    """Draw some chunks of `rest` at once; how many of them are right, how many were drawn, and the state after the right."""
    # Where a number may be rejected, what follows is drawn again: the rounds are short.
    most = min(len(rest), len(rest) if words == 1.0 else 4 * _workers() * CHUNK)
    edges = [*range(0, most, CHUNK), most]
    begun = [_ahead(source, state, round(first * words)) for first in edges[:-1]]

    def chunk(number: int) -> dict:
        copy = type(source)(0)
        copy.state = begun[number]
        draw(numpy.random.Generator(copy), rest[edges[number] : edges[number + 1]])
        return copy.state

    ended = list(_pool().map(chunk, range(len(begun))))
    right = 1
    while right < len(begun) and _same(ended[right - 1], begun[right]):
        right += 1
    return right, len(begun), ended[right - 1]


def _ahead(source: Any, state: dict, words: int) -> dict:
    """The state so many words later. The half of a word that is left over for draws of 32 bits stays."""
    if words == 0:
        return state
    copy = type(source)(0)
    copy.state = state
    copy.advance(words)
    return {**copy.state, "has_uint32": state["has_uint32"], "uinteger": state["uinteger"]}


def _same(one: dict, other: dict) -> bool:
    """Whether the same numbers follow; the half word counts only where there is one."""
    half = one["has_uint32"]
    return (
        one["state"] == other["state"]
        and half == other["has_uint32"]
        and (not half or one["uinteger"] == other["uinteger"])
    )


def _workers() -> int:
    """How many threads the machine's processors are."""
    if _maniple.settings()["mapper"] == "serial":
        return 1
    return sum(
        processor["workers"]
        for processor in _maniple.machine()["processors"]
        if processor["backend"] == "cpu"
    )


def _pool() -> ThreadPoolExecutor:
    """The threads, new ones in the child of a fork."""
    global _threads
    if _threads is None or _threads[0] != os.getpid():
        _threads = os.getpid(), ThreadPoolExecutor(_workers(), "maniple random")
    return _threads[1]
