"""Arrays computed from their own neighbouring elements: large ones are written to other memory, which becomes theirs."""

import numpy
import pytest

import maniple.numpy as np

SIDE = 400
"""Squares of so many doubles take more than a mebibyte."""


def jacobi(u):
    u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def heat(u):
    centre = u[1:-1, 1:-1]
    centre += 0.2 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * centre)
    u[:, 0] = u[:, 1]
    u[:, -1] = u[:, -2]


def shift(u):
    u[1:] += 0.5 * u[:-1]


def backwards(u):
    u[::-1][1:-1] = u[::-1][2:] - u[::-1][:-2]


def columns(u):
    u[:, 1:-1] = u[:, 2:] * u[:, :-2]


def turned(u):
    v = u.T
    v[1:-1] = v[2:] + v[:-2]


def two_halves(u):
    half = SIDE // 2
    upper, lower = u[:half] + u[half:], u[:half] - u[half:]
    u[:half] = upper
    u[half:] = lower


def with_greatest(u):
    v = 0.5 * (u[2:] + u[:-2])
    u[1:-1] = v
    u[0] = v.max(axis=0)


def read_between(u):
    before = u * 1.0
    jacobi(u)
    after = u * 1.0
    u[1:-1] += after[2:] - before[:-2]


def inner_axis(u):
    cube = u.reshape(SIDE, 20, 20)
    cube[1:-1, 1:-1, 1:-1] += 0.1 * (cube[2:, 1:-1, 1:-1] - cube[:-2, 1:-1, 1:-1] + cube[1:-1, 1:-1, 2:])


@pytest.mark.parametrize(
    "step",
    [jacobi, heat, shift, backwards, columns, turned, two_halves, with_greatest, read_between, inner_axis],
    ids=lambda step: step.__name__,
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("sweeps", [1, 2, 17])
def test_sweeps_are_numpys(step, dtype, sweeps):
    start = numpy.random.default_rng(1).uniform(0.1, 1.0, (SIDE, 2 * SIDE if dtype == "float32" else SIDE))
    if step is inner_axis and dtype == "float32":
        start = start[:, :SIDE]
    ours, theirs = np.array(start.astype(dtype)), start.astype(dtype)
    for u in (ours, theirs):
        for _ in range(sweeps):
            step(u)
    numpy.testing.assert_array_equal(numpy.asarray(ours), theirs)


def test_whoever_holds_the_memory_sees_what_is_written():
    ours, theirs = np.ones((SIDE, SIDE)), numpy.ones((SIDE, SIDE))
    ours[0] = theirs[0] = 5.0
    shared, buffer = numpy.asarray(ours), memoryview(ours)
    jacobi(ours)
    jacobi(theirs)
    float(ours[1, 1])
    numpy.testing.assert_array_equal(shared, theirs)
    numpy.testing.assert_array_equal(numpy.frombuffer(buffer, float).reshape(SIDE, SIDE), theirs)


def test_numpys_own_memory_is_written_where_it_is():
    own, theirs = numpy.ones((SIDE, SIDE)), numpy.ones((SIDE, SIDE))
    own[0] = theirs[0] = 5.0
    ours = np.asarray(own)
    for _ in range(3):
        jacobi(ours)
        jacobi(theirs)
    float(ours[1, 1])
    numpy.testing.assert_array_equal(numpy.asarray(ours), theirs)
    if numpy.shares_memory(numpy.asarray(ours), own):
        numpy.testing.assert_array_equal(own, theirs)


def test_views_made_before_see_what_is_written():
    u = np.ones((SIDE, SIDE))
    row, flat = u[3], u.reshape(-1)
    u[0] = 5.0
    for _ in range(5):
        jacobi(u)
    assert float(row[7]) == float(u[3, 7]) == float(flat[3 * SIDE + 7]) > 1.0
    row[7] = 9.0
    assert float(u[3, 7]) == 9.0
