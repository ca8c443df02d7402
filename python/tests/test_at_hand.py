"""Operations on small arrays are computed when they are called: with NumPy's answers, in the program's order."""

import os
import warnings

import numpy
import pytest
from conftest import check_same

import maniple
import maniple.numpy as np
from maniple import _maniple

EXPRESSIONS = """
a + b
a - a[:, ::-1]
a * 2.5
2 / a
a + row
a + column
row - column
a.T @ a + 1
a.T + b.T
a.T + a.T.copy()
a[::2] * b[1::2]
a[:, 1:-1] - a[:, :-2]
a[::-1, ::-2] + 1
i + a
i * 2
i + 2.5
i / i
i // 3
i ** 2
i < 7
(i < 7) & (i > 2)
~(a > b)
a.astype('f4') * b
a.astype('f4') + np.float32(1)
a.astype('f2') * 3
np.sqrt(a)
np.exp(-a)
np.where(a > b, a, b)
np.maximum(a, b) + np.minimum(a, 3)
np.hypot(a, row)
np.arctan2(a, column)
abs(z) + z.real
z * z.conj()
z / 3
np.isnan(a)
np.divmod(a, 3)
np.add(a, b, dtype='f4')
np.add(a, b, where=a > 3, out=np.zeros_like(a))
np.multiply(a, b, out=np.empty((6, 8))[:, ::-1])
np.multiply(a, b, out=np.empty((6, 8), 'f4'), casting='same_kind')
np.add(row, column, out=np.empty((6, 8), order='F'))
np.sin(tall), np.sin(tall[::2])
tall + tall[:, :1]
long + long[::-1]
long * 3 - 1
long[1:] - long[:-1]
np.float64(3) * a[0, 0], a[0, 0] + a[0, 1], a[0, 0] + 1
np.array(3.0) + np.array(4), np.array(3.0) + row
np.array([[[3.0]]]) + a[:1, :1]
a.sum(), i.sum(), z.sum(), (a > 3).sum(), a.astype('f2').sum()
a.prod(), i.min(), a.max(), a[:, 1:].sum(), a.T.sum(), long.sum(), row.sum(), a[0, :1].sum()
np.add.reduce(long), np.logical_or.reduce(a > 5), np.bitwise_xor.reduce(i.ravel())
np.frombuffer(bytes(range(65)), 'f4', offset=1, count=16) * 0 + 1
np.zeros(3), np.ones((2, 3)), np.full((2, 2), 7), np.full(3, 1 + 2j), np.ones(1000)[::7], np.zeros(5, bool)
a.copy(), a.T.copy(), a[:, ::2].copy(), a.astype('i4'), a.astype('f4'), i.astype('f8'), i.astype('f2'), a.astype('c8')
np.zeros((0, 3)) + 1, np.zeros((3, 0)).sum()
a.sum(axis=0), a.sum(axis=1), a.T.sum(axis=0), a[::-2, ::3].sum(axis=1)
i.sum(axis=0), i.prod(axis=1), i.astype('i1').sum(axis=0), (i > 9).sum(axis=1), z.sum(axis=0), a.astype('f2').sum(axis=0)
a.max(axis=0), a.min(axis=1), i.max(axis=1), (a > 3).all(axis=0), (a > 3).any(axis=1), a.mean(axis=0), i.mean(axis=1)
np.add.reduce(tall, axis=1), np.bitwise_or.reduce(i, axis=0), np.zeros((3, 0)).sum(axis=1), np.subtract.reduce(a, axis=1)
a.reshape(2, 3, 8).sum(axis=1), a.reshape(2, 3, 8).transpose(2, 0, 1).sum(axis=1), a.reshape(2, 3, 8).sum(axis=(0, 2))
a @ row, column[:, 0] @ a, a[:, ::2] @ row[::2], i @ row, i @ i[0], row @ row, (a > 3) @ (row > 0.5), z @ row
np.arange(7), np.arange(2.5), np.arange(1, 9, 3), np.arange(1.0, -1, -0.25), np.arange(0), np.arange(5, dtype='i2')
np.array([1.0, 2.5]), np.array([1, -2]), np.array([True, 2]), np.array([1, 2.5]), np.array([2**62, 2**63]), np.array([1j])
np.array([3, 4], ndmin=3), np.array([1.5], dtype='f4'), np.asarray([1, 2], order='F'), np.array([[1.0], [2.0]])
np.count_nonzero(a), np.count_nonzero(i), np.count_nonzero(a > 3), np.count_nonzero(z), np.count_nonzero(a, axis=0)
np.array(np.nonzero(i)), np.array(np.nonzero(a[:, ::2] > 2)), np.flatnonzero(i - 3), np.array(np.nonzero(z - 1))
np.squeeze(a[:1]), np.squeeze(a), a.T.T, a.swapaxes(0, 1), np.transpose(a.reshape(2, 3, 2, 2, 2), (4, 1, 0, 3, 2))
a.reshape(2, 3, 2, 2, 2)[:, 1, ..., None, ::-1], a.reshape(1, 2, 1, 3, 8).squeeze((0, 2)), a.reshape(2, 2, 2, 6)[1, :, 0]
""".split("\n")[1:-1]

CHANGES = """
a += b
a -= a
a *= a[:, ::-1]
a[1:] += a[:-1]
a[:] = a.T[:6, :6].repeat(2, axis=1)[:, :8]
a[:, 1:-1] = b[:, 2:]
a[::2, ::-3] = 7
a[1] = row
a[:, 2] = column[:, 0]
a[:, -1] = a[:, -2]
a[0, :] = a[1, :]
a[...] = i
a[2:4] = np.float32(1.5)
i[1:] = i[:-1]
i += True
a.fill(2); a[0] += 1
a /= 3; a += 1; a[0] = a[5]
np.negative(a, out=a)
np.add(a, 1, out=a[:, :])
np.add(a[:5], 1, out=a[1:])
z *= 1j; z.real = 3
long[1:] = long[:-1]; long *= 2
long += long[::-1]
""".split("\n")[1:-1]


def operands(module):
    return {
        "np": module,
        "a": module.linspace(1, 5, 48).reshape(6, 8),
        "b": module.linspace(3, 2, 48).reshape(6, 8),
        "i": module.arange(48).reshape(6, 8),
        "z": module.linspace(1, 2, 48).reshape(6, 8) * (1 - 2j),
        "row": module.linspace(0, 1, 8),
        "column": module.arange(6.0).reshape(6, 1),
        "tall": module.linspace(0, 1, 300).reshape(100, 3),
        "long": module.linspace(0, 1, 1000),
    }


@pytest.mark.parametrize("source", EXPRESSIONS)
def test_answers_are_numpys(source):
    theirs, ours = eval(source, operands(numpy)), eval(source, operands(np))
    for made, wanted in zip(*((x if isinstance(x, tuple) else (x,)) for x in (ours, theirs)), strict=True):
        numpy.testing.assert_allclose(numpy.asarray(made), wanted, rtol=1e-14)
        assert (made.dtype, np.shape(made)) == (wanted.dtype, wanted.shape)
        if isinstance(wanted, numpy.ndarray) and wanted.size:
            assert made.strides == wanted.strides


@pytest.mark.parametrize("source", CHANGES)
def test_changes_are_numpys(source):
    theirs, ours = operands(numpy), operands(np)
    exec(source, theirs)
    exec(source, ours)
    for name in "a", "b", "i", "z", "row", "long":
        check_same(ours[name], theirs[name])


@pytest.mark.parametrize("n", [1, 7, 255, 256, 257, 511, 513, 1023, 1024, 1025, 4097])
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"])
def test_lengths(n, dtype):
    x, y = numpy.arange(n).astype(dtype), numpy.arange(n)[::-1].astype(dtype)
    ours, others = np.array(x), np.array(y)
    check_same(ours + others, x + y)
    check_same(ours[::-1] + others, x[::-1] + y)
    check_same(ours * x.dtype.type(1), x * x.dtype.type(1))
    check_same(ours == others, x == y)
    ours += others
    x += y
    check_same(ours, x)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1000, 20_001, 200_003])
@pytest.mark.parametrize("dtype", ["?", "i2", "f4", "f8", "c16"])
def test_selecting(n, dtype):
    random = numpy.random.default_rng(n)
    x = (random.integers(-9, 9, n) * 1.5).astype(dtype)
    ours = np.array(x) + np.zeros(n, dtype)
    for mask in (random.random(n) < share for share in (0.0, 0.01, 0.5, 1.0)):
        check_same(ours[np.array(mask)], x[mask])
        last = mask.copy()
        last[-1:] = True
        check_same(ours[np.array(last)], x[last])
    positions = random.integers(-n, n, n)
    check_same(ours[np.array(positions)], x[positions])
    check_same(np.take(ours, np.array(positions)), numpy.take(x, positions))
    check_same(ours[np.arange(n)[::-1]], x[::-1])
    if n > 7:
        rows = x[: n // 3 * 3].reshape(-1, 3)
        positions = positions[: len(rows)] % len(rows)
        check_same((ours[: n // 3 * 3].reshape(-1, 3) * 1)[np.array(positions)], (rows * 1)[positions])
    for wrong in n, -n - 1, 2**62:
        bad = numpy.append(positions % n, wrong)
        with pytest.raises(IndexError, match=f"index {wrong} is out of bounds for axis 0 with size {n}"):
            ours[np.array(bad)]


@pytest.mark.parametrize("dtype", ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"])
def test_lists(dtype):
    values = numpy.arange(-12, 12).astype(dtype).reshape(2, 3, 4)
    ours = np.array(values)
    for key in (..., 0, (1, 2), (1, 2, 3), (slice(None), slice(None, None, -2)), (slice(0, 0),)):
        assert repr(ours[key].tolist()) == repr(values[key].tolist())
    assert repr(ours.T.tolist()) == repr(values.T.tolist())
    assert repr(ours[0, 0, :1].sum().tolist()) == repr(values[0, 0, :1].sum().tolist())
    if ours.dtype.kind in "fc":
        special = numpy.array([-0.0, numpy.inf, numpy.nan, 1e-7], dtype)
        assert repr(np.array(special).tolist()) == repr(special.tolist())


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "c8", "c16"])
def test_counts(dtype):
    values = numpy.array([0, 1, 0, 0, 3, 128, 0]).astype(dtype)
    if values.dtype.kind in "fc":
        values = numpy.concatenate([values, [-0.0, numpy.nan, 1e-7]]).astype(dtype)
    if values.dtype.kind == "c":
        values = numpy.concatenate([values, [1j, -0.0j, complex(-0.0, -0.0)]]).astype(dtype)
    ours = np.array(values)
    check_same(np.count_nonzero(ours), numpy.count_nonzero(values))
    check_same(np.nonzero(ours), numpy.nonzero(values))
    check_same(np.count_nonzero(ours[::2]), numpy.count_nonzero(values[::2]))


@pytest.mark.parametrize("n", [1, 5, 16, 100, 1023, 1024, 1025])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
def test_bits_of_folds_are_those_of_tasks(n, dtype):
    random = numpy.random.default_rng(n)
    values = (random.random((n, 3000)) - 0.5).astype(dtype)
    by_column, by_row, factor = np.array(values), np.array(values.T.copy()), np.array(values[:, 7])
    few = 4096 // (n * values.itemsize) + 1
    for large, small in (
        (by_column.sum(axis=0), by_column[:, :few].sum(axis=0)),
        (by_row.sum(axis=1), by_row[:few].sum(axis=1)),
        (by_row.T.prod(axis=0), by_row[:few].copy().prod(axis=1)),
        (by_row @ factor, by_row[:few] @ factor),
        (by_row.sum(axis=1), np.array([row.sum() for row in by_row[:few]])),
    ):
        assert numpy.asarray(large[:few]).tobytes() == numpy.asarray(small).tobytes()


def test_types_of_results():
    x, y, i = np.arange(3, dtype="f4"), np.arange(3.0), np.arange(3, dtype="u8")
    theirs = {"x": numpy.asarray(x), "y": numpy.asarray(y), "i": numpy.asarray(i), "np": numpy}
    for source in "x, y", "x", "x, i", "i, -1", "x, 2.5", "x, 'f8'", "x.dtype, i", "x[0], 1", "x.sum(), i":
        found = eval(f"np.result_type({source})", {"x": x, "y": y, "i": i, "np": np})
        assert found is eval(f"np.result_type({source})", theirs)
    for source in "", "'no'":
        with pytest.raises((TypeError, ValueError)) as wanted:
            eval(f"np.result_type({source})", theirs)
        with pytest.raises(wanted.type) as found:
            eval(f"np.result_type({source})", {"np": np})
        assert str(found.value) == str(wanted.value)


def test_calls_by_position_and_name():
    x = np.arange(4.0)
    assert np.add(x, x, x) is x and np.add(x, 1, out=x) is x
    for call, words in (
        (lambda np: np.add(x), "add"),
        (lambda np: np.add(), "add"),
        (lambda np: np.sqrt(x, x, x), "sqrt"),
        (lambda np: np.zeros(), "zeros"),
        (lambda np: np.zeros(2, shape=3), "zeros"),
        (lambda np: np.add(x, None), "add"),
    ):
        with pytest.raises(TypeError) as theirs:
            call(numpy)
        with pytest.raises(TypeError) as ours:
            call(np)
        assert str(ours.value) == str(theirs.value), words
    assert np.zeros(shape=2, dtype="i4").dtype == np.zeros(2, "i4").dtype
    assert type(np.add) is np.ufunc and np.add.__doc__ == numpy.add.__doc__
    assert callable(np.zeros) and np.zeros.__call__(3).shape == (3,) and np.add.__call__(x, 1).shape == (4,)
    assert list(map(np.sqrt, [x[:1]] * 2))[1].tolist() == numpy.sqrt(numpy.asarray(x[:1])).tolist()


def test_what_is_recorded_comes_first():
    small, large = np.arange(4.0), np.ones(300_000)
    before = large[:4] + small
    small += 1
    after = large[:4] + small
    total = large.sum()
    small[0] = 99
    small *= total
    large[:4] = small
    small -= small
    assert before.tolist() == [1, 2, 3, 4] and after.tolist() == [2, 3, 4, 5]
    assert small.tolist() == [0] * 4
    assert large[:5].tolist() == [99 * 300_000, 600_000, 900_000, 1_200_000, 1]


def test_memory_that_is_shared_outside():
    ours = np.arange(5.0)
    face = numpy.asarray(ours)
    ours += 1
    assert face.tolist() == [1, 2, 3, 4, 5]
    face[0] = 7
    assert (ours * 2).tolist() == [14, 4, 6, 8, 10]
    theirs = numpy.arange(3.0)
    np.add(theirs, 1, out=theirs)
    assert theirs.tolist() == [1, 2, 3]


def test_events_are_told_where_they_happen():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = np.array([1.0, 0.0])
        x / np.array([0.0, 0.0])
        maniple.sync()
    lines = {warning.lineno for warning in caught}
    found = sorted(str(warning.message) for warning in caught)
    assert found == ["divide by zero encountered in divide", "invalid value encountered in divide"]
    assert len(lines) == 1
    with pytest.raises(FloatingPointError, match="divide by zero"), np.errstate(divide="raise"):
        np.ones(3) / 0
    with np.errstate(all="ignore"):
        assert np.isnan(np.zeros(3) / 0).all()


@pytest.mark.skipif(
    not _maniple.settings()["small"] or _maniple.settings()["on"] is not None, reason="all is done by tasks"
)
def test_small_operations_that_do_not_fuse_make_no_tasks():
    x, y = np.arange(10.0), np.arange(10.0).reshape(2, 5)
    assert (x + 1)[0] == 1
    before = _maniple.statistics()
    (x + 1).sum(), y[:, 1:] * 2, y.T.copy()
    x[2:4] = 7
    after = _maniple.statistics()
    assert after["at_hand"] - before["at_hand"] == 5 and after["tasks"] == before["tasks"]


@pytest.mark.skipif(
    os.environ.get("MANIPLE_FUSE") == "0" or os.environ.get("MANIPLE_WINDOW") == "1", reason="nothing fuses"
)
def test_small_operations_that_fuse_are_tasks_again_after_a_while():
    x = np.arange(10.0)
    for _ in range(3000):
        x = x * 0.5
    before = _maniple.statistics()
    for _ in range(100):
        x = x * 0.5
    assert _maniple.statistics()["tasks"] - before["tasks"] > 30
    maniple.sync()


@pytest.fixture(autouse=True)
def at_hand():
    """Small operations are computed at hand: the window before did not fuse."""
    assert (np.arange(3.0) + 1)[0] == 1
