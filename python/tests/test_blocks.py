"""Programs whose calls go along the rows of the same arrays: large ones run block of rows by block of rows."""

import warnings

import numpy
import pytest

import maniple.numpy as np

ROWS = 20_011


def close(ours, theirs):
    numpy.testing.assert_allclose(numpy.asarray(ours), theirs, rtol=1e-12, atol=1e-12)


def regression(xp, x, w):
    for _ in range(3):
        error = x @ w - x[:, 0]
        w = w - 0.5 * (x.T @ error) / len(x)
    return w


def normalised(xp, x, w):
    return (x - x.mean(axis=1)[:, None]) / x.std(axis=1)[:, None]


def softmax(xp, x, w):
    shifted = xp.exp(x - xp.max(x, axis=1)[:, None])
    return shifted / xp.sum(shifted, axis=1)[:, None]


def nearest(xp, x, w):
    centres = x[:5]
    square = xp.sum(x * x, axis=1)[:, None]
    distance = square - 2.0 * (x @ centres.T) + xp.sum(centres * centres, axis=1)
    label = xp.argmin(distance, axis=1)
    member = (label[:, None] == xp.arange(5)) * 1.0
    return label, xp.sum(member, axis=0), member.T @ x


def kept_between(xp, x, w):
    product = x @ w
    rest = product - x[:, 1]
    return rest.sum(), product, xp.abs(rest).max()


def slices(xp, x, w):
    result = 4.0 * x
    result[1:, :] -= x[:-1, :]
    result[:-1, :] -= x[1:, :]
    result[:, 1:] -= x[:, :-1]
    result[:, :-1] -= x[:, 1:]
    return result, (result * x).sum()


def drawn(xp, x, w):
    rng = xp.random.default_rng(3)
    a, b = rng.random(len(x)), rng.uniform(-1.0, 1.0, len(x))
    inside = xp.count_nonzero(a * a + b * b <= 1.0)
    return xp.float64(inside), (x * rng.random((len(x), 1))).sum(axis=0), rng.random(5)


def running(xp, x, w):
    steps = xp.cumsum(x, axis=1)
    return (steps * w).sum(axis=1), steps.max(axis=1)


def parts_of_rows(xp, x, w):
    left, right = x[5:, :3] * 2.0, x[5:, 3:] + 1.0
    low = left.min(axis=1)
    return (right * low[:, None]).sum(axis=0), low.argmax()


def in_place(xp, x, w):
    y = x * 1.0
    y *= w
    y -= y.sum(axis=1)[:, None]
    y[:, 2] = y.max(axis=1)
    return y.sum(axis=0), y


def columns_first(xp, x, w):
    y = x.T * 1.0
    total = y.sum(axis=0)
    return y / total, (y * total).sum(axis=1)


PROGRAMS = [
    regression, normalised, softmax, nearest, kept_between, slices, running, parts_of_rows, in_place, columns_first,
    drawn,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("shape", [(ROWS, 8), (ROWS, 32), (1024, 700), (515, 2500), (300_001, 4)], ids=str)
def test_blocks_give_numpys_values(program, shape):
    rng = numpy.random.default_rng(3)
    x, w = rng.uniform(0.5, 1.0, shape), rng.uniform(-1.0, 1.0, shape[1])
    ours, theirs = program(np, np.array(x), np.array(w)), program(numpy, x, w)
    if not isinstance(theirs, tuple):
        ours, theirs = (ours,), (theirs,)
    for mine, expected in zip(ours, theirs, strict=True):
        close(mine, expected)


def test_warnings_name_the_calls_that_raised_them():
    x = numpy.ones((ROWS, 16))
    x[7] = 0.0

    def program(xp):
        u = xp.array(x)
        scaled = u / u.sum(axis=1)[:, None]
        return numpy.asarray(xp.log(scaled - 1.0).sum(axis=0))

    said = []
    for xp in (np, numpy):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            program(xp)
        said.append(sorted({(str(warning.message), warning.lineno) for warning in caught}))
    assert said[0] == said[1] and len(said[0]) == 2
