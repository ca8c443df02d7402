"""What the tests share: one way to compare with NumPy."""

import subprocess
import sys
from typing import Any

import numpy
import pytest

import maniple
import maniple.numpy as np
from maniple import _fallback


@pytest.fixture(autouse=True)
def clean_record():
    """Each test begins with an empty record of fallbacks, and leaves no work behind."""
    _fallback.forget()
    yield
    maniple.sync()


def check_same(ours: Any, theirs: Any) -> None:
    """Compare class, dtype, shape, bits and printing; NaNs count as equal."""
    if isinstance(theirs, tuple | list):
        assert type(ours) is type(theirs) and len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            check_same(one, other)
        return
    if not isinstance(theirs, numpy.ndarray | numpy.generic):
        assert type(ours) is type(theirs)
        assert ours == theirs or (ours != ours and theirs != theirs)
        return
    assert isinstance(ours, numpy.generic) == isinstance(theirs, numpy.generic)
    assert (type(ours) is np.ndarray) == (type(theirs) is numpy.ndarray)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    numpy.testing.assert_array_equal(numpy.asarray(ours), numpy.asarray(theirs), strict=True)
    assert repr(ours) == repr(theirs)


def run_python(
    *arguments: str, environment: dict[str, str] | None = None, cwd: Any = None
) -> subprocess.CompletedProcess:
    """Run Python in a process of its own."""
    import os

    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )
