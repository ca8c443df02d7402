"""Maniple, which runs every case as written too."""

from functools import partial
from typing import Any

import maniple
import maniple.numpy as xp
from case import Case
from dialects.base import Dialect


class Speaker(Dialect):
    version = maniple.__version__
    exact_types = True

    def data(self, case: Case, size: int) -> Any:
        data = case.setup(xp, size)
        maniple.sync()
        return data

    def function(self, case: Case) -> Any:
        return partial(case.run, xp)

    def wait(self, result: Any) -> None:
        maniple.sync()
