"""Products of vectors and matrices, native where one operand is a vector, beside NumPy's."""

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
    ((0,), (0,)),
    ((3, 0), (0,)),
    ((3, 5), (4,)),
    ((1, 1), (1,)),
    ((5,), ()),
]
DTYPES = ["float64", "float32", "float16", "complex64", "complex128", "int64", "int16", "uint8", "bool"]
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


@pytest.mark.parametrize("dtypes", [*zip(DTYPES, DTYPES), *zip(DTYPES, DTYPES[1:]), ("float32", "int64")])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_numpys(name, dtypes):
    # Sums of small whole numbers are exact in any order.
    for shapes in SHAPES:
        a, b = (numbers(shape, dtype, seed) for seed, (shape, dtype) in enumerate(zip(shapes, dtypes)))
        if "float16" in dtypes and a.size > 1000:
            continue
        theirs = answer(PRODUCTS[name], numpy, a, b)
        ours = answer(PRODUCTS[name], np, np.array(a), np.array(b))
        if isinstance(theirs, Exception):
            assert (type(ours), str(ours)) == (type(theirs), str(theirs)), shapes
            continue
        check_same(ours, theirs)
        assert ours.strides == theirs.strides, shapes


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
