"""Functions of NumPy's written again because they look only at dtypes, or because NumPy has them in C."""

from typing import Any

import numpy
from numpy._core._multiarray_umath import _array_converter, _unique_hash
from numpy.lib import _stride_tricks_impl

from .. import _fallback
from .._arrays import is_ours, ndarray
from . import _mirror


def result_type(*arrays_and_dtypes: Any) -> numpy.dtype:
    """`numpy.result_type`, which needs no values: an array counts as its dtype."""
    return numpy.result_type(*[_dtype_or_self(value) for value in arrays_and_dtypes])


def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    """`numpy.can_cast`, where an array counts as its dtype."""
    return numpy.can_cast(_dtype_or_self(from_), to, casting)


def min_scalar_type(a: Any, /) -> numpy.dtype:
    """`numpy.min_scalar_type`, which looks at the value of 0-d arrays only."""
    if is_ours(a) and a.ndim:
        return a.dtype
    return _fallback.run_unrecorded(numpy.min_scalar_type, (a,), {})


def broadcast_for_views(array: Any, shape: Any, subok: bool, readonly: bool) -> Any:
    """NumPy's private `_broadcast_to`, which is over `nditer`; ours is always read-only."""
    return _mirror.translate(numpy.broadcast_to)(array, shape)


def frompyfunc(func: Any, /, nin: int, nout: int, **kwargs: Any) -> Any:
    """`numpy.frompyfunc`: the ufunc gives our arrays."""
    return _mirror.FallbackUfunc(numpy.frompyfunc(func, nin, nout, **kwargs))


class ArrayConverter:
    """NumPy's private `_array_converter`, which its Python code uses to return what it was given.

    NumPy's is in C and makes NumPy's arrays; ours makes ours and knows no subclasses, since calls with
    subclasses do not reach rebound code.
    """

    def __init__(self, *array_likes: Any):
        asarray = _mirror.translate(numpy.asarray)
        self._given = array_likes
        self._arrays = tuple([value if type(value) is ndarray else asarray(value) for value in array_likes])
        self.scalar_input = tuple(
            [
                not array.ndim and not (type(value) is ndarray or isinstance(value, numpy.ndarray))
                for value, array in zip(array_likes, self._arrays)
            ]
        )

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, index: int) -> Any:
        return self._arrays[index]

    def as_arrays(self, *, subok: bool = True, pyscalars: str = "convert_if_no_array") -> tuple:
        """The arrays; Python numbers stay as they are where `pyscalars` says so."""
        if pyscalars not in ("convert", "preserve", "convert_if_no_array"):
            raise ValueError(f"pyscalars {pyscalars!r}: expected convert, preserve or convert_if_no_array")
        numbers = [type(value) in (int, float, complex) for value in self._given]
        if pyscalars == "convert" or (pyscalars == "convert_if_no_array" and all(numbers)):
            return self._arrays
        return tuple(
            [value if number else array for value, number, array in zip(self._given, numbers, self._arrays)]
        )

    def result_type(self, extra_dtype: Any = None, ensure_inexact: bool = False) -> numpy.dtype:
        """The dtype of the arrays and `extra_dtype`, at least floating where `ensure_inexact` says so."""
        operands = [
            value if type(value) in (int, float, complex) else array.dtype
            for value, array in zip(self._given, self._arrays)
        ]
        if extra_dtype is not None:
            operands.append(extra_dtype)
        if ensure_inexact:
            operands.append(0.0)
        return numpy.result_type(*operands)

    def wrap(self, array: Any, /, to_scalar: bool | None = None) -> Any:
        """`array`, as a scalar if all that was given were scalars."""
        if to_scalar is None:
            to_scalar = all(self.scalar_input)
        if to_scalar and is_ours(array) and not array.ndim:
            return array[()]
        return array


def unique_by_hash(array: Any, /, *, equal_nan: bool = True) -> Any:
    """NumPy's private `_unique_hash`, which gives way to sorting: here that is the faster of the two."""
    return NotImplemented


def _dtype_or_self(value: Any) -> Any:
    return value.dtype if is_ours(value) else value


def _dressed(original: Any, ours: Any) -> tuple[Any, Any]:
    return original, _mirror.dress(ours, original)


REPLACEMENTS = [
    _dressed(numpy.result_type, result_type),
    _dressed(numpy.can_cast, can_cast),
    _dressed(numpy.min_scalar_type, min_scalar_type),
    _dressed(numpy.shares_memory, _mirror.unrecorded(numpy.shares_memory)),
    _dressed(numpy.may_share_memory, _mirror.unrecorded(numpy.may_share_memory)),
    (numpy.frompyfunc, frompyfunc),
    (_stride_tricks_impl._broadcast_to, broadcast_for_views),
    (_array_converter, ArrayConverter),
    (_unique_hash, unique_by_hash),
]
