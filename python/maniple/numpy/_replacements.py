"""Functions of NumPy's written again because they look only at dtypes, or because NumPy has them in C."""

import functools
from typing import Any

import numpy
from numpy._core._multiarray_umath import _array_converter
from numpy.lib import _arraysetops_impl, _stride_tricks_impl

from .. import _fallback
from .._arrays import is_ours, ndarray
from . import _mirror, _rebound


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


def unique_1d(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    *,
    equal_nan: bool = True,
    inverse_shape: Any = None,
    axis: Any = None,
    sorted: bool = True,
) -> tuple:
    """NumPy's private `_unique1d`, whose hash table gives way to sorting: here that is the faster of the two.

    Nothing is read but how many unique elements there are.
    """
    ours = _mirror.mirror(numpy)
    array = ours.asanyarray(ar)
    if array._foreign is not None or array.dtype.kind not in "biuf":
        options = {"equal_nan": equal_nan, "inverse_shape": inverse_shape, "axis": axis, "sorted": sorted}
        return _numpys_unique_1d()(array, return_index, return_inverse, return_counts, **options)
    values = array.flatten()
    order = None
    if return_index or return_inverse:
        order = values.argsort(kind="stable")
        values = values[order]
    else:
        values.sort()
    is_first = ours.empty(values.shape, dtype=bool)
    is_first[:1] = True
    is_first[1:] = values[1:] != values[:-1]
    if equal_nan and values.dtype.kind == "f":
        # NaNs come last: one that follows another is no new element.
        is_first[1:] &= values[:-1] == values[:-1]
    first = is_first.nonzero()[0]
    found = [values[first]]
    if return_index:
        found.append(order[first])
    if return_inverse:
        inverse = ours.empty(values.shape, dtype=numpy.intp)
        inverse[order] = ours.cumsum(is_first) - 1
        found.append(inverse.reshape(inverse_shape) if axis is None else inverse)
    if return_counts:
        found.append(ours.diff(first, append=values.size))
    return tuple(found)


@functools.cache
def _numpys_unique_1d() -> Any:
    return _rebound.rebind(_arraysetops_impl._unique1d)


def _dtype_or_self(value: Any) -> Any:
    return value.dtype if is_ours(value) else value


def _dressed(original: Any, ours: Any) -> tuple[Any, Any]:
    return original, _mirror.dress(ours, original)


REPLACEMENTS = [
    _dressed(numpy.can_cast, can_cast),
    _dressed(numpy.min_scalar_type, min_scalar_type),
    _dressed(numpy.shares_memory, _mirror.unrecorded(numpy.shares_memory)),
    _dressed(numpy.may_share_memory, _mirror.unrecorded(numpy.may_share_memory)),
    (numpy.frompyfunc, frompyfunc),
    (_stride_tricks_impl._broadcast_to, broadcast_for_views),
    (_array_converter, ArrayConverter),
    (_arraysetops_impl._unique1d, unique_1d),
]
