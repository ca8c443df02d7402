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
