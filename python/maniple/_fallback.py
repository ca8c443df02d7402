"""What is not native runs in NumPy: conversion there and back, and the record of where and how often that
happened.

A fallback converts every array of ours among the arguments, also inside lists, tuples and dicts, to a NumPy
array that shares its memory, calls NumPy, and wraps the arrays of the result. Writes go through, since the
memory is the same; a result that is one of the arguments (`out=`) comes back as the very same object; a
result that is a view of an argument stays one.
"""

import time
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import numpy

from . import _maniple
from ._arrays import ndarray, scalar
from ._callsite import call_site

ufunc = _maniple.ufunc

MODES = ("quiet", "warn", "error")


class FallbackWarning(UserWarning):
    """A call ran in NumPy because Maniple has no native version of it."""


class FallbackError(NotImplementedError):
    """A call has no native version and `MANIPLE_FALLBACK=error` forbids running it in NumPy."""


class Row(NamedTuple):
    """What one line of the user's program made fall back."""

    name: str
    file: str
    line: int
    count: int
    bytes: int
    seconds: float


_mode = _maniple.settings().get("fallback", "quiet")
_sites: dict[tuple[str, str, int], list] = {}


def mode() -> str:
    """The mode in force: `quiet`, `warn` or `error`."""
    return _mode


def set_mode(new: str) -> None:
    """Choose what a fallback does from now on: `quiet`, `warn` or `error`."""
    global _mode
    if new not in MODES:
        raise ValueError(f"fallback mode {new!r}: expected one of {', '.join(MODES)}")
    _mode = new


def rows() -> list[Row]:
    """Every call site that fell back, the slowest first."""
    table = [Row(*site, *counted) for site, counted in _sites.items()]
    return sorted(table, key=lambda row: -row.seconds)


def forget() -> None:
    """Empty the record."""
    _sites.clear()


def run(name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
    """Call NumPy's `function` with our arrays and record it under `name`.

    Raises `FallbackError` in mode `error`, else what the function raises.
    """
    file, line, frame = call_site()
    if _mode == "error":
        raise FallbackError(
            f"numpy.{name} has no native version for these arguments and MANIPLE_FALLBACK=error forbids "
            "running it in NumPy; set MANIPLE_FALLBACK=quiet or warn, or convert with numpy.asarray yourself"
        )
    counted = _sites.get((name, file, line))
    if counted is None:
        counted = _sites[name, file, line] = [0, 0, 0.0]
        if _mode == "warn":
            _warn(name, file, line, frame)
    start = time.perf_counter()
    exchange = Exchange()
    try:
        return exchange.call(function, args, kwargs)
    finally:
        counted[0] += 1
        counted[1] += exchange.bytes
        counted[2] += time.perf_counter() - start


def run_unrecorded(function: Callable, args: tuple, kwargs: dict) -> Any:
    """Call NumPy's `function` with our arrays, for functions that read values by their nature."""
    return Exchange().call(function, args, kwargs)


def _warn(name: str, file: str, line: int, frame: FrameType | None) -> None:
    scope = frame.f_globals if frame is not None else {}
    warnings.warn_explicit(
        f"numpy.{name} has no native version for these arguments and runs in NumPy",
        FallbackWarning,
        file,
        line,
        module=scope.get("__name__", "<unknown>"),
        registry=scope.setdefault("__warningregistry__", {}),
    )


class Exchange:
    """The NumPy faces of our arrays in one call, and the way back."""

    __slots__ = ("bytes", "ours")

    def __init__(self):
        self.ours: dict[int, tuple[Any, numpy.ndarray]] = {}
        self.bytes = 0

    def call(self, function: Callable, args: tuple, kwargs: dict) -> Any:
        """Call `function` with NumPy's arrays for ours, and return ours for NumPy's."""
        args = tuple([self.to_numpy(value) for value in args])
        if kwargs:
            kwargs = {key: self.to_numpy(value) for key, value in kwargs.items()}
        return self.to_ours(function(*args, **kwargs))

    def to_numpy(self, value: Any) -> Any:
        """`value` with each array of ours as a NumPy array that shares its memory, each ufunc as NumPy's."""
        kind = type(value)
        if kind is ndarray:
            return self._export(value)
        if kind is list or kind is tuple:
            if any(_may_hold_ours(held) for held in set(map(type, value))):
                converted = [self.to_numpy(item) for item in value]
                if any(new is not old for new, old in zip(converted, value)):
                    return kind(converted)
            return value
        if kind is dict:
            converted = {key: self.to_numpy(item) for key, item in value.items()}
            return converted if any(converted[key] is not value[key] for key in value) else value
        if kind is slice:
            return slice(self.to_numpy(value.start), self.to_numpy(value.stop), self.to_numpy(value.step))
        if kind is scalar:
            return value._export(False)[()]
        if kind is ufunc:
            return getattr(numpy, value.__name__, value)
        if issubclass(kind, tuple) and hasattr(kind, "_make"):
            return kind._make(self.to_numpy(item) for item in value)
        if not callable(value):
            return self._array_of(value) if hasattr(kind, "__array__") else value
        original = getattr(value, "__maniple_numpy__", None)
        return value if original is None else original

    def to_ours(self, value: Any) -> Any:
        """`value` with each NumPy array as one of ours; scalars and NumPy's subclasses stay what they are."""
        kind = type(value)
        if kind is numpy.ndarray:
            known = self.ours.get(id(value))
            if known is not None:
                return known[0]
            self.bytes += value.nbytes
            return ndarray._wrap(value)
        if kind is tuple or kind is list:
            if numpy.ndarray in set(map(type, value)) or any(
                type(item) in (tuple, list) for item in value[:4]
            ):
                return kind([self.to_ours(item) for item in value])
            return value
        if kind is dict:
            return {key: self.to_ours(item) for key, item in value.items()}
        if issubclass(kind, tuple) and hasattr(kind, "_make"):
            return kind._make(self.to_ours(item) for item in value)
        return value

    def _array_of(self, value: Any) -> Any:
        """What a class gives of itself: NumPy refuses an array of ours from `__array__`, so it is asked here."""
        kind = type(value)
        if isinstance(value, numpy.ndarray | numpy.generic) or hasattr(kind, "__array_function__"):
            return value
        made = value.__array__()
        return self._export(made) if type(made) is ndarray else value

    def _export(self, value: Any) -> numpy.ndarray:
        face = value._foreign
        if face is None:
            face = value._export(value.flags.writeable)
            self.bytes += face.nbytes
        self.ours[id(face)] = (value, face)
        return face


_LEAVES = {int, float, complex, bool, str, bytes, type(None), type(Ellipsis)}


def _may_hold_ours(kind: type) -> bool:
    return kind not in _LEAVES and not issubclass(kind, numpy.generic)
