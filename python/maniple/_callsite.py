"""Which line of the user's program is running: the innermost frame outside this package and NumPy."""

import os
import sys
from types import FrameType

import numpy

_INSIDE = tuple(os.path.dirname(path) + os.sep for path in (__file__, numpy.__file__))
_inside: dict[str, bool] = {}


def call_site() -> tuple[str, int, FrameType | None]:
    """File, line and frame of the user's code that is running, or `("<unknown>", 0, None)`."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        inside = _inside.get(file)
        if inside is None:
            inside = _inside[file] = _is_inside(file)
        if not inside:
            return file, frame.f_lineno, frame
        frame = frame.f_back
    return "<unknown>", 0, None


def _is_inside(file: str) -> bool:
    # NumPy's own tests are programs of a user, wherever they lie. Cython's frames name files that do not
    # exist.
    if f"{os.sep}tests{os.sep}" in file:
        return False
    return file.startswith(_INSIDE) or file.startswith("<frozen ") or file.endswith((".pyx", ".pxd"))
