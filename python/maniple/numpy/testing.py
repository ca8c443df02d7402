"""`numpy.testing` helpers that look for warnings: deferred work is done before they look."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy.testing

from .. import _warnings
from . import _mirror


def assert_warns(warning_class: Any, *args: Any, **kwargs: Any) -> Any:
    """`numpy.testing.assert_warns`, as a function and as a context manager."""
    return _settled(numpy.testing.assert_warns, (warning_class,), args, kwargs)


def assert_no_warnings(*args: Any, **kwargs: Any) -> Any:
    """`numpy.testing.assert_no_warnings`, as a function and as a context manager."""
    return _settled(numpy.testing.assert_no_warnings, (), args, kwargs)


def _settled(check: Callable, before: tuple, args: tuple, kwargs: dict) -> Any:
    if not args and not kwargs:
        return _context(check(*before))
    with _context(check(*before)):
        return args[0](*args[1:], **kwargs)


@contextlib.contextmanager
def _context(manager: Any) -> Iterator[Any]:
    with manager as found:
        yield found
        _warnings.settle()


for _ours in (assert_warns, assert_no_warnings):
    _original = getattr(numpy.testing, _ours.__name__)
    _mirror.stand_for(_original, _mirror.dress(_ours, _original))

__path__: list[str] = []
__all__ = list(numpy.testing.__all__)
_mirror.names(globals(), numpy.testing)
