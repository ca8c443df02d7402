"""Gives chosen modules Maniple's NumPy when they import `numpy`, while everybody else keeps NumPy.

The import statement calls `builtins.__import__` with the globals of the importing module, so that is where
the choice is made: by the importing module's file.
"""

import builtins
import importlib
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Sequence
from typing import Any


def redirect(chooses: Callable[[dict[str, Any]], bool]) -> None:
    """From now on `import numpy` means `maniple.numpy` in modules whose globals `chooses` says yes to."""
    plain_import = builtins.__import__
    plain_import_module = importlib.import_module

    def __import__(
        name: str,
        globals: dict | None = None,
        locals: Any = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        if level or not _is_numpy(name):
            return plain_import(name, globals, locals, fromlist, level)
        if not chooses(globals if globals is not None else sys._getframe(1).f_globals):
            return plain_import(name, globals, locals, fromlist, level)
        module = _ours(name, plain_import, fromlist)
        return module if fromlist else sys.modules["maniple.numpy"]

    def import_module(name: str, package: str | None = None) -> Any:
        if _is_numpy(name) and chooses(sys._getframe(1).f_globals):
            return _ours(name, plain_import, ())
        return plain_import_module(name, package)

    builtins.__import__ = __import__
    importlib.import_module = import_module


def chooser(main_file: str | None, roots: Sequence[str]) -> Callable[[dict[str, Any]], bool]:
    """A choice of the program's own modules: `main_file`, and files below `roots` that are not installed."""
    own = tuple({os.path.join(real, "") for root in roots for real in (root, os.path.realpath(root))})
    installed = _installed_folders()
    choices: dict[str, bool] = {}

    def choose(file: str) -> bool:
        path = os.path.abspath(file)
        if path == main_file:
            return True
        if f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path:
            return False
        return path.startswith(own) and not path.startswith(installed)

    def chooses(scope: dict[str, Any]) -> bool:
        file = scope.get("__file__")
        if file is None:
            # Code of `-c`, of exec, or of a notebook: it belongs to the program if nobody else wrote it.
            return scope.get("__spec__") is None and not scope.get("__name__", "").startswith(
                ("numpy", "maniple")
            )
        known = choices.get(file)
        if known is None:
            known = choices[file] = choose(file)
        return known

    return chooses


def _is_numpy(name: str) -> bool:
    return name == "numpy" or name.startswith("numpy.")


def _ours(name: str, plain_import: Callable, fromlist: Sequence[str]) -> Any:
    try:
        plain_import("maniple." + name, None, None, fromlist or ())
    except ModuleNotFoundError as missing:
        if missing.name is not None and missing.name.startswith("maniple.numpy"):
            raise ModuleNotFoundError(
                str(missing).replace("maniple.numpy", "numpy"), name=missing.name.removeprefix("maniple.")
            ) from None
        raise
    return sys.modules["maniple." + name]


def _installed_folders() -> tuple[str, ...]:
    """Where the standard library and installed packages live, unless that holds everything."""
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders |= {
        *site.getsitepackages(),
        site.getusersitepackages(),
        os.path.dirname(os.path.abspath(__file__)),
    }
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)
