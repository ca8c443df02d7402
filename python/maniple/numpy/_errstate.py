"""`errstate`, `seterr` and `geterr` are NumPy's own, and `_maniple` is told of every change."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy

from .. import _maniple
from . import _mirror


def tell() -> None:
    """Tell `_maniple` what NumPy's error state is now."""
    state = numpy.geterr()
    _maniple.set_errstate(state["divide"], state["over"], state["under"], state["invalid"])


def seterr(**kwargs: Any) -> dict[str, str]:
    """`numpy.seterr` for both NumPy and Maniple."""
    before = numpy.seterr(**kwargs)
    tell()
    return before


class errstate(numpy.errstate):
    """`numpy.errstate` for both NumPy and Maniple."""

    __slots__ = ("_settings",)
    __doc__ = numpy.errstate.__doc__

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._settings = kwargs

    def __enter__(self) -> None:
        super().__enter__()
        tell()

    def __exit__(self, *exc_info: Any) -> None:
        super().__exit__(*exc_info)
        tell()

    def __call__(self, func: Callable) -> Callable:
        """`func` with this error state in force while it runs."""

        @functools.wraps(func)
        def inner(*args: Any, **kwargs: Any) -> Any:
            with errstate(**self._settings):
                return func(*args, **kwargs)

        return inner


def _seterr(
    all: Any = None, divide: Any = None, over: Any = None, under: Any = None, invalid: Any = None
) -> dict:
    return seterr(all=all, divide=divide, over=over, under=under, invalid=invalid)


def act(kind: str, flag: int, message: str) -> None:
    """Act on a floating point event as NumPy does in the modes `call`, `print` and `log`."""
    mode = numpy.geterr()[kind]
    handler = numpy.geterrcall()
    what, _, where = message.partition(" encountered in ")
    if mode == "print":
        print(f"Warning: {message}", file=sys.stderr)
    elif handler is None:
        missing = "python callback" if mode == "call" else "log"
        wanted = "function" if mode == "call" else "object with write method"
        raise NameError(f"{missing} specified for {what} (in {where}) but no {wanted} found.")
    elif mode == "call":
        handler(what, flag)
    else:
        handler.write(f"Warning: {message}\n")


errstate.__module__ = "numpy"
REPLACEMENTS = [(numpy.errstate, errstate), (numpy.seterr, _mirror.dress(_seterr, numpy.seterr))]
