"""What runs in NumPy: shares memory, writes through, keeps identities, and is reported."""

import warnings

import numpy
import pytest
from conftest import check_same, run_python

import maniple
import maniple.numpy as np
from maniple import _fallback
from maniple.numpy import _mirror


def in_numpy(name, *args, **kwargs):
    """Run NumPy's function of that name as a fallback, whether or not there is a native one."""
    return _fallback.run(name, _mirror.resolve(name), args, kwargs)


class TestConversion:
    """Arguments to NumPy and results back."""

    def test_arrays_inside_containers(self):
        a = np.arange(3.0)
        check_same(
            in_numpy("concatenate", [a, (1.0, 2.0), a]), numpy.concatenate([[0, 1, 2], [1.0, 2.0], [0, 1, 2]])
        )
        check_same(in_numpy("block", [[a, a], [a, a]]), numpy.tile(numpy.arange(3.0), (2, 2)))

    def test_lists_without_arrays_reach_numpy_as_they_are(self):
        names = ["b", "a", "c"]
        np.random.default_rng(0).shuffle(names)
        expected = ["b", "a", "c"]
        numpy.random.default_rng(0).shuffle(expected)
        assert names == expected

    def test_deferred_scalars_become_numbers(self):
        total = np.arange(4.0).sum()
        assert in_numpy("base_repr", np.arange(4).sum()) == "110"
        check_same(in_numpy("full", 2, total), numpy.full(2, 6.0))
        check_same(in_numpy("array", [total, total]), numpy.array([6.0, 6.0]))

    def test_results_are_ours(self):
        q, r = in_numpy("linalg.qr", np.eye(2))
        assert type(q) is np.ndarray and type(r) is np.ndarray
        result = np.linalg.svd(np.eye(2))
        assert type(result).__name__ == "SVDResult" and type(result.U) is np.ndarray
        assert all(type(part) is np.ndarray for part in in_numpy("array_split", np.arange(5), 2))

    def test_scalars_stay_scalars(self):
        check_same(in_numpy("trace", np.eye(3)), numpy.float64(3))

    def test_ufuncs_and_functions_among_arguments(self):
        check_same(
            in_numpy("apply_over_axes", np.sum, np.ones((2, 3)), [0]),
            numpy.apply_over_axes(numpy.sum, numpy.ones((2, 3)), [0]),
        )
        check_same(in_numpy("apply_along_axis", np.sort, 0, np.array([3, 1, 2])), numpy.array([1, 2, 3]))


class TestWritingThrough:
    """Memory is shared both ways."""

    def test_functions_that_write(self):
        a = np.arange(6.0).reshape(2, 3)
        in_numpy("fill_diagonal", a, 9)
        in_numpy("put", a, [1], [7])
        in_numpy("copyto", a[1], 5, where=[True, False, False])
        check_same(a, numpy.array([[9.0, 7, 2], [5, 9, 5]]))

    def test_views_stay_views(self):
        a = np.arange(9.0).reshape(3, 3)
        d = in_numpy("diagonal", a)
        a[1, 1] = 100
        check_same(d.copy(), numpy.array([0.0, 100, 8]))
        v = in_numpy("lib.stride_tricks.as_strided", a, (2, 2), (8, 8))
        v[0, 0] = -1
        assert a[0, 0] == -1

    def test_views_stay_views_of_a_later_result(self):
        a = np.arange(4.0)
        v = in_numpy("reshape", a, (2, 2))
        a += 1
        v *= 2
        a = a + 1
        check_same(a, numpy.arange(4.0) * 2 + 3)

    def test_out_is_the_same_object(self):
        a, out = np.arange(4.0), np.zeros(4)
        assert in_numpy("cumsum", a, out=out) is out
        check_same(out, numpy.cumsum(numpy.arange(4.0)))
        assert in_numpy("linalg.matmul", np.eye(2), np.eye(2)).shape == (2, 2)

    def test_read_only_stays_read_only(self):
        a = np.broadcast_to(np.arange(3), (2, 3))
        with pytest.raises(ValueError, match="read-only"):
            in_numpy("put", a, [0], [1])

    def test_numpy_sees_what_is_pending(self):
        a = np.zeros(5)
        face = numpy.asarray(a)
        a += 1
        a[1:] *= 3
        assert face.tolist() == [1, 3, 3, 3, 3]
        face[0] = 50
        assert float(a[0]) == 50


class TestModes:
    """MANIPLE_FALLBACK and `maniple.fallback`."""

    def test_error(self):
        with maniple.fallback("error"), pytest.raises(maniple.FallbackError, match="numpy.linalg.inv"):
            np.linalg.inv(np.eye(2))
        assert issubclass(maniple.FallbackError, NotImplementedError)
        check_same(np.linalg.inv(np.eye(2)), numpy.eye(2))

    def test_warn_once_per_call_site(self):
        with maniple.fallback("warn"), warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for _ in range(3):
                np.linalg.inv(np.eye(2))
            np.linalg.inv(np.eye(2))
        assert [w.category for w in seen] == [maniple.FallbackWarning] * 2
        assert seen[0].filename == __file__ and seen[0].lineno != seen[1].lineno

    def test_quiet_is_the_default(self):
        assert _fallback.mode() == "quiet"

    def test_nonsense(self):
        with pytest.raises(ValueError, match="expected one of"), maniple.fallback("loud"):
            pass

    def test_environment(self):
        program = "import maniple.numpy as np; np.linalg.inv(np.eye(2))"
        done = run_python("-c", program, environment={"MANIPLE_FALLBACK": "error"})
        assert done.returncode == 1 and "FallbackError: numpy.linalg.inv" in done.stderr
        done = run_python("-c", program, environment={"MANIPLE_FALLBACK": "warn"})
        assert done.returncode == 0 and "FallbackWarning: numpy.linalg.inv" in done.stderr


class TestReport:
    """`maniple.report()`."""

    def test_rows(self):
        for _ in range(4):
            np.linalg.inv(np.eye(10))
        row = next(row for row in maniple.report().rows if row.name == "linalg.inv")
        assert (row.file, row.count, row.bytes) == (__file__, 4, 4 * 1600)
        assert row.seconds > 0 and row.line > 0

    def test_text_and_html(self):
        assert "none" in repr(maniple.report())
        np.linalg.inv(np.eye(2))
        report = maniple.report()
        assert "numpy.linalg.inv" in repr(report) and "test_fallback.py:" in repr(report)
        assert "<table>" in report._repr_html_() and "numpy.linalg.inv" in report._repr_html_()

    def test_printing_is_no_fallback(self):
        repr(np.arange(3))
        str(np.arange(3).sum())
        np.testing.assert_array_equal(np.arange(3), np.arange(3))
        assert maniple.report().rows == []


class TestForeign:
    """Arrays of dtypes that live in NumPy."""

    @pytest.mark.parametrize(
        "source",
        [
            "np.array(['b', 'a'])", "np.array([1, 'x', None], dtype=object)", "np.array(['2020-01-02'], 'M8[D]')",
            "np.array([(1, 2.0)], dtype=[('x', int), ('y', float)])", "np.array([1.5, 2.5], dtype=np.longdouble)",
            "np.sort(np.array(['b', 'a']))", "np.array(['a'])[0]", "np.char.upper(np.array(['b', 'a']))",
            "np.roll(np.array(['b', 'a']), 1)", "np.arange(3).astype(object) * 2", "np.array([3, 1]).astype(str)",
            "np.concatenate([np.array(['b']), np.array(['abc'])])", "np.array([(1, 2.0)], dtype='i4,f8')['f1']",
            "np.array(['2020-01-02'], 'M8[D]') - np.timedelta64(1, 'D')", "np.unique(np.array(['b', 'a', 'b']))",
            "np.array([1, 2], dtype='>i4') + 1",
        ],
    )  # fmt: skip
    def test_behaves_as_in_numpy(self, source):
        check_same(eval(source, {"np": np}), eval(source, {"np": numpy}))

    def test_items_write_through(self):
        a = np.array(["x", "y"], dtype=object)
        b = a[::-1]
        b[0] = 5
        assert a[1] == 5
