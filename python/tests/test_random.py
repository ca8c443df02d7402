"""Long draws give NumPy's numbers and leave NumPy's state, whatever draws them."""

import numpy
import pytest
from conftest import check_same

import maniple.numpy as np

LONG = 600_011
"""More than two chunks, and not a multiple of anything."""

DRAWS = {
    "random": [
        ("random", (LONG,), {}),
        ("random", (), {"size": (3, LONG // 3)}),
        ("random", (LONG, "float32"), {}),
        ("random", (5,), {}),
    ],
    "uniform": [
        ("uniform", (-2, 5.5, LONG), {}),
        ("uniform", (), {"high": 3.0, "size": (LONG,)}),
        ("uniform", ([1.0, 2.0], 3.0, (LONG // 2, 2)), {}),
    ],
    "integers, some rejected": [
        ("integers", (0, 1000, LONG), {}),
        ("integers", (7,), {"size": LONG, "dtype": numpy.int32}),
        ("integers", (0, 1 << 62, LONG), {}),
        ("integers", (0, 100, LONG, "uint8"), {}),
        ("random", (3,), {}),
    ],
    "integers, many rejected": [
        ("integers", (-5, 2_863_311_530, LONG), {}),
        ("integers", (0, 3 << 61, LONG), {"endpoint": True}),
        ("integers", (0, 500_000_000, LONG), {}),
    ],
    "integers at the ends of their ranges": [
        ("integers", (0, (1 << 32) - 1, LONG), {"endpoint": True}),
        ("integers", (1, 1, LONG), {"endpoint": True}),
        ("integers", (-(1 << 63), (1 << 63) - 1, LONG), {"endpoint": True}),
    ],
    "half a word left over": [
        ("integers", (0, 9), {}),
        ("integers", (0, 1000, LONG), {}),
        ("random", (LONG,), {}),
        ("integers", (0, 9), {}),
    ],
    "normal": [
        ("standard_normal", (LONG,), {}),
        ("standard_normal", (LONG, "float32"), {}),
        ("normal", (1, 2.5, LONG), {}),
        ("normal", (1,), {"size": LONG}),
        ("lognormal", (0.1, 0.2, (LONG,)), {}),
    ],
    "exponential": [
        ("exponential", (), {"size": LONG, "scale": 3}),
        ("standard_exponential", (LONG,), {}),
        ("standard_exponential", (), {"size": LONG, "method": "inv"}),
    ],
}

MISTAKES = [
    ("random", (LONG, "int64"), {}),
    ("uniform", (0.0, numpy.inf, LONG), {}),
    ("uniform", (1.0, 0.0, LONG), {}),
    ("integers", (5, 5, LONG), {}),
    ("integers", (0, 1 << 40, LONG, "int32"), {}),
    ("normal", (0.0, -1.0, LONG), {}),
    ("exponential", (1.0, LONG), {"scale": 2.0}),
    ("random", (-1,), {}),
]


def same_state(ours, theirs):
    return repr(ours.bit_generator.state) == repr(theirs.bit_generator.state)


@pytest.mark.parametrize("bits", ["PCG64", "PCG64DXSM", "Philox", "MT19937"])
@pytest.mark.parametrize("draws", DRAWS.values(), ids=DRAWS.keys())
def test_long_draws(bits, draws):
    make = getattr(numpy.random, bits)
    ours, theirs = np.random.Generator(make(3)), numpy.random.Generator(make(3))
    for name, args, kwargs in draws:
        check_same(getattr(ours, name)(*args, **kwargs), getattr(theirs, name)(*args, **kwargs))
        assert same_state(ours, theirs), (name, args, kwargs)


@pytest.mark.parametrize("name, args, kwargs", MISTAKES)
def test_mistakes_are_numpys(name, args, kwargs):
    ours, theirs = np.random.default_rng(1), numpy.random.default_rng(1)
    try:
        expected = getattr(theirs, name)(*args, **kwargs)
    except Exception as error:
        with pytest.raises(type(error)):
            getattr(ours, name)(*args, **kwargs)
    else:
        check_same(getattr(ours, name)(*args, **kwargs), expected)
    assert same_state(ours, theirs)


def test_what_is_drawn_is_ours():
    drawn = np.random.default_rng(1).random(LONG)
    assert type(drawn) is np.ndarray and drawn.flags.owndata and drawn.flags.writeable
    before = numpy.asarray(drawn).copy()
    drawn += 1.0
    check_same(drawn, before + 1.0)
