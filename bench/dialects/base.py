"""What a dialect is."""

from collections.abc import Callable
from typing import Any

import numpy as np

from case import Case, Timing


class UnsupportedError(Exception):
    """The library has no program for this case."""


class Dialect:
    """A library that computes cases: by variants of its own here, which get NumPy's arrays as it takes them."""

    version = "unknown"
    exact_types = False
    """Whether results must have NumPy's dtypes."""

    variants: dict[str, Callable[[Any], Any]] = {}
    """Programs in place of a case's, by its name."""

    tolerances: dict[str, float] = {}
    """Cases whose variant may be further from NumPy's answer, as other random numbers are."""

    def data(self, case: Case, size: int) -> Any:
        """A case's inputs."""
        return self.put(case.setup(np, size))

    def put(self, value: Any) -> Any:
        """NumPy's arrays as the library takes them, alone or in a tuple."""
        return value

    def function(self, case: Case) -> Callable[[Any], Any]:
        """What computes the case from its inputs; `UnsupportedError` where there is nothing."""
        if case.timing is Timing.RECORDED:
            raise UnsupportedError("runs at once")
        if case.name not in self.variants:
            raise UnsupportedError("no variant")
        return self.variants[case.name]

    def wait(self, result: Any) -> None:
        """Return when a result is there."""

    def fetch(self, part: Any) -> np.ndarray:
        """A part of a result as an array of NumPy's."""
        return np.asarray(part)


def each(convert: Callable[[np.ndarray], Any], value: Any) -> Any:
    """Arrays converted, alone or in tuples; whatever else there is stays."""
    if isinstance(value, tuple):
        return tuple(each(convert, part) for part in value)
    return convert(value) if isinstance(value, np.ndarray) else value
