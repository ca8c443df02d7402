"""The array modules that are compared. A new one is a row of the table."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Peer:
    """An array module with NumPy's names, how to wait for its results and whose version to report."""

    module: str
    package: str
    synchroniser: str | None

    def load(self) -> ModuleType:
        """The module itself; `ImportError` where it is not installed."""
        return importlib.import_module(self.module)

    def wait(self) -> Callable[[], None]:
        """A function that returns when everything asked for is computed."""
        if self.synchroniser is None:
            return lambda: None
        return getattr(importlib.import_module(self.package), self.synchroniser)

    def fetch(self, value: Any) -> np.ndarray:
        """A result as an array of NumPy's."""
        return np.asarray(value)

    def version(self) -> str:
        """The version that the package states."""
        return getattr(importlib.import_module(self.package), "__version__", "unknown")


PEERS: dict[str, Peer] = {
    "numpy": Peer("numpy", "numpy", None),
    "maniple": Peer("maniple.numpy", "maniple", "sync"),
}
