"""Numbers stored in one element, or in many: NumPy's values, or its exceptions, whether or not work is pending."""

import warnings

import numpy
import pytest

import maniple
import maniple.numpy as np

NUMBERS = [
    "1e300",
    "-1e300",
    "2.0**63",
    "float('nan')",
    "float('inf')",
    "2.9",
    "300",
    "-1",
    "2**70",
    "True",
    "1j",
]
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


IN_PLACE = {
    "one": lambda xp, x, y, z: xp.subtract(x, y, out=x),
    "steps": "x *= y; x += 1; x -= y",
    "two arrays": "x += y * 2; z -= y * 3",
    "one of the other": "x += z; z *= x",
    "folded": "x -= y * 2; s = (x * x).sum()",
    "two folded": "x += y * 2; z -= y * 3; s = (z * z).sum(); t = x.max()",
    "rows folded": "x -= y * 2; s = (x * x).sum(axis=1)",
    "columns folded": "x -= y * 2; s = (x * x).sum(axis=0)",
    "parts": "x[:, 1:] -= y[:, :-1]; x[1:, :-1] *= y[:-1, 1:]; s = (x < 0.3).sum()",
    "part folded": "v = x[:, 3:]; v *= y[:, 3:]; s = (v + 1).sum(axis=1)",
    "between": "x *= y; np.tanh(x, out=x); x *= z; s = x.sum()",
    "kept as it was": "w = x * 1; x *= y; s = (x + w).sum()",
    "narrow": "a = x.astype('f4'); np.multiply(a, y, out=a, casting='unsafe'); s = a.sum(dtype='f8')",
    "truth": "m = x > 0.5; m ^= y > 0.5; s = m.sum()",
    "integers": "i = (x * 100).astype('i8'); i -= 3; s = (i * i).sum()",
}


@pytest.mark.parametrize("shape", [(70, 1000), (1, 2500), (300, 70), (3, 41_003)])
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_with_events(name, shape):
    """What is written over what it is computed from, and events in some places of it: values, and who is told to have raised."""

    def run(xp, places):
        random = numpy.random.default_rng(5)
        x, y, z = (xp.asarray(random.random(shape)) for _ in range(3))
        for place in places:
            x.reshape(-1)[place], y.reshape(-1)[place] = 1e308, -1e308
        scope = {"np": xp, "x": x, "y": y, "z": z}
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for _ in range(2):
                call = IN_PLACE[name]
                call(xp, x, y, z) if callable(call) else exec(call, scope)
                maniple.sync()
        arrays = [numpy.asarray(scope[key]) for key in "xyzwsta" if key in scope]
        return arrays, sorted({str(warning.message) for warning in seen})

    size = shape[0] * shape[1]
    for places in [(), (0,), (size - 1,), (1500, 1501, size // 2), range(0, size, 97)]:
        (ours, told), (theirs, expected) = run(np, places), run(numpy, places)
        for made, wanted in zip(ours, theirs, strict=True):
            numpy.testing.assert_allclose(made, wanted, rtol=1e-10 if made.dtype != "f4" else 1e-5)
        assert told == expected
