"""What `ndarray` and `ufunc` have in NumPy and not natively, and what stands for NumPy's functions in its protocols."""

import copyreg
from typing import Any

import numpy

from .. import _fallback
from . import _mirror


def complete(cls: type) -> None:
    """Give `cls` every public method and attribute of NumPy's array that it lacks; they run in NumPy."""
    own = _own_names(cls)
    for name, value in vars(numpy.ndarray).items():
        if name not in own and not name.startswith("__"):
            setattr(cls, name, _method(name, value) if callable(value) else _attribute(name))


def complete_ufunc(cls: type) -> None:
    """Give `cls` what NumPy's ufuncs have besides, and make ours equal to NumPy's of the same name."""
    own = _own_names(cls)
    for name in vars(numpy.ufunc):
        if name not in own and not name.startswith("__"):
            setattr(cls, name, _attribute_of_ufunc(name))
    cls.__eq__ = _same_ufunc
    cls.__hash__ = _hash_of_ufunc
    copyreg.pickle(cls, _reduce_ufunc)


def array_function(func: Any, types: Any, args: tuple, kwargs: dict) -> Any:
    """The answer to `__array_function__`: NumPy's function was called with our array; ours answers."""
    ours = _mirror.translate(func)
    if ours is not func:
        return ours(*args, **kwargs)
    return _fallback.run(_mirror.dotted(func), func, args, kwargs)


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


def _attribute_of_ufunc(name: str) -> property:
    return property(lambda self: getattr(_numpys(self), name), doc=getattr(numpy.ufunc, name).__doc__)


def _own_names(cls: type) -> set[str]:
    return {name for base in cls.__mro__[:-1] for name in vars(base)}


def _numpys(ufunc: Any) -> numpy.ufunc:
    return getattr(numpy, ufunc.__name__)


def _same_ufunc(self: Any, other: Any) -> bool:
    if isinstance(other, numpy.ufunc):
        return _numpys(self) is other
    return self is other


def _hash_of_ufunc(self: Any) -> int:
    return hash(_numpys(self))


def _reduce_ufunc(ufunc: Any) -> tuple:
    return _ufunc_named, (ufunc.__name__,)


def _ufunc_named(name: str) -> Any:
    return _mirror.translate(getattr(numpy, name))
