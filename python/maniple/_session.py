"""The functions of `maniple`, and what must be in place before anything runs: hooks, filters, the end."""

import atexit
import contextlib
from collections.abc import Iterator
from typing import Any

from . import _arrays, _maniple, _warnings
from ._fallback import FallbackError, FallbackWarning, mode, set_mode
from ._report import Report

sync = _maniple.sync

__all__ = ["FallbackError", "FallbackWarning", "Report", "fallback", "machine", "on", "report", "sync"]


def report() -> Report:
    """The machine, the runtime's statistics, and every call site that fell back to NumPy."""
    _maniple.sync()
    return Report()


def machine() -> Any:
    """The machine that programs run on: its backends, processors and memories."""
    return _maniple.machine()


@contextlib.contextmanager
def fallback(mode_in_block: str) -> Iterator[None]:
    """Within the block, calls without a native version are `quiet`, `warn` or raise (`error`).

    Outside of blocks the setting MANIPLE_FALLBACK holds.
    """
    before = mode()
    set_mode(mode_in_block)
    try:
        yield
    finally:
        set_mode(before)


@contextlib.contextmanager
def on(backend: str) -> Iterator[None]:
    """Within the block, what `backend` (`cpu`, `cuda`, `wgpu`) supports runs on its processors, and nowhere else.

    Raises RuntimeError, with the reason, where there is no such backend.
    """
    before = _maniple.prefer(backend)
    try:
        yield
    finally:
        _maniple.prefer(before)


def _finish() -> None:
    """Emit what is pending when the interpreter ends; errors have nobody left to catch them but are shown."""
    try:
        _warnings.settle()
    finally:
        _maniple.end_trace()


_arrays.install()
_warnings.watch_filters()
atexit.register(_finish)
