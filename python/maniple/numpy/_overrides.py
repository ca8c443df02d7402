"""Ufunc calls with operands that want them for themselves (`__array_ufunc__`, NumPy's NEP 13)."""

from typing import Any

import numpy
from numpy._core._internal import array_ufunc_errmsg_formatter

from .._arrays import is_ours
from . import _mirror

# Positional arguments of the methods of ufuncs, which overrides get by name, after so many inputs.
_NAMES = {
    "reduce": (1, ("axis", "dtype", "out", "keepdims", "initial", "where")),
    "accumulate": (1, ("axis", "dtype", "out")),
    "reduceat": (2, ("axis", "dtype", "out")),
    "outer": (2, ()),
    "at": (3, ()),
}


def override(function: numpy.ufunc, method: str, args: tuple, kwargs: dict | None) -> Any:
    """The answer of the first operand that does not return NotImplemented; raises TypeError if all do."""
    ufunc = _mirror.translate(function)
    inputs, kwargs = _normalised(function, method, args, dict(kwargs or {}))
    out = kwargs.get("out", ())
    where = [kwargs["where"]] if "where" in kwargs else []
    for operand in _in_order([*inputs, *out, *where]):
        wanted = type(operand).__array_ufunc__
        if wanted is None:
            raise TypeError(
                f"operand '{type(operand).__name__}' does not support ufuncs (__array_ufunc__=None)"
            )
        answer = operand.__array_ufunc__(ufunc, method, *inputs, **kwargs)
        if answer is not NotImplemented:
            return answer
    raise TypeError(array_ufunc_errmsg_formatter(None, function, method, *inputs, **kwargs))


def _normalised(function: numpy.ufunc, method: str, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Inputs, and everything else by name: `out` as a tuple, and only if something is to be written."""
    count, names = (function.nin, ()) if method == "__call__" else _NAMES[method]
    inputs, rest = args[:count], args[count:]
    if method == "__call__" and rest:
        kwargs["out"] = rest
    for name, value in zip(names, rest):
        if name in kwargs:
            raise TypeError(f"argument for {method}() given by name ('{name}') and position")
        if value is not numpy._NoValue or name != "initial":
            kwargs[name] = value
    if "sig" in kwargs:
        kwargs["signature"] = kwargs.pop("sig")
    out = kwargs.pop("out", None)
    if out is not None:
        out = out if isinstance(out, tuple) else (out,)
        if any(value is not None for value in out):
            kwargs["out"] = out
    return inputs, kwargs


def _in_order(operands: list) -> list:
    """One operand of each class that overrides, from left to right, subclasses before their bases."""
    found: list = []
    for operand in operands:
        kind = type(operand)
        if not _overrides(operand) or any(type(known) is kind for known in found):
            continue
        later = [at for at, known in enumerate(found) if issubclass(kind, type(known))]
        found.insert(later[0] if later else len(found), operand)
    return found


def _overrides(value: Any) -> bool:
    if is_ours(value) or type(value) is numpy.ndarray or isinstance(value, numpy.generic):
        return False
    wanted = getattr(type(value), "__array_ufunc__", numpy.ndarray.__array_ufunc__)
    return wanted is not numpy.ndarray.__array_ufunc__
