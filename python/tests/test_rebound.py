"""NumPy's own code over our arrays gives NumPy's answers, and our arrays."""

import numpy
import pytest
from conftest import check_same

import maniple
import maniple.numpy as np

CASES = """
np.roll(a, 3)
np.roll(m, (1, 2), axis=(0, 1))
np.gradient(a)
np.gradient(m, 0.5, axis=1)
np.diff(a, 2)
np.diff(m, axis=0, prepend=0)
np.ediff1d(a, to_end=[1.0])
np.stack([a, a], axis=1)
np.vstack([a, a])
np.hstack([m, m])
np.dstack([m, m])
np.column_stack([a, a])
np.block([[m, m], [m, m]])
np.split(a, 5)
np.array_split(a, 3)
np.hsplit(m, 2)
np.vsplit(m, 3)
np.pad(m, 1)
np.pad(m, ((1, 2), (0, 1)), mode='edge')
np.pad(a, 3, mode='reflect')
np.pad(a, 3, mode='wrap')
np.pad(a, 3, mode='linear_ramp', end_values=1.0)
np.pad(m, 1, constant_values=7)
np.flip(m, 0)
np.fliplr(m)
np.flipud(m)
np.rot90(m)
np.rot90(m, 3)
np.trapezoid(a)
np.meshgrid(a, a[:3])
np.meshgrid(a, a[:3], indexing='ij', sparse=True)
np.average(m, axis=0)
np.average(a, weights=w)
np.ptp(m, axis=1)
np.nanmax(n)
np.nanargmin(n)
np.nancumsum(n)
np.nansum(n)
np.cov(m)
np.corrcoef(m)
np.kron(m[:2], m[:2])
np.tile(a, (2, 2))
np.outer(a, a)
np.cross(v3, v3[::-1])
np.tensordot(m, m, axes=([0], [0]))
np.moveaxis(c, 0, -1)
np.rollaxis(c, 2)
np.atleast_1d(3.0)
np.atleast_2d(a)
np.atleast_3d(a)
np.expand_dims(a, (0, 2))
np.linspace(0, 1, 7)
np.linspace(0, 10, 5, endpoint=False, retstep=True)
np.linspace(a[:2], a[2:4], 3)
np.isclose(a, a + 1e-9)
np.allclose(a, a + 1e-9)
np.array_equal(a, a)
np.array_equiv(a, m)
np.histogram(a, bins=3)
np.histogram(a, bins=[0, 2, 5, 9.5])
np.histogram2d(a, a, bins=3)
np.interp([0.5, 2.5], a, a * 2)
np.select([a < 3, a > 6], [a, -a], 99)
np.piecewise(a, [a < 5, a >= 5], [-1, lambda x: x * 2])
np.unwrap(a * 4)
np.vander(a[:4])
np.tri(3, 4, 1)
np.tril(m)
np.triu(m, 1)
np.eye(3, 4, k=1)
np.identity(3)
np.diag(a[:3])
np.diag(m)
np.diagflat(a[:3], 1)
np.indices((2, 3))
np.fromfunction(lambda i, j: i + 2 * j, (2, 3))
np.ix_([0, 2], [1, 2])
np.apply_along_axis(lambda x: x[::-1] * 2, 1, m)
np.apply_over_axes(np.sum, c, [0, 2])
np.median(a)
np.median(m, axis=0)
np.percentile(a, [25, 50, 75])
np.quantile(m, 0.3, axis=1)
np.quantile(a, 0.3, method='nearest')
np.setdiff1d(i, [1, 2])
np.union1d(i, [100])
np.intersect1d(i, [3, 4, 99])
np.setxor1d(i, [3, 4, 99])
np.isin(i, [1, 2])
np.unique(i % 3)
np.unique(i % 3, return_counts=True, return_index=True, return_inverse=True)
np.linalg.norm(a)
np.linalg.norm(m, axis=1)
np.linalg.norm(m, ord=1)
np.linalg.matrix_power(sq, 3)
np.linalg.multi_dot([m, m.T, m])
np.trim_zeros(i)
np.extract(a > 3, a)
np.delete(a, [1, 2])
np.delete(m, 1, axis=1)
np.insert(a, 2, 99)
np.insert(m, [1, 2], 7, axis=1)
np.append(a, [1, 2])
np.append(m, m, axis=0)
np.take_along_axis(m, np.argsort(m, axis=1), axis=1)
np.digitize(a, [2, 5])
np.nan_to_num(n)
np.real_if_close(z)
np.real(z)
np.imag(z)
np.angle(z)
np.iscomplexobj(z)
np.common_type(a, f)
np.sinc(a)
np.i0(a[:3])
np.hanning(5)
np.kaiser(5, 2.0)
np.convolve(a, [1, 2, 1])
np.correlate(a, [1, 2, 1], 'same')
np.fix(a - 3.5)
np.isposinf(n)
np.cumulative_sum(a, include_initial=True)
np.clip(a, 2, 5)
np.round(a / 3, 2)
np.argwhere(a > 5)
np.flatnonzero(a > 5)
np.count_nonzero(m, axis=0)
np.resize(a, (3, 5))
np.repeat(a, 2)
np.choose([0, 1, 0], [a[:3], -a[:3]])
np.compress([True, False, True], m, axis=0)
np.squeeze(a[None])
np.swapaxes(c, 0, 2)
np.std(m, axis=1)
np.var(a, ddof=1)
np.mean(m, axis=(0, 1))
np.mean(f)
np.sort_complex(a)
np.broadcast_arrays(a, m[:1, :1])
np.lib.stride_tricks.sliding_window_view(a, 3)
np.polyval([1, 2, 3], a)
np.polymul([1, 2], a[:3])
np.polyder(a)
np.tril_indices(3)
np.triu_indices_from(sq)
np.diag_indices(3)
np.mask_indices(3, np.triu)
np.fft.fftshift(a)
np.fft.fftfreq(6, 0.1)
np.emath.sqrt(a - 5)
np.vectorize(lambda x, y: x + y)(a, 2)
np.full((2, 2), 3)
np.full_like(a, 2)
np.ones_like(m)
np.require(m, requirements='F')
np.asarray_chkfinite(a)
np.logspace(0, 2, 3)
np.geomspace(1, 100, 3)
"""


def operands(module):
    """The variables of the cases."""
    a = module.arange(10.0)
    return {
        "np": module,
        "a": a,
        "w": module.arange(10.0) + 1,
        "i": module.arange(12) % 7,
        "f": module.arange(6, dtype=module.float32),
        "m": module.arange(12.0).reshape(3, 4) % 5,
        "c": module.arange(24).reshape(2, 3, 4),
        "n": module.array([1.0, module.nan, 3.0, module.inf]),
        "z": module.array([1 + 0j, 2 - 3j, 4j]),
        "v3": module.array([[1.0, 2, 3], [4, 5, 6]]),
        "sq": module.arange(9).reshape(3, 3),
    }


NEAR = (
    "average",
    "cov",
    "corrcoef",
    "sinc",
    "i0",
    "kaiser",
    "logspace",
    "geomspace",
    "std",
    "angle",
    "hanning",
    "norm",
)


@pytest.mark.parametrize("source", CASES.strip().splitlines())
def test_same_as_numpy(source):
    ours, theirs = eval(source, operands(np)), eval(source, operands(numpy))
    if any(f"np.{name}" in source or f"linalg.{name}" in source for name in NEAR):
        assert (type(ours) is np.ndarray) == (type(theirs) is numpy.ndarray)
        numpy.testing.assert_allclose(numpy.asarray(ours), theirs, rtol=1e-14, strict=True)
    else:
        check_same(ours, theirs)


@pytest.mark.parametrize(
    "source", ["np.roll(a, 3)", "np.stack([a, a])", "np.linspace(0, 1, 5)", "np.diff(a)", "np.flip(m)"]
)
def test_runs_without_numpy(source):
    scope = operands(np)
    with maniple.fallback("error"):
        eval(source, scope)
    assert maniple.report().rows == []


def test_functions_that_write():
    for module in (np, numpy):
        m = module.zeros((4, 4))
        module.fill_diagonal(m, 3)
        module.put_along_axis(m, module.array([[1]]), 9, axis=1)
        module.put_along_axis(m, module.array([7, 14]), 8, axis=None)
        module.place(m, m == 0, [1, 2])
        if module is np:
            ours = m
    check_same(ours, m)


def test_generators_are_refused_as_in_numpy():
    for name in ("vstack", "hstack", "stack", "dstack", "column_stack"):
        with pytest.raises(TypeError, match="arrays to stack must be"):
            getattr(np, name)(np.arange(2) for _ in range(2))


def test_numpy_arrays_become_ours():
    assert type(np.roll(numpy.arange(3), 1)) is np.ndarray
    a = numpy.zeros((2, 2))
    np.fill_diagonal(a, 1)
    assert a.tolist() == [[1, 0], [0, 1]]
