"""Warnings of work that was deferred: emitted with the user's file and line, and before filters change."""

import sys
import threading
import warnings
from typing import Any

from . import _maniple

_pending: list[tuple] = []
_busy = threading.local()


def emit() -> None:
    """Emit the RuntimeWarnings of the work that is done, as if each had come from the line that asked for it.

    A filter that makes them errors raises here; those after it wait for the next time.
    """
    if getattr(_busy, "on", False):
        return
    _pending.extend(_maniple.take_warnings())
    if not _pending:
        return
    _busy.on = True
    try:
        while _pending:
            message, file, line = _pending.pop(0)[:3]
            scope = _scope_of(file)
            warnings.warn_explicit(
                message,
                RuntimeWarning,
                file or "<unknown>",
                line,
                module=scope.get("__name__"),
                registry=scope.setdefault("__warningregistry__", {}),
            )
    finally:
        _busy.on = False


def settle() -> None:
    """Finish what was asked for and emit its warnings."""
    _maniple.sync()
    emit()


def watch_filters() -> None:
    """Make `warnings.catch_warnings` settle pending work first, both on entry and on exit."""
    catch = warnings.catch_warnings
    enter, leave = catch.__enter__, catch.__exit__
    if hasattr(enter, "__wrapped__"):
        return

    def __enter__(self: Any) -> Any:
        if not getattr(_busy, "on", False):
            settle()
        return enter(self)

    def __exit__(self: Any, *exc_info: Any) -> Any:
        try:
            if not getattr(_busy, "on", False):
                settle()
        except Exception:
            # What already went wrong in the block is what the user should see.
            if exc_info and exc_info[0] is None:
                raise
        finally:
            leave(self, *exc_info)

    __enter__.__wrapped__ = enter
    __exit__.__wrapped__ = leave
    catch.__enter__, catch.__exit__ = __enter__, __exit__


def _scope_of(file: str) -> dict[str, Any]:
    """The globals of the module whose source is `file`; they hold its registry of warnings shown."""
    known = _scopes.get(file)
    if known is None:
        known = {"__name__": "<unknown>"}
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", None) == file:
                known = vars(module)
                break
        _scopes[file] = known
    return known


_scopes: dict[str, dict[str, Any]] = {}
