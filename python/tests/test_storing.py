"""Numbers stored in one element, or in many: NumPy's values, or its exceptions, whether or not work is pending."""

import numpy
import pytest

import maniple
import maniple.numpy as np

NUMBERS = ["1e300", "-1e300", "2.0**63", "float('nan')", "float('inf')", "2.9", "300", "-1", "2**70", "True", "1j"]
KEYS = ["1", "-1", "1:3", "..."]


def stored(xp, dtype, key, number, pending):
    """The array afterwards, or the type of the exception."""
    x = xp.ones(4, dtype)
    if pending:
        x = x + x
    else:
        maniple.sync()
    try:
        exec(f"x[{key}] = {number}", {"x": x})
    except Exception as error:
        return type(error)
    return numpy.asarray(x).tolist()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize("dtype", ["int64", "float64", "float32", "bool", "complex128", "uint8"])
def test_stored(dtype, pending):
    """Every number, by every key."""
    for key in KEYS:
        for number in NUMBERS:
            expected = stored(numpy, dtype, key, number, pending)
            assert repr(stored(np, dtype, key, number, pending)) == repr(expected), (key, number)


OVER_INPUTS = {
    "all": lambda xp, b: xp.sin(b, out=b),
    "events": lambda xp, b: xp.divide(b, b - b, out=b),
    "shifted": lambda xp, b: xp.add(b[1:], b[:-1], out=b[1:]),
    "shifted back": lambda xp, b: xp.subtract(b[1:], b[:-1], out=b[:-1]),
    "turned": lambda xp, b: xp.add(b, b[::-1], out=b),
    "every other": lambda xp, b: xp.multiply(b[::2], b[1::2][:1], out=b[::2]),
    "two steps": lambda xp, b: xp.clip(b[1:], 5, 1e9, out=b[:-1]),
    "some": lambda xp, b: xp.negative(b[::-1], out=b, where=b > 1e9),
    "copied": lambda xp, b: xp.copyto(b[1:], b[:-1]),
    "running": lambda xp, b: xp.cumsum(b, out=b),
    "reduced": lambda xp, b: xp.sum(b[:-1].reshape(-1, 4), axis=1, out=b[: (b.size - 1) // 4]),
    "taken": lambda xp, b: xp.take(b, xp.arange(b.size)[::-1], out=b, mode="clip"),
    "halves": lambda xp, b: xp.add(b.view("u2")[::2], 1, out=b.view("u2")[1::2]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("size", [101, 40_001])
@pytest.mark.parametrize("name", OVER_INPUTS)
def test_results_in_numpys_arrays_over_what_is_read(name, size):
    """An array of NumPy's that is input and output at once, or two views of one, of which some are too large to copy."""
    ours, theirs = numpy.linspace(1, 1e10, size, dtype="f4"), numpy.linspace(1, 1e10, size, dtype="f4")
    OVER_INPUTS[name](np, ours)
    OVER_INPUTS[name](numpy, theirs)
    numpy.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
