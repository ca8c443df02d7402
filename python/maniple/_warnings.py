"""Warnings of deferred work come before the filters that they are meant for change.

The extension emits a floating point warning when the work that caused it has run, with the file and line of
the call that asked for the work. A block such as `with warnings.catch_warnings()` or `with pytest.warns(...)`
must therefore not begin or end while work is pending.
"""

import threading
import warnings
from typing import Any

from . import _maniple

_busy = threading.local()


def settle() -> None:
    """Finish what was asked for and emit its warnings; a filter that makes them errors raises here."""
    if getattr(_busy, "on", False):
        # A filter that is being entered while a warning is shown must not show warnings itself.
        return
    _busy.on = True
    try:
        _maniple.sync()
    finally:
        _busy.on = False


def watch_filters() -> None:
    """Make `warnings.catch_warnings` settle pending work first, both on entry and on exit."""
    catch: Any = warnings.catch_warnings
    enter, leave = catch.__enter__, catch.__exit__

    def __enter__(self: Any) -> Any:
        settle()
        return enter(self)

    def __exit__(self: Any, *exc_info: Any) -> Any:
        try:
            settle()
        except Exception:
            # What already went wrong in the block is what the user should see.
            if exc_info[0] is None:
                raise
        finally:
            leave(self, *exc_info)

    catch.__enter__, catch.__exit__ = __enter__, __exit__
