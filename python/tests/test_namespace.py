"""Every public name of NumPy's is a name of ours, and is the right thing."""

import copy
import importlib
import inspect
import pickle
import types
import weakref
from pathlib import Path

import numpy
import pytest
from conftest import check_same, run_python

import maniple.numpy as np

MODULES = """
    numpy numpy.char numpy.ctypeslib numpy.dtypes numpy.exceptions numpy.fft numpy.lib numpy.lib.array_utils
    numpy.lib.format numpy.lib.introspect numpy.lib.mixins numpy.lib.npyio numpy.lib.scimath numpy.lib.stride_tricks
    numpy.linalg numpy.ma numpy.ma.extras numpy.polynomial numpy.polynomial.chebyshev numpy.polynomial.polynomial
    numpy.random numpy.rec numpy.strings numpy.testing numpy.typing numpy._core numpy._core.numeric
    """.split()


@pytest.mark.parametrize("name", MODULES)
def test_every_name_is_there(name):
    theirs = importlib.import_module(name)
    ours = importlib.import_module(f"maniple.{name}")
    public = [held for held in dir(theirs) if not held.startswith("_")]
    missing = [held for held in public if not hasattr(ours, held)]
    assert not missing
    assert set(getattr(theirs, "__all__", ())) <= set(dir(ours))
    assert getattr(ours, "__all__", None) == getattr(theirs, "__all__", None)


@pytest.mark.parametrize(
    "name", "float64 int32 bool_ dtype nan pi newaxis generic finfo iinfo matrix memmap".split()
)
def test_numpys_own_objects(name):
    assert getattr(np, name) is getattr(numpy, name)


def test_exceptions_are_numpys():
    assert np.linalg.LinAlgError is numpy.linalg.LinAlgError
    assert np.exceptions.AxisError is numpy.exceptions.AxisError


def test_old_and_wrong_names_raise_numpys_errors():
    for name in ("float_", "nosuchname", "int"):
        with pytest.raises(AttributeError) as theirs:
            getattr(numpy, name)
        with pytest.raises(AttributeError) as ours:
            getattr(np, name)
        assert str(ours.value) == str(theirs.value)


def test_star_import():
    scope = {}
    exec("from maniple.numpy import *", scope)
    assert scope["ndarray"] is np.ndarray and "linalg" in scope
    missing = [name for name in numpy.__all__ if name not in scope]
    assert not missing


def test_functions_look_like_numpys():
    for name in ("roll", "linspace", "concatenate", "sum"):
        ours, theirs = getattr(np, name), getattr(numpy, name)
        assert ours.__name__ == theirs.__name__ and ours.__doc__ == theirs.__doc__


def test_importing_costs_little_and_loads_little():
    done = run_python(
        "-c", "import maniple.numpy, sys; print({'numpy.testing', 'numpy.ma'} & sys.modules.keys())"
    )
    assert done.stdout.strip() == "set()", done.stderr


class TestArrayClass:
    """`np.ndarray` is our class, and still NumPy's for those who subclass it or ask about it."""

    def test_instances(self):
        a = np.arange(3.0)
        assert type(a) is np.ndarray and isinstance(a, np.ndarray)
        assert isinstance(numpy.arange(3), np.ndarray)
        assert not isinstance(a.sum(), np.ndarray) and not isinstance([1], np.ndarray)
        assert isinstance(a.sum(), np.float64) and isinstance(a.sum(), float)

    def test_a_subclass_is_numpys(self):
        class Tagged(np.ndarray):
            def __array_finalize__(self, other):
                self.tag = getattr(other, "tag", "none")

        tagged = np.arange(4.0).view(Tagged)
        tagged.tag = "some"
        assert (
            isinstance(tagged, Tagged)
            and isinstance(tagged, numpy.ndarray)
            and issubclass(Tagged, np.ndarray)
        )
        assert (tagged[1:] + np.ones(3)).tag == "some"
        assert type(np.roll(tagged, 1)) is Tagged

    def test_explicit_new(self):
        class Made(np.ndarray):
            def __new__(cls, n):
                return super().__new__(cls, (n,))

        assert Made(3).shape == (3,)
        assert type(np.ndarray((2,), dtype=int)) is np.ndarray

    def test_pickle_and_copy(self):
        import copy

        a = np.arange(6).reshape(2, 3)
        for again in (pickle.loads(pickle.dumps(a)), copy.copy(a), copy.deepcopy(a)):
            check_same(again, numpy.arange(6).reshape(2, 3))
            again[0, 0] = 7
        assert a[0, 0] == 0


def test_grids_and_joins_of_index_tricks():
    check_same(np.mgrid[:3, 1:2:5j], numpy.mgrid[:3, 1:2:5j])
    check_same(np.ogrid[:3, :2], numpy.ogrid[:3, :2])
    check_same(np.r_[np.arange(3), 1, 2:4], numpy.r_[numpy.arange(3), 1, 2:4])
    check_same(np.c_[np.arange(3), np.arange(3)], numpy.c_[numpy.arange(3), numpy.arange(3)])
    assert np.s_[1:2, ::3] == numpy.s_[1:2, ::3]


def test_random_numbers_are_numpys():
    ours, theirs = np.random.default_rng(5), numpy.random.default_rng(5)
    assert isinstance(ours, np.random.Generator) and isinstance(ours, numpy.random.Generator)
    check_same(ours.normal(size=(3, 2)), theirs.normal(size=(3, 2)))
    check_same(ours.integers(10, size=5), theirs.integers(10, size=5))
    assert type(ours.random()) is type(theirs.random()) is float
    a, b = np.arange(9), numpy.arange(9)
    ours.shuffle(a)
    theirs.shuffle(b)
    check_same(a, b)
    np.random.seed(3)
    first = np.random.rand(4)
    numpy.random.seed(3)
    check_same(first, numpy.random.rand(4))
    check_same(np.random.RandomState(1).randn(3), numpy.random.RandomState(1).randn(3))
    again = pickle.loads(pickle.dumps(ours))
    assert type(again) is type(ours) and again.random() == ours.random()


def test_testing_helpers_take_our_arrays():
    a = np.arange(3.0)
    np.testing.assert_array_equal(a, [0, 1, 2])
    np.testing.assert_allclose(a, numpy.arange(3.0))
    np.testing.assert_equal({"x": [a, a.sum()]}, {"x": [numpy.arange(3.0), 3.0]})
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(a, [0, 1, 3])
    np.testing.assert_raises(ValueError, np.reshape, a, (2, 2))


def test_polynomials_give_our_arrays():
    a = np.arange(3.0)
    assert type(np.poly1d([1, 2])(a)) is np.ndarray
    check_same(np.polyval([1, 2], a), numpy.polyval([1, 2], numpy.arange(3.0)))
    ours = np.polynomial.polynomial.polyval(a, [1, 2])
    check_same(ours, numpy.polynomial.polynomial.polyval(numpy.arange(3.0), [1, 2]))


def test_masked_arrays_are_numpys():
    masked = np.ma.masked_greater(np.arange(5), 2)
    assert isinstance(masked, numpy.ma.MaskedArray)
    assert masked.sum() == 3
    assert isinstance(np.flip(masked), numpy.ma.MaskedArray)
    assert isinstance(np.arange(5) + masked, numpy.ma.MaskedArray)


def test_stubs_are_fresh():
    done = run_python(str(Path(__file__).parent.parent / "tools" / "stubs.py"), "--check")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", "roll array linalg.inv add random.rand fft.fft concatenate where unique isnat".split()
)
def test_functions_are_pickled_by_name(name):
    ours = eval(f"np.{name}")
    assert pickle.loads(pickle.dumps(ours)) is ours


def test_builtin_functions_do_not_become_methods():
    class Holder:
        make, random = np.array, np.random.rand

    assert Holder().make([1, 2]).tolist() == [1, 2] and Holder().random(2).shape == (2,)


@pytest.mark.parametrize("name", ["empty", "asarray", "sum", "concatenate", "dot", "where", "count_nonzero", "copyto"])
def test_native_functions_are_like_numpys(name):
    ours, theirs = getattr(np, name), getattr(numpy, name)
    assert (ours.__name__, ours.__doc__, ours.__wrapped__) == (theirs.__name__, theirs.__doc__, theirs)
    assert repr(ours) == repr(theirs)
    for same in copy.copy(ours), copy.deepcopy(ours), weakref.ref(ours)():
        assert same is ours
    # Functions that are built in do not become methods of the classes that hold them.
    made, wanted = (type("Holder", (), {"held": function})().held for function in (ours, theirs))
    assert isinstance(made, types.MethodType) == isinstance(wanted, types.MethodType)
    assert (made is ours) == (wanted is theirs)
    signatures = [answer(inspect.signature, function) for function in (ours, theirs)]
    assert signatures[0] == signatures[1]


def answer(function, *arguments):
    try:
        return function(*arguments)
    except ValueError as error:
        return type(error)
