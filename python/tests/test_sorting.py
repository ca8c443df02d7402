"""Sorting, its orders, and unique elements: NumPy's bits for every dtype, layout, axis and way of cutting the work."""

import inspect
import sys

import numpy
import pytest
from conftest import check_same, run_python

import maniple
import maniple.numpy as np

SHAPES = [(0,), (1,), (2,), (50,), (1000,), (30_000,), (7, 9), (200, 40), (3, 0, 2), (4, 1, 30), (6, 70, 5)]
VIEWS = {
    "all": lambda x: x,
    "every other": lambda x: x[::2],
    "backwards": lambda x: x[..., ::-1],
    "transposed": lambda x: x.T,
}
DTYPES = "?bhilBHILefd"


def sample(shape, dtype, kind):
    """Numbers with ties, without, or with zeros of both signs and several kinds of what is no number."""
    random = numpy.random.RandomState(len(shape) + kind)
    if kind == 0:
        return random.randint(0, 5, shape).astype(dtype)
    if dtype in "efd":
        numbers = random.standard_normal(shape).astype(dtype)
        if kind == 2:
            specials = numpy.array([0.0, -0.0, numpy.nan, -numpy.nan, numpy.inf, -numpy.inf], dtype)
            numbers = numpy.where(random.rand(*shape) < 0.5, random.choice(specials, shape), numbers)
        return numbers
    if dtype == "?":
        return random.rand(*shape) < 0.5
    noise = random.bytes(numpy.prod(shape, dtype=int) * numpy.dtype(dtype).itemsize)
    return numpy.frombuffer(noise, dtype).reshape(shape)


def check_bits(ours, theirs, what):
    """Compare class, dtype, layout and bits."""
    assert type(ours) is np.ndarray, what
    found = numpy.asarray(ours)
    assert (found.dtype, found.shape, ours.strides) == (theirs.dtype, theirs.shape, theirs.strides), what
    assert found.tobytes() == theirs.tobytes(), what


def check_sorting(shapes, dtype):
    """Every view and axis of arrays of some shapes."""
    for shape in shapes:
        for kind in range(3):
            numbers = sample(shape, dtype, kind)
            for name, view in VIEWS.items():
                theirs, ours = view(numbers), view(np.array(numbers))
                for axis in range(-1, theirs.ndim):
                    what = (dtype, shape, kind, name, axis)
                    check_bits(
                        np.sort(ours, axis, kind="stable"), numpy.sort(theirs, axis, kind="stable"), what
                    )
                    check_bits(ours.argsort(axis), theirs.argsort(axis, kind="stable"), what)
                    mine, yours = np.array(numbers), numbers.copy()
                    view(mine).sort(axis)
                    view(yours).sort(axis, kind="stable")
                    check_bits(mine, yours, what)


def check_unique(numbers):
    """Every combination of what is returned."""
    ours = np.array(numbers)
    for flags in range(8):
        wanted = {
            name: True
            for bit, name in enumerate(("return_index", "return_inverse", "return_counts"))
            if flags >> bit & 1
        }
        for equal_nan in (True, False):
            if not equal_nan and flags & 3 == 2 and (numbers != numbers).any():
                # NumPy sorts NaNs in any order where nobody asks for the first of each.
                continue
            found = np.unique(ours, equal_nan=equal_nan, **wanted)
            expected = numpy.unique(numbers, equal_nan=equal_nan, **wanted)
            if not flags & 1:
                # Nor does it say which of two zeros stays.
                found, expected = without_signs_of_zeros(found), without_signs_of_zeros(expected)
            check_same(found, expected)


def without_signs_of_zeros(found):
    values, *rest = found if isinstance(found, tuple) else (found,)
    return (values + values.dtype.type(0), *rest)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sorting(dtype):
    """Arrays of every shape are sorted as by NumPy's stable sort."""
    check_sorting(SHAPES, dtype)


@pytest.mark.parametrize("dtype", "hfdlL")
def test_long_rows(dtype):
    """Rows that are cut into runs, and the runs merged."""
    check_sorting([(140_001,), (1, 200_000)], dtype)


def test_long_rows_apart():
    """Long rows whose elements do not lie side by side."""
    check_sorting([(70_000, 3)], "d")


@pytest.mark.parametrize("dtype", DTYPES)
def test_unique(dtype):
    """Unique elements with all that goes with them."""
    for shape in [(0,), (1,), (900,), (70, 30), (20_000,)]:
        for kind in range(3):
            check_unique(sample(shape, dtype, kind))


CALLS = """
a.sort(); a
a.sort(kind='mergesort'); a
a.sort(kind='heapsort'); a
a.sort(kind='stable'); a
a.sort(stable=True); a
a.sort(stable=False); a
a.sort(kind='m'); a
a.sort(kind='bubble')
a.sort(kind='stable', stable=True)
a.sort(order='x')
a.sort(axis=None)
a.sort(axis=1)
a.sort(axis=-2)
a.sort(axis=0.5)
a.sort(0, 'stable'); a
a.argsort()
a.argsort(None)
a.argsort(axis=3)
a.argsort(kind='radix')
a.argsort(stable=True)
a.argsort(order='x')
m.sort(); m
m.sort(0); m
m.argsort(None)
m.argsort(0)
m[::-1].argsort(1)
np.sort(m, axis=None)
np.sort(m, axis=None, kind='stable')
np.sort(m.T, axis=0)
np.sort(m, axis=2)
np.sort(m, order='x')
np.argsort(m, axis=None)
np.argsort(m, axis=-3)
np.sort(z)
z.sort(); z
np.argsort(z)
np.sort(np.float64(3))
np.sort(np.array(3.0), axis=None)
np.argsort(np.array(3.0))
np.array(3.0).argsort(0)
np.array(3.0).sort()
np.sort([3, 1, 2])
np.argsort((3, 1, 2))
np.unique(z)
np.unique(m, axis=0)
np.unique(m, axis=1, return_inverse=True)
np.unique_all(m)
np.unique_counts(a)
np.unique_inverse(m)
np.sort(np.unique_values(a))
np.msort(a)
r.sort()
np.sort(r)
np.broadcast_to(a, (2, 5)).copy().sort(0)
""".strip().splitlines()


def answer(call, numpy_like):
    """What a call gives: its value, or the exception."""
    names = {
        "np": numpy_like,
        "a": numpy_like.array([3, 1, 2, 3, 0]),
        "m": numpy_like.array([[3.0, 1], [2, 4], [3, 1]]),
    }
    names |= {"z": numpy_like.array([2j, 1, 1 + 1j]), "r": numpy_like.arange(5)[::-1]}
    names["r"].flags.writeable = False
    *before, last = call.split("; ")
    try:
        for statement in before:
            exec(statement, names)
        return eval(last, names)
    except Exception as raised:
        return f"{type(raised).__name__}: {raised}"


@pytest.mark.parametrize("call", CALLS)
def test_calls(call):
    """Arguments of every kind, and what is wrong with them."""
    check_same(answer(call, np), answer(call, numpy))


def test_is_native():
    """Numbers are sorted here, and nobody is asked for anything else."""
    for dtype in DTYPES:
        numbers = np.array(sample((20_000,), dtype, 2))
        numbers.sort()
        numbers.argsort(kind="stable")
        np.unique(numbers, return_index=True, return_inverse=True, return_counts=True)
    assert not maniple.report().rows


SETTINGS = [
    {"MANIPLE_SMALL": "0", "MANIPLE_CHECK": "1", "MANIPLE_PIECES": "5"},
    {"MANIPLE_SMALL": "0", "MANIPLE_MACHINE": "1,1", "MANIPLE_MAPPER": "random:3"},
    {"MANIPLE_SMALL": "0", "MANIPLE_MACHINE": "5", "MANIPLE_WINDOW": "1"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: " ".join(settings.values()))
def test_however_it_is_cut(settings):
    """The same under settings that cut and place the work in other ways."""
    done = run_python(__file__, environment=settings)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    for each in "bed":
        check_sorting([(50,), (1000,), (200, 40), (6, 70, 5)], each)
        check_unique(sample((3000,), each, 2))
    for each in "hfd":
        check_sorting([(330_000,)], each)
    sys.exit(0)


@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_methods_tell_their_signature(name):
    parameters = inspect.signature(getattr(np.ndarray, name)).parameters
    assert list(parameters) == ["self", "axis", "kind", "order", "stable"]
    assert parameters["self"].kind is inspect.Parameter.POSITIONAL_ONLY
