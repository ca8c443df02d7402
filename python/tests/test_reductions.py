"""Where a reduction's exact answer is easily missed: signs of zeros, which NaN, layouts of results, numbers in `at`."""

import numpy
import pytest
from conftest import check_same

import maniple.numpy as np

EXPRESSIONS = """
np.sum(zeros)
np.sum(zeros, axis=0)
np.sum(zeros, axis=1, keepdims=True)
np.sum(zeros, axis=(0, 1))
np.sum(zeros[:1, :1])
np.sum(zeros.T, axis=0)
np.sum(zeros, where=zeros < 0)
np.sum(zeros, initial=-3.0)
np.sum(zeros, initial=-0.0)
np.sum(zeros[:0], axis=0, initial=-0.0)
np.sum(zeros.ravel()[:7])
np.sum(np.tile(zeros.ravel(), 100))
np.sum(np.tile(zeros, (40, 3)), axis=0)
np.mean(zeros, axis=0)
np.prod(zeros, axis=0)
np.cumsum(zeros, axis=0)
np.add.accumulate(zeros[0])
np.add.reduceat(zeros[0], [0, 2])
"""

LAYOUTS = """
np.add.reduce(np.arange(0.0).reshape(0, 4, 3, 7).T, axis=3).strides
np.add.reduce(np.arange(420.0).reshape(5, 4, 3, 7).T, axis=3).strides
np.add.reduce(np.arange(0.0).reshape(4, 0, 3, 7).swapaxes(0, 2), axis=1).strides
np.multiply.reduce(np.arange(0).reshape(4, 3, 0).T, axis=0).strides
np.add.reduce(np.zeros((0, 4, 3, 7)).T, axis=3).strides
np.add.reduce(np.zeros((4, 0, 3, 7), order='F'), axis=1).flags.f_contiguous
np.zeros((2, 0)).reshape(0, 2).strides + np.zeros((2, 3))[:, :0].strides + np.arange(0).strides
(np.zeros((2, 0)) + 1).strides + np.zeros((2, 3))[:, []].strides + np.zeros((2, 0)).astype('f4').strides
np.broadcast_to(np.arange(30.0).reshape(5, 2, 3), (2, 5, 2, 3))[:, [1, 2]].strides
np.broadcast_to(np.arange(30.0).reshape(5, 2, 3), (2, 5, 2, 3))[:, :, 1, np.array([0, 2])].strides
np.arange(30.0).reshape(5, 2, 3).T[[1, 0]].strides + np.arange(30.0).reshape(5, 1, 6)[..., [1, 0]].strides
np.maximum.reduce(np.arange(0.0).reshape(4, 0, 3).T, axis=1, initial=3).flags.f_contiguous
"""

AT = """
np.add.at(a, [1, 1, 2], 300)
np.multiply.at(a, [1, 1, 2], 3)
np.subtract.at(a, [1, 1, 2], -1)
np.add.at(a, [1, 1, 2], 0.1)
np.maximum.at(a, [1, 1, 2], 5)
np.add.at(a, [1, 1, 2], True)
np.add.at(a, [1, 1, 2], np.float32(0.1))
np.power.at(a, [1, 2], 2)
"""


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("source", EXPRESSIONS.split("\n")[1:-1])
def test_sums_of_negative_zeros(source, dtype):
    zeros = numpy.full((3, 33), -0.0, dtype)
    answers = [eval(source, {"np": module, "zeros": module.asarray(zeros)}) for module in (np, numpy)]
    check_same(*answers)
    for part in ("real", "imag"):
        ours, theirs = (numpy.signbit(getattr(numpy.asarray(answer), part)) for answer in answers)
        numpy.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("source", LAYOUTS.split("\n")[1:-1])
def test_results_are_laid_out_as_the_array_is(source):
    assert eval(source, {"np": np}) == eval(source, {"np": numpy})


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", ["min", "max", "nanmin", "nanmax"])
def test_the_first_nan_is_the_extreme(name, dtype):
    parts = [numpy.nan, -numpy.inf, 1, 2]
    values = [complex(real, imag) for real in parts for imag in parts]
    for turn in range(len(values)):
        theirs = numpy.roll(numpy.array(values, dtype), turn)
        check_same(getattr(np, name)(np.asarray(theirs)), getattr(numpy, name)(theirs))
        square = theirs.reshape(4, 4)
        check_same(
            getattr(np, name)(np.asarray(square), axis=(0, 1)), getattr(numpy, name)(square, axis=(0, 1))
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int32", "uint64", "int64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("source", AT.split("\n")[1:-1])
def test_numbers_in_at_are_arrays(source, dtype):
    answers = []
    for module in (np, numpy):
        a = module.arange(7).astype(dtype) * module.asarray(-1).astype(dtype)
        try:
            eval(source, {"np": module, "a": a})
            answers.append(a)
        except Exception as error:
            answers.append((type(error), str(error)))
    check_same(*answers)


def test_at_writes_to_read_only_arrays_as_numpy_does():
    answers = []
    for module in (np, numpy):
        a = module.full((7, 8), 3, "uint32")
        diagonal = a[..., 1::3].diagonal(-2)
        a.sum()
        module.add.at(diagonal, [2, 1, 1], 1)
        answers += [module.add.reduce(a, axis=0), a]
    check_same(answers[:2], answers[2:])


def test_positions_in_nothing_are_not_looked_at():
    for source in ("np.take(np.zeros((0, 5, 2)), [5, -3], axis=1)", "np.zeros((0, 5)).take(7, axis=1)"):
        check_same(eval(source, {"np": np}), eval(source, {"np": numpy}))
