"""Maniple runs unchanged NumPy programs on every core it is given.

`import maniple.numpy as np` is the NumPy namespace; `python -m maniple prog.py` runs a program whose own
`import numpy as np` gets it. What has no native version runs in NumPy and is listed by `maniple.report()`.

The runtime starts, and reads its settings from the environment, when something here is first used.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["FallbackError", "FallbackWarning", "Report", "fallback", "machine", "on", "report", "sync"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _session

    value = globals()[name] = getattr(_session, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
