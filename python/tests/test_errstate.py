"""Floating point events: NumPy's warnings at the user's line, `errstate`, and filters."""

import warnings

import numpy
import pytest
from conftest import run_python

import maniple
import maniple.numpy as np

EVENTS = [
    ("np.array([1.0]) / np.array([0.0])", "divide by zero encountered in divide"),
    ("np.log(np.array([0.0]))", "divide by zero encountered in log"),
    ("np.sqrt(np.array([-1.0]))", "invalid value encountered in sqrt"),
    ("np.array([1e308]) * 10", "overflow encountered in multiply"),
    ("np.exp(np.array([1000.0]))", "overflow encountered in exp"),
    ("np.array([1]) // np.array([0])", "divide by zero encountered in floor_divide"),
    ("np.array([np.inf]) - np.array([np.inf])", "invalid value encountered in subtract"),
    ("np.array([1], 'float16') * np.array([60000], 'float16') * 2", "overflow encountered in multiply"),
    ("np.array([1e308, 1e308]).sum()", "overflow encountered in reduce"),
    ("np.array([1e308, 1e308]).prod()", "overflow encountered in reduce"),
    ("np.array([np.inf, -np.inf]).sum()", "invalid value encountered in reduce"),
    ("np.array([1e308, 1e308]).sum(initial=1.0)", "overflow encountered in reduce"),
    ("np.array([1e308, 1e308]).sum(where=[True, True])", "overflow encountered in reduce"),
    ("np.array([1e308, 1.0]).sum(dtype='f4')", "overflow encountered in reduce"),
    ("np.array([60000, 60000], 'float16').sum()", "overflow encountered in reduce"),
    ("np.full(5000, 1e308).sum()", "overflow encountered in reduce"),
    ("np.full((3, 40), 1e308).sum(axis=0)", "overflow encountered in reduce"),
    ("np.full((3, 40), 1e308).sum(axis=1)", "overflow encountered in reduce"),
    ("np.full((3000, 3), 1e308).sum(axis=0)", "overflow encountered in reduce"),
    ("(np.full(3000, 0.5e308) + 0.5e308).mean()", "overflow encountered in reduce"),
    ("np.array([1e308 + 1e308j] * 2).sum()", "overflow encountered in reduce"),
    ("(np.full(100000, 1e200) * 1e200 <= 1).sum()", "overflow encountered in multiply"),
    ("np.array([1e308, 1e308]).cumsum()", "overflow encountered in accumulate"),
    ("np.array([60000, 60000], 'float16').cumsum()", "overflow encountered in accumulate"),
    ("np.full((3, 40), 1e308).cumsum(axis=0)", "overflow encountered in accumulate"),
    ("np.multiply.accumulate(np.array([1e308, 1e308]))", "overflow encountered in accumulate"),
    ("np.array([1e308]).cumsum(dtype='f4')", "overflow encountered in cast"),
    ("np.array([1e308]).astype('f4')", "overflow encountered in cast"),
    ("np.array([70000]).astype('f2')", "overflow encountered in cast"),
    ("np.array([np.nan]).astype('i4')", "invalid value encountered in cast"),
    ("np.array([1e20]).astype('i8')", "invalid value encountered in cast"),
    ("np.array([1e308j]).astype('c8')", "overflow encountered in cast"),
    ("np.ones(2, 'f4')[:] = np.array([1e308, 1.0])", "overflow encountered in cast"),
    ("np.ones(2, 'f4')[0] = 1e308", "overflow encountered in cast"),
    ("np.ones(2, 'f4').fill(1e308)", "overflow encountered in cast"),
    ("np.ones(2, 'f4') + 1e308", "overflow encountered in cast"),
    ("np.full(2, np.nan, 'i4')", "invalid value encountered in cast"),
    ("np.full_like(np.ones(2, 'i4'), np.inf)", "invalid value encountered in cast"),
    ("np.add.at(np.full(2, 1e308), [0, 0], 1e308)", "overflow encountered in add"),
    ("np.multiply.at(np.full(2, 1e308, 'f8'), [1], 10.0)", "overflow encountered in multiply"),
    ("np.add.at(np.full(2, 60000, 'f2'), [1], np.float16(60000))", "overflow encountered in add"),
    ("np.floor_divide.at(np.ones(2, 'i8'), [1], 0)", "divide by zero encountered in floor_divide"),
    (
        "np.add(np.array([1e308]), 1, out=np.ones(1, 'f4'), casting='same_kind')",
        "overflow encountered in add",
    ),
]

QUIET = [
    "np.array([np.nan, 1.0]).sum()",
    "np.array([np.nan, 1.0]).max()",
    "np.array([np.inf, -np.inf]).prod()",
    "np.array([1e-200, 1e-200]).prod()",
    "np.array([np.nan]).astype('f4')",
    "np.array([np.nan, 1e308]).astype(bool)",
    "np.array([2.0**40]).astype('i8')",
    "np.array([1, 2]).astype('f2')",
    "np.ones(2, 'f4') + np.inf",
    "np.full(3000, 2**62).sum()",
]


@pytest.mark.parametrize("source, message", EVENTS)
def test_warnings_come_with_the_users_line(source, message):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        exec(compile(source, "user.py", "exec"), {"np": np, "__name__": "user"})
    with warnings.catch_warnings(record=True) as expected:
        warnings.simplefilter("always")
        exec(compile(source, "user.py", "exec"), {"np": numpy, "__name__": "user"})
    assert [str(w.message) for w in seen] == [str(w.message) for w in expected]
    assert message in str(seen[0].message)
    assert (seen[0].category, seen[0].filename, seen[0].lineno) == (RuntimeWarning, "user.py", 1)


@pytest.mark.parametrize("source", QUIET)
def test_no_warning_where_numpy_gives_none(source):
    for module in (numpy, np):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(source, {"np": module})


def test_events_before_a_sum_are_not_the_sums():
    with warnings.catch_warnings(record=True) as seen, np.errstate(over="ignore"):
        warnings.simplefilter("always")
        big = np.full(3000, 1e308) * 10
        with np.errstate(over="warn"):
            total = big.sum()
        assert float(total) == np.inf
    assert seen == []


def test_pytest_and_numpy_testing_see_deferred_warnings():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.ones(3) / np.zeros(3)
    with np.testing.assert_warns(RuntimeWarning):
        np.ones(3) / np.zeros(3)


def test_a_warning_belongs_to_the_block_that_made_it():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.ones(3) / np.zeros(3)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
    assert seen == []


def test_filters_that_make_errors():
    with pytest.raises(RuntimeWarning, match="divide"), warnings.catch_warnings():
        warnings.simplefilter("error")
        np.ones(3) / np.zeros(3)
    assert float(np.ones(3).sum()) == 3


class TestErrstate:
    """`errstate`, `seterr`, `geterr`."""

    def test_ignore(self):
        with warnings.catch_warnings(record=True) as seen, np.errstate(all="ignore"):
            warnings.simplefilter("always")
            np.ones(3) / np.zeros(3)
        assert seen == []

    def test_the_state_is_that_of_the_call(self):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            with np.errstate(divide="ignore"):
                a = np.ones(3) / np.zeros(3)
            b = np.sqrt(np.array([-1.0]))
            maniple.sync()
        assert [str(w.message) for w in seen] == ["invalid value encountered in sqrt"]
        del a, b

    def test_raise(self):
        with (
            np.errstate(divide="raise"),
            pytest.raises(FloatingPointError, match="divide by zero encountered in divide"),
        ):
            np.ones(3) / np.zeros(3)
        assert float((np.ones(2) + 1).sum()) == 4

    def test_call_and_log(self, capsys):
        calls = []

        class Log:
            def write(self, text):
                calls.append(text)

        with np.errstate(call=lambda kind, flag: calls.append((kind, flag)), all="call"):
            np.ones(3) / np.zeros(3)
        with np.errstate(call=Log(), all="log"):
            np.sqrt(np.array([-1.0]))
        assert calls == [("divide by zero", 1), "Warning: invalid value encountered in sqrt\n"]

    def test_decorator(self):
        @np.errstate(all="raise")
        def f():
            return np.ones(1) / np.zeros(1)

        for _ in range(2):
            with pytest.raises(FloatingPointError):
                f()
        assert np.geterr() == numpy.geterr()

    def test_twice(self):
        state = np.errstate(all="ignore")
        with state, pytest.raises(TypeError, match="twice"):
            state.__enter__()

    def test_seterr(self):
        before = np.seterr(all="raise")
        try:
            assert np.geterr()["divide"] == numpy.geterr()["divide"] == "raise"
            with pytest.raises(FloatingPointError):
                np.ones(1) / np.zeros(1)
        finally:
            np.seterr(**before)
        assert np.geterr() == before


def test_once_per_line():
    done = run_python(
        "-c", "import maniple.numpy as np\nfor _ in range(3):\n    print((np.ones(2) / np.zeros(2))[0])"
    )
    assert done.stdout.split() == ["inf"] * 3
    assert done.stderr.count("RuntimeWarning") == 1
