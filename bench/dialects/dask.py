"""dask.array: the cases as written, over chunks that all cores work through."""

from functools import partial
from typing import Any

import dask
import dask.array as da

from case import Case, Timing
from dialects.base import Dialect, UnsupportedError, each

SKIPPED = ("cavity flow", "cavity flow, fine", "10,000 tiny operations", "loop until", "Richardson-Lucy")
"""Cases whose graphs of tasks take minutes."""

VIEWED = ("heat, 20 steps",)
"""Cases that write through a slice, which is no view here."""


class Speaker(Dialect):
    version = dask.__version__

    def put(self, value: Any) -> Any:
        return each(da.from_array, value)

    def function(self, case: Case) -> Any:
        if case.timing is Timing.RECORDED or case.name in SKIPPED + VIEWED:
            raise UnsupportedError("no variant")
        if case.name.startswith("random"):
            raise UnsupportedError("draws other numbers")
        run = partial(case.run, da)

        def compute(data: Any) -> Any:
            # A copy of the graph, so that what the case writes into its inputs does not pile up from run to run.
            parts = data if isinstance(data, tuple) else (data,)
            parts = tuple(part.copy() if isinstance(part, da.Array) else part for part in parts)
            result = run(parts if isinstance(data, tuple) else parts[0])
            done = dask.compute(*result) if isinstance(result, tuple) else dask.compute(result)[0]
            return done

        return compute
