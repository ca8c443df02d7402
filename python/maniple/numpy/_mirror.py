"""NumPy's modules seen through ours: every name of `numpy.X` is a name of `maniple.numpy.X`.

A mirror module starts empty. The first time a name is asked for, `translate` decides what stands for NumPy's
object:

1. what `_maniple` has natively: `ndarray`, `ufunc`, the ufuncs, and functions under NumPy's names;
2. a replacement written here in Python (`_replacements.py`, `_errstate.py`, `random.py`);
3. NumPy's own Python code over our primitives (`_rebound.py`);
4. functions that know no arrays: NumPy's own;
5. any other function: a wrapper that runs it in NumPy and records that (`_fallback.py`);
6. constants, dtypes, scalar types, exceptions and other classes: NumPy's own objects.
"""

import builtins
import copyreg
import functools
import importlib
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .. import _fallback, _maniple
from . import _rebound

PREFIX = "maniple."

_standing_for: dict[int, Any] = {}

# Functions that take no arrays and give none.
_WITHOUT_ARRAYS = {
    "numpy": {
        "add_docstring", "add_newdoc", "base_repr", "binary_repr", "broadcast_shapes", "datetime_data",
        "format_float_positional", "format_float_scientific", "get_include", "get_printoptions", "getbufsize",
        "geterr", "geterrcall", "info", "isdtype", "issubdtype", "iterable", "mintypecode",
        "normalize_axis_index", "normalize_axis_tuple", "printoptions", "promote_types", "set_printoptions",
        "setbufsize", "seterrcall", "show_config", "show_runtime", "typename",
    },
    "numpy.random": {
        "get_bit_generator", "get_state", "seed", "set_bit_generator", "set_state",
    },
    "numpy.lib": {
        "add_docstring", "add_newdoc", "drop_metadata", "isfileobj", "normalize_axis_index", "opt_func_info",
    },
    "numpy.polynomial": {"set_default_printstyle"},
    "numpy.ctypeslib": {"as_ctypes_type", "load_library", "ndpointer"},
}  # fmt: skip

# Functions that read values by their nature, as printing does: running them in NumPy is no fallback.
_READERS = {
    "array2string", "array_repr", "array_str", "save", "savetxt", "savez", "savez_compressed", "write_array",
}  # fmt: skip

# Helpers of tests that take functions and other objects, which must reach NumPy as they are.
_RAW_TESTING = {
    "assert_", "assert_no_gc_cycles", "assert_no_warnings", "assert_raises", "assert_raises_regex",
    "assert_warns", "break_cycles", "check_support_sve", "decorate_methods", "jiffies", "measure", "memusage",
    "run_threaded", "rundocs", "runstring", "tempdir", "temppath",
}  # fmt: skip


def translate(value: Any) -> Any:
    """What stands in our namespace for an object of NumPy's."""
    known = _standing_for.get(id(value))
    if known is not None:
        return known
    kind = type(value)
    if kind is types.ModuleType:
        return mirror(value)
    if isinstance(value, type):
        if _rebound.rebinds_class(value):
            return _rebound.class_of(value)
        made = value
    elif kind is numpy.ufunc:
        made = FallbackUfunc(value)
    elif isinstance(value, functools.partial):
        made = functools.partial(translate(value.func), *value.args, **value.keywords)
    elif _rebound.rebinds_class(kind):
        made = _rebound.instance_of(value)
    elif kind is dict and any(isinstance(held, (types.FunctionType, dict)) for held in value.values()):
        made = {key: translate(held) for key, held in value.items()}
    elif callable(value) and not isinstance(value, (types.GenericAlias, numpy.ndarray)):
        return _translate_function(value)
    else:
        return value
    return stand_for(value, made)


def stand_for(original: Any, ours: Any) -> Any:
    """Let `ours` stand for NumPy's `original` from now on, and return it."""
    # NumPy's object is kept alive with ours, so that its address stays its own.
    _kept.append(original)
    _standing_for[id(original)] = ours
    return ours


_kept: list[Any] = []


def counterpart(original: Any) -> Any:
    """What already stands for `original`, or None."""
    return _standing_for.get(id(original))


def mirror(module: types.ModuleType) -> types.ModuleType:
    """Our module for one of NumPy's; other modules, such as `sys`, stay what they are."""
    name = module.__name__
    if name != "numpy" and not name.startswith("numpy."):
        return module
    known = sys.modules.get(PREFIX + name)
    return known if known is not None else importlib.import_module(PREFIX + name)


_scope = types.ModuleType.__dict__["__dict__"].__get__


class Mirror(types.ModuleType):
    """A module of ours for one of NumPy's. Names come when they are asked for; all of them when `vars` asks."""

    @property
    def __dict__(self) -> dict:
        scope = _scope(self)
        for name in scope["__dir__"]():
            if name not in scope:
                try:
                    getattr(self, name)
                except AttributeError:
                    continue
        return scope


def scope_of(module: types.ModuleType) -> dict:
    """The globals of one of our modules, as they are now."""
    return _scope(module)


def names(scope: dict, module: types.ModuleType) -> None:
    """Make the module with globals `scope` answer for every name of NumPy's `module`."""
    sys.modules[scope["__name__"]].__class__ = Mirror

    def __getattr__(name: str) -> Any:
        if name in _IDENTITY:
            raise AttributeError(f"module {scope['__name__']!r} has no attribute {name!r}")
        value = translate(getattr(module, name))
        scope[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*dir(module), *(name for name in scope if not name.startswith("_"))})

    # Import statements within rebound code ask for NumPy's modules and mean ours.
    scope["__builtins__"] = {**vars(builtins), "__import__": _import_ours}
    scope["__getattr__"] = __getattr__
    scope["__dir__"] = __dir__


def _import_ours(
    name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] = (), level: int = 0
) -> Any:
    if level or (name != "numpy" and not name.startswith("numpy.")):
        return builtins.__import__(name, globals, locals, fromlist, level)
    module = importlib.import_module(PREFIX + name)
    return module if fromlist else sys.modules[PREFIX + "numpy"]


# What says which module this is, and must not come from NumPy's.
_IDENTITY = {"__path__", "__file__", "__spec__", "__loader__", "__package__", "__cached__", "__wrapped__"}


class Finder:
    """Finds `maniple.numpy.X`, where no file of ours has that name, as the mirror of `numpy.X`."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The specification of a mirror, if `name` is one."""
        if not name.startswith(PREFIX + "numpy."):
            return None
        original = name.removeprefix(PREFIX)
        if original not in sys.modules:
            try:
                importlib.import_module(original)
            except ModuleNotFoundError as missing:
                if missing.name is not None and (original + ".").startswith(missing.name + "."):
                    return None
                raise
        spec = importlib.machinery.ModuleSpec(
            name, Finder, origin=getattr(sys.modules[original], "__file__", None)
        )
        if hasattr(sys.modules[original], "__path__"):
            spec.submodule_search_locations = []
        return spec

    @staticmethod
    def create_module(spec: importlib.machinery.ModuleSpec) -> None:
        """A plain module."""
        return None

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        """Fill the mirror's hooks; its names come when they are asked for."""
        original = sys.modules[module.__name__.removeprefix(PREFIX)]
        names(scope_of(module), original)
        if getattr(original, "__file__", None):
            module.__file__ = original.__file__
        if hasattr(original, "__all__"):
            module.__all__ = list(original.__all__)


class FallbackUfunc:
    """A ufunc that only NumPy has, such as those of `numpy.strings` or of `numpy.frompyfunc`."""

    def __init__(self, original: numpy.ufunc):
        self.__maniple_numpy__ = original
        self.__doc__ = original.__doc__
        self.__name__ = original.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.__maniple_numpy__ is numpy.matmul and len(args) in (2, 3) and kwargs.keys() <= {"out"}:
            made = _maniple.matmul(*args, **kwargs)
            if made is not None:
                return made
        return _fallback.run(self.__name__, self.__maniple_numpy__, args, kwargs)

    @property
    def __class__(self) -> type:
        return _maniple.ufunc

    def __reduce__(self) -> tuple:
        return translate, (self.__maniple_numpy__,)

    def __repr__(self) -> str:
        return repr(self.__maniple_numpy__)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__maniple_numpy__, name)
        if not isinstance(value, types.BuiltinMethodType):
            return value

        def method(*args: Any, **kwargs: Any) -> Any:
            return _fallback.run(f"{self.__name__}.{name}", value, args, kwargs)

        return method


def _translate_function(value: Any) -> Any:
    owner = getattr(value, "__self__", None)
    if isinstance(owner, numpy.ufunc):
        return getattr(translate(owner), value.__name__)
    name = getattr(value, "__name__", "")
    module = _home(value)
    if not module.startswith("numpy") or not name:
        return value
    if name in _without_arrays(module):
        return value
    if module.startswith("numpy.testing"):
        return value if name in _RAW_TESTING else stand_for(value, unrecorded(value))
    if name in _READERS:
        return stand_for(value, unrecorded(value))
    if _rebound.rebinds(value):
        return stand_for(value, _rebound.function(value))
    return stand_for(value, fallback(value))


def _home(function: Any) -> str:
    """The module that NumPy's function says it is in."""
    owner = getattr(function, "__self__", None)
    if type(owner).__module__.startswith("numpy.random"):
        return "numpy.random"
    if owner is not None and not isinstance(owner, types.ModuleType):
        return type(owner).__module__ or ""
    return getattr(function, "__module__", None) or ""


def _without_arrays(module: str) -> set[str]:
    while module:
        if module in _WITHOUT_ARRAYS:
            return _WITHOUT_ARRAYS[module]
        module = module.rpartition(".")[0]
    return set()


def dotted(function: Any) -> str:
    """The name of NumPy's function as users write it after `numpy.`."""
    parts = [part for part in _home(function).split(".") if not part.startswith("_")]
    if "_core" in _home(function):
        parts = []
    if "random" in parts:
        parts = ["numpy", "random"]
    return ".".join([*parts[1:], getattr(function, "__name__", "?")])


def dress(wrapper: Callable, original: Any) -> Callable:
    """Give `wrapper` the name, documentation and signature of NumPy's `original`."""
    wrapper.__name__ = original.__name__
    wrapper.__qualname__ = getattr(original, "__qualname__", original.__name__)
    # Pickles name functions by their module.
    wrapper.__module__ = PREFIX + _home(original)
    wrapper.__doc__ = original.__doc__
    wrapper.__wrapped__ = original
    wrapper.__maniple_numpy__ = original
    if isinstance(original, types.BuiltinFunctionType | types.MethodType) and not isinstance(
        wrapper, _maniple.function
    ):
        # A class that holds one, such as `make = np.array`, does not make a method of it.
        held = staticmethod(wrapper)
        held.__maniple_numpy__ = original
        return held
    return wrapper


def _reduce_function(function: staticmethod) -> tuple:
    if not hasattr(function, "__maniple_numpy__"):
        raise TypeError("cannot pickle 'staticmethod' object")
    return _function_named, (function.__module__, function.__name__)


def _function_named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


copyreg.pickle(staticmethod, _reduce_function)


def fallback(original: Callable) -> Callable:
    """A function that runs in NumPy and is recorded."""
    return dress(_maniple.native(dotted(original), None, original), original)


def unrecorded(original: Callable) -> Callable:
    """A function that runs in NumPy and is no fallback, because it reads values by its nature."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return _fallback.run_unrecorded(original, args, kwargs)

    return dress(wrapper, original)


def native(function: Callable, original: Callable) -> Callable:
    """A native function that runs in NumPy where it meets arguments it does not know."""
    return dress(_maniple.native(dotted(original), function, original), original)


def resolve(path: str) -> Any:
    """NumPy's object with a dotted name such as `linalg.inv` or `add.reduce`; raises AttributeError."""
    value: Any = numpy
    for part in path.split("."):
        value = getattr(value, part)
    return value
