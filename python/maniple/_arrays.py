"""Our array types, and how Python sees them: `isinstance`, subclasses, and what NumPy's array class can do
besides.

`class Masked(np.ndarray)` in a user's program makes a subclass of NumPy's own array, which is what its author
knows; our functions hand such arrays to NumPy. `isinstance(x, np.ndarray)` holds for our arrays and for
NumPy's alike, since libraries that know nothing of us return NumPy's.
"""

from typing import Any

import numpy

from . import _maniple

ndarray = _maniple.ndarray
scalar = _maniple.scalar

_KINDS = (ndarray, scalar)


def is_ours(value: Any) -> bool:
    """Whether `value` is one of our arrays or deferred scalars."""
    return type(value) in _KINDS


class ArrayMeta(type):
    """The class of `ndarray`."""

    def __new__(mcls, name: str, bases: tuple, body: dict, **kwargs: Any) -> Any:
        """A user's subclass: one of NumPy's array."""
        bases = tuple([numpy.ndarray if base is ndarray else base for base in bases])
        kinds = {type(base) for base in bases} - {type}
        return (kinds.pop() if kinds else type)(name, bases, body, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        kind = type(instance)
        return kind is cls or (kind is not scalar and issubclass(kind, numpy.ndarray))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or (subclass is not scalar and issubclass(subclass, numpy.ndarray))

    def __getattr__(cls, name: str) -> Any:
        # What only NumPy's class has, such as `__array_finalize__`, which subclasses call.
        return getattr(numpy.ndarray, name)


def install() -> None:
    """Give `ndarray` its class."""

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
        if cls is not ndarray:
            return numpy.ndarray.__new__(cls, *args, **kwargs)
        positional = [_as_buffer(value) for value in args]
        named = {key: _as_buffer(value) for key, value in kwargs.items()}
        return ndarray._wrap(numpy.ndarray(*positional, **named))

    ndarray.__new__ = staticmethod(__new__)
    _maniple.set_metaclass(ArrayMeta)


def _as_buffer(value: Any) -> Any:
    return value._export(value.flags.writeable) if is_ours(value) else value
