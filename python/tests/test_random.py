"""Draws give NumPy's numbers and leave NumPy's state, whatever draws them."""

import threading

import numpy
import pytest
from conftest import check_same

import maniple
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


EACH = {
    "PCG64": numpy.random.PCG64,
    "PCG64DXSM": numpy.random.PCG64DXSM,
    "Philox": numpy.random.Philox,
}
"""Bit generators that tasks draw from."""

SIZES = [4099, 16, 17, 20_001, 5, 1, 70_003, 18, 4100]
"""Some are drawn by NumPy, unless a setting says that nothing is small."""


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


@pytest.mark.parametrize("bits", EACH)
@pytest.mark.parametrize("order", range(4))
def test_draws_between_others(bits, order):
    ours, theirs = np.random.Generator(EACH[bits](order)), numpy.random.Generator(EACH[bits](order))
    others = [
        ("random", (), {}),
        ("integers", (0, 9), {}),
        ("random", (3, "float32"), {}),
        ("standard_normal", (7,), {}),
        ("bytes", (3,), {}),
        ("integers", (0, 9, 2), {"dtype": "uint8"}),
    ]
    for at, size in enumerate(SIZES * 2):
        kind = (at + order) % 3
        drawn = [
            ("random", (size,), {}),
            ("random", (size, "float32"), {}),
            ("uniform", (-3, 0.5, size), {}),
        ][kind]
        for name, args, kwargs in (drawn, others[(at * 5 + order) % len(others)]):
            check_same(getattr(ours, name)(*args, **kwargs), getattr(theirs, name)(*args, **kwargs))
            assert same_state(ours, theirs), (at, name, args)


@pytest.mark.parametrize("bits", EACH)
def test_states_that_are_set_and_moved(bits):
    def moved(step):
        source = EACH[bits](11)
        return step(source) or source

    def with_state(change):
        def step(source):
            numpy.random.Generator(source).random(2)
            state = source.state
            change(state)
            source.state = state

        return step

    def set_numbers(state):
        if bits == "Philox":
            state["state"]["counter"][:] = (1 << 64) - 2
        state["has_uint32"], state["uinteger"] = 1, 4_000_000_000

    steps = [
        lambda source: source.advance(12345678901234567890123),
        lambda source: source.advance(-3),
        lambda source: source.jumped(5),
        lambda source: EACH[bits](source.seed_seq.spawn(3)[2]),
        with_state(set_numbers),
    ]
    if bits == "Philox":
        # Words that are ready, some of which nobody would have drawn.
        for used in range(5):
            steps.append(with_state(lambda state, used=used: state.update(buffer_pos=used)))
        steps.append(with_state(lambda state: state.update(buffer=state["buffer"] + numpy.uint64(1))))
    for at, step in enumerate(steps):
        for dtype in "float64", "float32":
            ours, theirs = np.random.Generator(moved(step)), numpy.random.Generator(moved(step))
            check_same(ours.random(5001, dtype), theirs.random(5001, dtype))
            check_same(ours.random((3, 2001), dtype), theirs.random((3, 2001), dtype))
            assert same_state(ours, theirs), (at, dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_drawing_into_what_is_given(dtype):
    ours, theirs = np.random.default_rng(2), numpy.random.default_rng(2)
    for make in [
        lambda xp: xp.zeros(9001, dtype),
        lambda xp: xp.zeros((3, 2000), dtype),
        lambda xp: xp.zeros(12_000, dtype)[7:6008],
        lambda xp: xp.zeros((70, 90), dtype, order="F"),
        lambda xp: xp.zeros((0, 4), dtype),
    ]:
        for _ in range(2):
            mine, its = make(np), make(numpy)
            assert ours.random(dtype=dtype, out=mine) is mine
            theirs.random(dtype=dtype, out=its)
            check_same(mine, its)
            check_same(ours.random(1, "float32"), theirs.random(1, "float32"))
            assert same_state(ours, theirs)
    into = numpy.zeros(5000, dtype)
    ours.random(dtype=dtype, out=into)
    check_same(np.asarray(into), theirs.random(5000, dtype))
    mine, its = np.zeros((2, 3000), dtype), numpy.zeros((2, 3000), dtype)
    ours.random((2, 3000), dtype, mine)
    theirs.random((2, 3000), dtype, its)
    check_same(mine, its)


@pytest.mark.parametrize(
    "args, given",
    [
        (((6000,), "float64"), lambda xp: xp.zeros((2, 3000))),
        (((6000,), "float32"), lambda xp: xp.zeros(6000)),
        (((6000,), "float64"), lambda xp: xp.zeros((6000, 2))[:, 0]),
        (((6000,), "int64"), lambda xp: xp.zeros(6000, "int64")),
    ],
)
def test_what_does_not_fit_is_refused_as_by_numpy(args, given):
    ours, theirs = np.random.default_rng(2), numpy.random.default_rng(2)
    with pytest.raises((ValueError, TypeError)) as expected:
        theirs.random(*args, out=given(numpy))
    with pytest.raises(expected.type):
        ours.random(*args, out=given(np))
    locked = np.zeros(6000)
    locked.flags.writeable = False
    with pytest.raises(ValueError):
        ours.random(out=locked)
    assert same_state(ours, theirs)


def test_numbers_that_are_used_at_once():
    def pi(xp, n):
        rng = xp.random.default_rng(5)
        x, y = rng.random(n), rng.random(n)
        inside = xp.count_nonzero(x * x + y * y <= 1.0)
        z = rng.uniform(-2.0, 3.0, (n // 10, 10))
        return int(inside), xp.sum(z > 1.0, axis=0), xp.maximum(z.max(axis=1), 1.0), rng.random(n, "float32")

    for n in 100, 40_000, 1_000_010:
        for found, wanted in zip(pi(np, n), pi(numpy, n), strict=True):
            check_same(found, wanted)


def test_uniform_numbers_tell_no_events():
    with np.errstate(all="raise"):
        drawn = np.random.default_rng(1).uniform(0.0, 5e-324, 5000)
        check_same(drawn, numpy.random.default_rng(1).uniform(0.0, 5e-324, 5000))


def test_threads_share_a_generator():
    ours = np.random.default_rng(9)
    drawn = []

    def work():
        for size in (4999, 16, 5001):
            drawn.append(ours.random(size))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Every number of the stream went to one of them, in a piece.
    everything = numpy.random.default_rng(9).random(4 * (4999 + 16 + 5001))
    check_same(np.sort(np.concatenate(drawn)), numpy.sort(everything))


def test_what_is_drawn_is_native():
    with maniple.fallback("error"):
        rng = np.random.default_rng(1)
        for kind in "float64", "float32":
            rng.random(5000, kind)
        rng.uniform(1.0, 2.0, 5000)
        rng.random(out=np.zeros(5000))
        assert not isinstance(rng.random(5000), numpy.ndarray)
