"""Several reductions over one index space become one launch: the same bits, the same events, fewer launches."""

import os
import warnings

import numpy
import pytest
from conftest import check_same, run_python

import maniple
import maniple.numpy as np

BITS = """
import hashlib
import numpy
import maniple.numpy as np
digest = hashlib.sha256()
random = numpy.random.default_rng(7)
for shape in ((70000,), (300, 2000), (2000, 300), (9000, 5), (5, 9000), (40, 1030), (3, 4, 2500)):
    for dtype in ("f8", "f4", "i4", "f2"):
        for axis in (None, 0, -1):
            x, y = (np.asarray((random.random(shape) * 100).astype(dtype)) for _ in range(2))
            d = x - y
            w = d * y + 1
            folds = [(d * w).sum(axis), (x * w).sum(axis), (y * w).sum(axis), w.min(axis), w.max(axis)]
            folds += [x.sum(axis), x.min(axis), (x > 50).sum(axis), x.any(axis), x.sum(axis, dtype="f8")]
            y *= 2
            folds += [y.sum(axis), (y + x).max(axis), y.mean(axis), y]
            del d, w
            for made in folds:
                digest.update(numpy.asarray(made).tobytes())
print(digest.hexdigest())
"""


def test_bits_do_not_depend_on_settings():
    settings = [
        {},
        {"MANIPLE_FUSE": "0"},
        {"MANIPLE_JIT": "0"},
        {"MANIPLE_JIT": "always", "MANIPLE_PIECES": "3"},
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
x.sum(), x.min(), x.max()
x.min(axis=0), x.max(axis=0)
(x * y).sum(axis=1), (x * x).sum(axis=1), (y * y).sum(axis=1)
x.sum(), np.add.reduce(x, axis=None, dtype='i8'), (x > 2).sum(), x.any()
x.mean(), x.std(), y.sum()
np.add.reduce(x, axis=0), np.subtract.reduce(x, axis=0), np.divide.reduce(x, axis=0)
x.sum(), x.sum(), (x + y).sum()
""".split("\n")[1:-1],
)
def test_results_are_numpys(source):
    random = numpy.random.default_rng(3)
    x, y = (random.integers(1, 9, (50, 60)).astype(float) for _ in range(2))
    ours = eval(source, {"np": np, "x": np.array(x), "y": np.array(y)})
    theirs = eval(source, {"np": numpy, "x": x, "y": y})
    for made, wanted in zip(ours, theirs, strict=True):
        numpy.testing.assert_allclose(numpy.asarray(made), wanted, rtol=1e-14)
        check_same(np.shape(made), numpy.shape(wanted))


def test_folds_of_one_array_are_one_launch():
    x = np.arange(6000.0).reshape(60, 100)
    maniple.sync()
    before = maniple.report().statistics["launches"]
    folds = [x.sum(axis=1), x.min(axis=1), x.max(axis=1), (x * x).sum(axis=1)]
    maniple.sync()
    # Settings of the tests may launch every task alone.
    alone = os.environ.get("MANIPLE_FUSE") == "0" or os.environ.get("MANIPLE_WINDOW") == "1"
    assert maniple.report().statistics["launches"] == before + (5 if alone else 1)
    assert [float(fold[1]) for fold in folds] == [14950.0, 100.0, 199.0, 2318350.0]


EVENTS = """
big = np.full((3, 2000), 1e308)
small = big * 1e-300
a = np.add.reduce(big, axis=1)
b = np.maximum.reduce(big, axis=1)
c = np.add.reduce(small * small, axis=1)
d = np.add.reduce(big * small, axis=1)
e = np.maximum.reduce(small / 0.0, axis=1)
f = np.add.reduce(small - small * np.inf, axis=1)
g = np.add.reduce(small), np.add.reduce(big), np.minimum.reduce(small)
h = np.add.reduce(small, None), np.add.reduce(big, None), np.add.reduce(small * 1e-200, None)
i = np.add.reduce(big - big * np.array([10.0]), None)
"""


@pytest.mark.parametrize("scale", [1.0, 0.25e-3])
def test_events_are_those_of_their_call(scale):
    told = []
    for module in (np, numpy):
        with warnings.catch_warnings(record=True) as seen, module.errstate(all="warn", under="ignore"):
            warnings.simplefilter("always")
            source = EVENTS.replace("1e308", repr(1e308 * scale))
            exec(compile(source, "user.py", "exec"), {"np": module, "__name__": "user"})
            maniple.sync()
        told.append(sorted((one.lineno, str(one.message)) for one in seen))
    assert told[0] == told[1]
