"""What `ndarray` has in NumPy and not natively: methods and attributes that run in NumPy."""

import copyreg
from typing import Any

import numpy

from .. import _fallback
from .._arrays import is_ours, ndarray
from . import _mirror


def complete(cls: type) -> None:
    """Give `cls` every public method and attribute of NumPy's array that it lacks, and the protocols."""
    own = _own_names(cls)
    for name, value in vars(numpy.ndarray).items():
        if name in own or (name.startswith("__") and name not in _DUNDERS):
            continue
        setattr(cls, name, _method(name, value) if callable(value) else _attribute(name))
    for name, value in _PROTOCOLS.items():
        if name not in own:
            setattr(cls, name, value)


def array_function(func: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """The answer to `__array_function__`: NumPy's function was called with our array; ours answers."""
    ours = _mirror.translate(func)
    if ours is not func:
        return ours(*args, **kwargs)
    return _fallback.run(_mirror.dotted(func), func, args, kwargs)


def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`ndarray.__array_ufunc__`: NumPy's ufunc was called with our array; ours answers."""
    if any(_overrides(value) for value in (*inputs, *kwargs.get("out", ()))):
        return NotImplemented
    ours = _mirror.translate(ufunc)
    out = kwargs.get("out")
    if out is not None and not all(value is None or is_ours(value) for value in out):
        # NumPy was told to write into its own array.
        return _fallback.run(ufunc.__name__, getattr(ufunc, method), inputs, kwargs)
    if out is not None and len(out) == 1:
        kwargs["out"] = out[0]
    return (ours if method == "__call__" else getattr(ours, method))(*inputs, **kwargs)


def array_wrap(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """`ndarray.__array_wrap__`: what NumPy computed, as ours."""
    ours = array if is_ours(array) else ndarray._wrap(array)
    return ours[()] if return_scalar and not ours.ndim else ours


def reduce_for_pickle(self: Any) -> tuple:
    """`ndarray.__reduce__`: an array is pickled as NumPy's array."""
    return _unpickle, (_fallback.run_unrecorded(_alone, (self,), {}),)


def copy_of(self: Any) -> Any:
    """`ndarray.__copy__`."""
    return self.copy()


def deep_copy_of(self: Any, memo: dict) -> Any:
    """`ndarray.__deepcopy__`."""
    if self._foreign is None:
        return self.copy()
    return ndarray._wrap(self._foreign.__deepcopy__(memo))


def array_namespace(self: Any, *, api_version: str | None = None) -> Any:
    """`ndarray.__array_namespace__`: this package."""
    import maniple.numpy

    return maniple.numpy


class _Alone(list):
    """A list that hides its array from the way back to ours."""


def _alone(array: numpy.ndarray) -> _Alone:
    return _Alone([numpy.array(array)])


def _unpickle(held: _Alone) -> Any:
    return ndarray._wrap(held[0])


def _overrides(value: Any) -> bool:
    """Whether `value` is neither ours nor NumPy's and wants ufuncs for itself."""
    kind = type(value)
    if is_ours(value) or kind is numpy.ndarray or issubclass(kind, numpy.generic):
        return False
    return getattr(kind, "__array_ufunc__", None) not in (None, numpy.ndarray.__array_ufunc__)


def _method(name: str, original: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _fallback.run(f"ndarray.{name}", original, (self, *args), kwargs)

    method.__name__ = name
    method.__qualname__ = f"ndarray.{name}"
    method.__doc__ = original.__doc__
    return method


def _attribute(name: str) -> property:
    def get(self: Any) -> Any:
        return _fallback.run(f"ndarray.{name}", getattr, (self, name), {})

    return property(get, doc=getattr(numpy.ndarray, name).__doc__)


def _own_names(cls: type) -> set[str]:
    return {name for base in cls.__mro__[:-1] for name in vars(base)}


_DUNDERS = {
    f"__{name}__"
    for name in """
        abs add and bool complex contains divmod eq float floordiv ge getitem gt iadd iand ifloordiv ilshift
        imatmul imod imul index int invert ior ipow irshift isub iter itruediv ixor le len lshift lt matmul
        mod mul ne neg or pos pow radd rand rdivmod repr rfloordiv rlshift rmatmul rmod rmul ror rpow rrshift
        rshift rsub rtruediv rxor setitem delitem str sub truediv xor format sizeof dlpack dlpack_device
    """.split()
}

_PROTOCOLS = {
    "__array_function__": lambda self, func, types, args, kwargs: array_function(func, types, args, kwargs),
    "__array_ufunc__": array_ufunc,
    "__array_wrap__": array_wrap,
    "__array_namespace__": array_namespace,
    "__array_priority__": 0.0,
    "__copy__": copy_of,
    "__deepcopy__": deep_copy_of,
    "__reduce__": reduce_for_pickle,
}

copyreg.constructor(_unpickle)
