"""`argmin` and `argmax` along an axis: many results at a time, whichever axis lies side by side."""

import numpy
import pytest

import maniple.numpy as np

SHAPES = [(40, 16), (100, 3), (33, 31), (64, 1), (300, 8), (7, 5), (5, 300), (3, 70, 9), (50, 64), (1000, 2)]
VIEWS = {
    "all": lambda x: x,
    "every other row": lambda x: x[::2],
    "columns backwards": lambda x: x[:, ::-1],
    "transposed": lambda x: x.T,
    "inner": lambda x: x[1:, 1:],
}


def sample(shape, dtype, kind):
    """Numbers with many ties, few ties, or with missing ones among them."""
    random = numpy.random.RandomState(len(shape) + kind)
    numbers = random.randint(0, 4 if kind == 0 else 100, shape).astype(dtype)
    if kind == 2 and dtype in "efdFD":
        numbers[random.rand(*shape) < 0.1] = numpy.nan
    return (numbers + 1j * random.randint(0, 3, shape)).astype(dtype) if dtype in "FD" else numbers


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", "?bhiqBHIQefdFD")
def test_along_an_axis(dtype, view):
    """Every axis of every shape gives NumPy's places."""
    for shape in SHAPES:
        for kind in range(3):
            numbers = sample(shape, dtype, kind)
            theirs, ours = VIEWS[view](numbers), VIEWS[view](np.array(numbers))
            if theirs.size == 0:
                continue
            for axis in range(theirs.ndim):
                for name in ("argmin", "argmax"):
                    expected = getattr(theirs, name)(axis)
                    found = numpy.asarray(getattr(ours, name)(axis))
                    assert (expected == found).all(), (shape, kind, axis, name)
