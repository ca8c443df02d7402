"""Products of vectors, matrices and stacks of matrices, beside NumPy's."""

import warnings

import numpy
import pytest
from conftest import check_same

import maniple.numpy as np

SHAPES = [
    ((5,), (5,)),
    ((3, 5), (5,)),
    ((5,), (5, 4)),
    ((1, 5), (5, 4)),
    ((3, 5), (5, 1)),
    ((1, 5), (5, 1)),
    ((3, 2500), (2500,)),
    ((2500,), (2500, 3)),
    ((3000, 40), (40,)),
    ((300, 32), (32,)),
    ((300,), (300, 500)),
    ((4, 5), (5, 6)),
    ((2, 3, 5), (5,)),
    ((7, 8), (8, 3)),
    ((17, 64), (64, 9)),
    ((64, 257), (257, 255)),
    ((300, 17), (17, 300)),
    ((2, 600), (600, 2)),
    ((4, 3, 5), (5, 6)),
    ((3, 5), (4, 5, 6)),
    ((4, 3, 5), (4, 5, 6)),
    ((2, 1, 3, 5), (4, 5, 2)),
    ((4, 3, 5), (3, 5, 6)),
    ((4, 1, 5), (5, 6)),
    ((4, 3, 5), (5, 1)),
    ((3, 0), (0, 4)),
    ((0, 3), (3, 4)),
    ((2, 3, 0), (0, 0)),
    ((0, 3, 5), (5, 2)),
    ((3, 5), (4, 6)),
    ((2, 3, 5), (3, 5, 2)),
    ((0,), (0,)),
    ((3, 0), (0,)),
    ((3, 5), (4,)),
    ((1, 1), (1,)),
    ((5,), ()),
]
DTYPES = """
    float64 float32 float16 complex64 complex128 int64 int16 uint8 bool int8 int32 uint16 uint32 uint64
    """.split()
PRODUCTS = {
    "dot": lambda module, a, b: module.dot(a, b),
    "inner": lambda module, a, b: module.inner(a, b),
    "matmul": lambda module, a, b: module.matmul(a, b),
    "dot, out": lambda module, a, b: module.dot(a, b, out=module.zeros_like(module.dot(a, b))),
    "matmul, out": lambda module, a, b: module.matmul(a, b, module.zeros_like(module.matmul(a, b))),
    "matmul, another out": lambda module, a, b: module.matmul(a, b, out=module.zeros(3)),
    "a.dot(b)": lambda module, a, b: a.dot(b),
    "a @ b": lambda module, a, b: a @ b,
    "a.T @ b": lambda module, a, b: a.T @ b,
    "b @ a": lambda module, a, b: b @ a,
    "a[..., ::-1] @ b": lambda module, a, b: a[..., ::-1] @ b,
}


def numbers(shape, dtype, seed):
    values = numpy.asarray(numpy.random.default_rng(seed).integers(-6, 7, shape))
    return (values * (2 + 3j) if numpy.dtype(dtype).kind == "c" else values).astype(dtype)


def answer(make, *operands):
    try:
        return make(*operands)
    except Exception as error:
        return error


def signless(product):
    """The same without negative zeros: which of a sum's two zeros BLAS gives depends on the processor."""
    return product + product.dtype.type(0) if product.dtype.kind in "fc" else product


@pytest.mark.parametrize("dtypes", [*zip(DTYPES, DTYPES), *zip(DTYPES, DTYPES[1:]), ("float32", "int64")])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_numpys(name, dtypes):
    # Sums of small whole numbers are exact in any order.
    for shapes in SHAPES:
        a, b = (numbers(shape, dtype, seed) for seed, (shape, dtype) in enumerate(zip(shapes, dtypes)))
        if ("float16" in dtypes or "bool" in dtypes) and a.size > 1000:
            continue
        theirs = answer(PRODUCTS[name], numpy, a, b)
        ours = answer(PRODUCTS[name], np, np.array(a), np.array(b))
        if isinstance(theirs, Exception):
            assert (type(ours), str(ours)) == (type(theirs), str(theirs)), shapes
            continue
        check_same(signless(ours), signless(theirs))
        assert ours.strides == theirs.strides, shapes


LONG = {
    "rows": lambda a, b: a.T @ b,
    "one": lambda a, b: a.T @ a,
    "dot": lambda a, b: a.T.dot(b),
    "every other row": lambda a, b: a[::2].T @ b[::2],
    "backwards": lambda a, b: a[::-1, ::-1].T @ b[::-1],
    "backwards columns": lambda a, b: a.T @ b[:, ::-1],
    "some columns": lambda a, b: a[:, 1:3].T @ b[:, 2:],
    "one column": lambda a, b: a[:, :1].T @ b,
    "by columns": lambda a, b: (a.T.copy().T).T @ b,
    "both by columns": lambda a, b: (a.T.copy()) @ (b.T.copy()).T,
    "a row for all": lambda a, b: (a[:1] + 0 * a).T @ b,
    "many columns": lambda a, b: (a.repeat(10, axis=1)).T @ b.repeat(5, axis=1),
}


@pytest.mark.parametrize("dtypes", [("float64",) * 2, ("float32",) * 2, ("float32", "float64"), ("int64",) * 2])
@pytest.mark.parametrize("name", LONG)
def test_products_with_a_long_common_axis_are_numpys(name, dtypes):
    for rows in (16_384, 35_001):
        a, b = numbers((rows, 7), dtypes[0], 1), numbers((rows, 9), dtypes[1], 2)
        theirs, ours = LONG[name](a, b), LONG[name](np.array(a), np.array(b))
        check_same(ours, theirs)
        assert ours.strides == theirs.strides, rows


@pytest.mark.parametrize(
    "source",
    """
np.dot(big, big)
np.dot(np.stack([big, big]), big)
np.inner(big, -big)
big @ big
big @ np.stack([big, big]).T
np.dot(zero, zero * np.inf)
(big * 0) @ (big / 0)
np.full((2, 20_000), 0.0).T.copy().T @ np.full((20_000, 2), np.inf)
np.full((2, 20_000), 1e200).T.copy().T @ np.full((20_000, 3), 1e200)
""".split("\n")[1:-1],
)
def test_events_of_products_are_told_as_numpys(source):
    told = []
    for module in (numpy, np):
        with warnings.catch_warnings(record=True) as caught, module.errstate(all="warn"):
            warnings.simplefilter("always")
            big, zero = module.array([1e308, 1e308, 3.0]), module.zeros(1)
            numpy.asarray(eval(source, {"np": module, "big": big, "zero": zero}))
        told.append({str(one.message) for one in caught})
    assert told[1] == told[0]


def test_a_result_in_an_array_is_the_result():
    f, v = numpy.random.default_rng(1).random((1000, 16)), numpy.random.default_rng(2).random(16)
    f, v, out = np.array(f), np.array(v), np.empty(1000)
    assert np.dot(f, v, out) is out
    numpy.testing.assert_array_equal(numpy.asarray(f @ v), numpy.asarray(out))
    assert np.matmul(f, v, out=out) is out
    out.flags.writeable = False
    with pytest.raises(ValueError):
        np.dot(f, v, out)


def test_a_vector_times_a_matrix_is_no_fallback():
    import maniple

    with maniple.fallback("error"):
        matrix, vector = np.ones((3, 4)), np.ones(4)
        assert float((matrix @ vector).sum() + vector.dot(vector) + np.inner(matrix, vector)[0]) == 20.0


LAYOUTS = {
    "C": lambda array: array,
    "F": lambda array: array.swapaxes(-1, -2).copy().swapaxes(-1, -2),
    "reversed": lambda array: array[..., ::-1, ::-1].copy()[..., ::-1, ::-1],
    "every second": lambda array: array.repeat(2, axis=-2).repeat(2, axis=-1)[..., ::2, ::2],
    "repeated": lambda array: array[..., :1, :].repeat(array.shape[-2], axis=-2),
}
EXTENTS = [(8, 8, 8), (3, 257, 7), (64, 17, 255), (300, 300, 3), (129, 600, 34)]


def close(ours, theirs, a, b):
    """Whether two sums of products differ by no more than their rounding."""
    ours, theirs = numpy.asarray(ours), numpy.asarray(theirs)
    if ours.dtype.kind not in "fc":
        numpy.testing.assert_array_equal(ours, theirs)
        return
    most = 4 * a.shape[-1] * numpy.finfo(ours.dtype).eps * (numpy.abs(a) @ numpy.abs(b))
    assert numpy.all(numpy.abs(ours - theirs) <= most)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype not in ("float16", "bool")])
def test_products_of_matrices_in_any_layout(dtype, layout):
    for seed, (m, k, n) in enumerate(EXTENTS):
        random = numpy.random.default_rng(seed)
        for stack in ((), (3,)):
            a, b = random.normal(0, 90, (*stack, m, k)), random.normal(0, 90, (*stack, k, n))
            if numpy.dtype(dtype).kind == "c":
                a, b = a + 1j * random.normal(0, 9, a.shape), b * (1 - 2j)
            a, b = a.astype(dtype), b.astype(dtype)
            for one, other in ((LAYOUTS[layout](a), b), (a, LAYOUTS[layout](b))):
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    close(np.array(one) @ np.array(other), one @ other, one, other)
                    x, y = np.asarray(one), np.asarray(other)
                    close(x @ y, one @ other, one, other)


def test_stacks_are_laid_out_as_numpys():
    stack, matrix, vector = numpy.ones((2, 3, 4, 5)), numpy.ones((5, 6)), numpy.ones(5)
    for axes in ((1, 0, 2, 3), (0, 1, 2, 3), (1, 0, 3, 2)):
        for other in (matrix, vector, stack.swapaxes(-1, -2)):
            theirs = stack.transpose(axes).copy().transpose(axes) @ other
            ours = np.array(stack).transpose(axes).copy().transpose(axes) @ np.array(other)
            check_same(ours, theirs)
            assert ours.strides == theirs.strides


def test_an_element_has_the_same_bits_however_the_rest_is_cut():
    random = numpy.random.default_rng(5)
    for dtype in ("float64", "float32", "complex128"):
        a, b = random.random((70, 600)).astype(dtype), random.random((600, 90)).astype(dtype)
        if dtype == "complex128":
            a, b = a * (1 + 3j), b * (2 - 1j)
        a, b = np.array(a), np.array(b)
        whole = numpy.asarray(a @ b)
        for rows, columns in ((slice(3, 5), slice(0, 90)), (slice(0, 70, 7), slice(40, 43))):
            part = numpy.asarray(a[rows] @ b[:, columns])
            numpy.testing.assert_array_equal(part, whole[rows, columns])


BITS = """
import hashlib, numpy, maniple.numpy as np
random = np.random.default_rng(3)
digest = hashlib.sha256()
for dtype in ("float64", "float32", "complex64", "int64", "int8"):
    for m, k, n in ((130, 700, 40), (40, 300, 600), (9, 9, 9), (1000, 32, 16)):
        a, b = (np.asarray(random.random(shape) * 100).astype(dtype) for shape in ((m, k), (k, n)))
        for made in (a @ b, (b.T * 2) @ a.T, np.dot(a[None] + 1, b), a[::-2] @ b[:, ::3]):
            digest.update(numpy.asarray(made).tobytes())
print(digest.hexdigest())
"""


def test_bits_do_not_depend_on_settings():
    from conftest import run_python

    settings = [
        {},
        {"MANIPLE_PIECES": "3"},
        {"MANIPLE_MAPPER": "random:7", "MANIPLE_MACHINE": "1,1,1"},
        {"MANIPLE_WINDOW": "1", "MANIPLE_MAPPER": "serial"},
    ]
    told = []
    for environment in settings:
        finished = run_python("-c", BITS, environment=environment)
        assert finished.returncode == 0, finished.stderr
        told.append(finished.stdout)
    assert len(set(told)) == 1 and len(told[0]) > 60


@pytest.mark.parametrize(
    "source",
    """
big @ big
np.dot(big, big)
np.inner(big, -big)
(big * 0) @ (one * np.inf)
one @ (one * np.inf)
one @ (one * np.nan)
np.stack([one, one]) @ (one - np.inf)
""".split("\n")[1:-1],
)
def test_events_of_matrix_products_are_told_as_numpys(source):
    told = []
    for module in (numpy, np):
        with warnings.catch_warnings(record=True) as caught, module.errstate(all="warn"):
            warnings.simplefilter("always")
            big, one = module.full((3, 5), 1e308)[:, :3], module.ones((3, 3))
            made = numpy.asarray(eval(source, {"np": module, "big": big, "one": one}))
        told.append(({str(one.message) for one in caught}, made))
    assert told[1][0] == told[0][0]
    numpy.testing.assert_array_equal(told[1][1], told[0][1])


def test_a_result_may_take_the_place_of_a_factor():
    values = numpy.random.default_rng(1).integers(0, 9, (40, 40)).astype(float)
    a, theirs = np.array(values), values.copy()
    assert np.matmul(a, a, out=a) is a
    numpy.matmul(theirs, theirs, out=theirs)
    numpy.testing.assert_array_equal(numpy.asarray(a), theirs)
    a @= np.array(values)
    theirs @= values
    numpy.testing.assert_array_equal(numpy.asarray(a), theirs)
    assert np.dot(a[:5], a, out=a[:5]) is not None
    numpy.dot(theirs[:5].copy(), theirs.copy(), out=theirs[:5])
    numpy.testing.assert_array_equal(numpy.asarray(a), theirs)


def test_matrix_products_are_no_fallbacks():
    import maniple

    with maniple.fallback("error"):
        a, stack = np.ones((3, 4)), np.ones((2, 3, 4))
        made = [
            a @ a.T,
            stack @ a.T,
            np.dot(stack, a.T),
            np.inner(stack, stack),
            np.matmul(a, a.T, out=np.empty((3, 3))),
        ]
        made += [
            np.tensordot(stack, a, axes=([2], [1])),
            np.linalg.multi_dot([a, a.T, a]),
            np.linalg.matrix_power(a @ a.T, 3),
        ]
        square = np.eye(3)
        square @= square
        assert all(float(one.max()) >= 4.0 for one in made)
