"""NumPy's own Python code over our arrays.

Most of NumPy's functions are Python over a few primitives: `numpy.roll` makes slices and assigns them,
`numpy.cov` multiplies matrices. Writing them again would be writing the same thing twice, so they are
*rebound*: the code object of NumPy's implementation gets new globals in which every name means ours.

    numpy.roll.__code__  +  {"asanyarray": our asanyarray, "empty_like": our empty_like, ...}  ->  our roll

The new globals of a function of `numpy.X` are the mirror module `maniple.numpy.X` (`_mirror.py`), so the rule
that says what stands for a name of NumPy's is the same rule everywhere. Only the names that the code mentions
are looked up, when the function is first called; NumPy's private helpers are rebound on the way.

The tables below say which public functions are rebound; tests compare each with NumPy. Arguments that are not
ours to compute on, such as object arrays, masked arrays and other libraries' arrays, send the whole call to
NumPy. So do few elements (`MANIPLE_SMALL`): a dozen calls of ours cost more than all of it there.
"""

import sys
import types
from collections.abc import Callable
from typing import Any

from .. import _maniple

# Public functions, by the module that holds their code.
_FUNCTIONS = {
    "numpy._core._asarray": "require",
    "numpy._core.fromnumeric": """
        all amax amin any argmax argmin argpartition argsort around choose clip compress cumprod cumsum
        cumulative_prod cumulative_sum diagonal matrix_transpose max mean min ndim nonzero partition
        permute_dims prod ptp put ravel repeat reshape resize round searchsorted shape size sort squeeze std
        sum swapaxes take trace
        transpose var""",
    "numpy._core.function_base": "geomspace linspace logspace",
    "numpy._core.numeric": """
        allclose argwhere array_equal array_equiv astype convolve correlate count_nonzero cross flatnonzero
        fromfunction full full_like identity indices isclose isfortran isscalar moveaxis ones ones_like outer
        roll rollaxis
        tensordot zeros_like""",
    "numpy._core.shape_base": "atleast_1d atleast_2d atleast_3d block hstack stack unstack vstack",
    "numpy.lib._arraypad_impl": "pad",
    "numpy.lib._arraysetops_impl": """
        ediff1d intersect1d isin setdiff1d setxor1d union1d unique unique_all unique_counts unique_inverse
        unique_values""",
    "numpy.lib._function_base_impl": """
        angle append asarray_chkfinite average bartlett blackman copy corrcoef cov delete diff digitize
        extract flip gradient hamming hanning i0 insert interp kaiser median meshgrid percentile piecewise
        place quantile rot90
        select sinc sort_complex trapezoid trim_zeros unwrap""",
    "numpy.lib._histograms_impl": "histogram histogram_bin_edges histogramdd",
    "numpy.lib._index_tricks_impl": "diag_indices diag_indices_from fill_diagonal ix_",
    "numpy.lib._nanfunctions_impl": """
        nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod
        nanquantile
        nanstd nansum nanvar""",
    "numpy.lib._polynomial_impl": "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval",
    "numpy.lib._scimath_impl": "arccos arcsin arctanh log log10 log2 logn power sqrt",
    "numpy.lib._shape_base_impl": """
        apply_along_axis apply_over_axes array_split column_stack dsplit dstack expand_dims hsplit kron
        put_along_axis row_stack split take_along_axis tile vsplit""",
    "numpy.lib._stride_tricks_impl": "broadcast_arrays sliding_window_view",
    "numpy.lib._twodim_base_impl": """
        diag diagflat eye fliplr flipud histogram2d mask_indices tri tril tril_indices tril_indices_from triu
        triu_indices triu_indices_from vander""",
    "numpy.lib._type_check_impl": """
        common_type imag iscomplex iscomplexobj isreal isrealobj nan_to_num real real_if_close""",
    "numpy.lib._ufunclike_impl": "fix isneginf isposinf",
    "numpy.fft._helper": "fftfreq fftshift ifftshift rfftfreq",
    "numpy.linalg._linalg": """
        cross diagonal matmul matrix_norm matrix_power matrix_transpose multi_dot norm outer tensordot trace
        vecdot
        vector_norm""",
}  # fmt: skip

_PUBLIC = {module: frozenset(text.split()) for module, text in _FUNCTIONS.items()}

# How the work of functions grows that are worth a call of NumPy's own where there is little of it: with the number
# of elements, with the product of all numbers of elements and all whole numbers among the arguments, or with the
# square of that. The others make views, or a few steps that fuse with what is around them.
_GROWTH = {
    name: growth
    for growth, names in {
        "sum": """
            allclose append apply_over_axes argpartition argsort argwhere array_equal array_equiv asarray_chkfinite
            average block choose column_stack convolve corrcoef correlate cov cross delete digitize dsplit dstack
            ediff1d extract fftshift flatnonzero gradient histogram histogram2d histogram_bin_edges histogramdd hstack
            i0 ifftshift insert interp intersect1d isclose isin log2 logn matrix_norm matrix_power median
            multi_dot nan_to_num nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile
            nanprod nanquantile nanstd nansum nanvar norm partition percentile place poly poly1d polyadd polyder polydiv
            polyfit polyint polymul polysub polyval ptp put put_along_axis quantile roll searchsorted select setdiff1d
            setxor1d sort sort_complex stack take_along_axis tensordot trace trapezoid tril trim_zeros triu union1d
            unique unique_all unique_counts unique_inverse unique_values unwrap vecdot vector_norm vstack""",
        "product": """
            bartlett blackman fftfreq geomspace hamming hanning indices kaiser kron linspace logspace meshgrid outer pad
            repeat resize rfftfreq tile vander""",
        "square": """
            diag_indices diagflat eye identity tri tril_indices triu_indices""",
    }.items()
    for name in names.split()
}  # fmt: skip

# Functions whose dispatcher, which NumPy calls first, refuses generators.
_CHECKED = {
    "column_stack": "_column_stack_dispatcher",
    "dstack": "_dstack_dispatcher",
    "hstack": "_vhstack_dispatcher",
    "stack": "_stack_dispatcher",
    "vstack": "_vhstack_dispatcher",
}

# Modules whose private helpers, functions and classes alike, are rebound wherever they are mentioned.
_HELPERS = {*_PUBLIC, "numpy._core._methods"}

# Functions of those modules that make NumPy's arrays from addresses, and so have to run in NumPy.
_NUMPYS = {"as_strided"}

# Public classes written in Python over arrays.
_CLASSES = {
    "numpy.lib._function_base_impl": {"vectorize"},
    "numpy.lib._index_tricks_impl": {
        "AxisConcatenator", "CClass", "MGridClass", "OGridClass", "RClass", "nd_grid", "ndenumerate",
    },
    "numpy.lib._polynomial_impl": {"poly1d"},
}  # fmt: skip


def rebinds(function: Any) -> bool:
    """Whether NumPy's `function` is one of those that run here."""
    code = _implementation(function)
    if not isinstance(code, types.FunctionType):
        return False
    module = code.__globals__.get("__name__", "")
    return code.__name__ in _PUBLIC.get(module, ()) or _is_helper(code)


def rebinds_class(cls: Any) -> bool:
    """Whether NumPy's class `cls` is one of those that are rebuilt here."""
    return isinstance(cls, type) and _class_key(cls) is not None


def function(original: Callable) -> Callable:
    """NumPy's `original` running over our arrays, or in NumPy where an argument is not ours to compute on."""
    code = _implementation(original)
    if _is_helper(code):
        helper = _mirror.stand_for(original, _with_our_globals(code, None))
        # Only now, since it may mention itself.
        _supply_names(code)
        return helper
    name = _mirror.dotted(original)
    growth = _GROWTH.get(code.__name__, "deferred")
    check = code.__globals__[_CHECKED[code.__name__]] if code.__name__ in _CHECKED else None

    def make() -> Callable:
        rebound = rebind(code)
        if check is None:
            return rebound

        def checked(*args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            return rebound(*args, **kwargs)

        return checked

    return _mirror.dress(_maniple.native(name, make, original, growth), original)


def rebind(
    original: types.FunctionType, cells: dict[int, types.CellType] | None = None
) -> types.FunctionType:
    """`original` with the mirror of its module as globals; `cells` replaces closure cells by identity."""
    _supply_names(original)
    return _with_our_globals(original, cells)


def _with_our_globals(
    original: types.FunctionType, cells: dict[int, types.CellType] | None
) -> types.FunctionType:
    scope = _scope(original.__globals__)
    closure = original.__closure__
    if closure is not None:
        closure = tuple([_rebind_cell(cell, cells) for cell in closure])
    rebound = types.FunctionType(original.__code__, scope, original.__name__, original.__defaults__, closure)
    rebound.__kwdefaults__ = original.__kwdefaults__
    rebound.__qualname__ = original.__qualname__
    rebound.__doc__ = original.__doc__
    rebound.__module__ = original.__module__
    rebound.__dict__.update({key: value for key, value in original.__dict__.items() if key != "__wrapped__"})
    return rebound


def class_of(original: type) -> type:
    """NumPy's class with its methods rebound."""
    bases = tuple([_mirror.translate(base) for base in original.__bases__])
    members = {key: value for key, value in vars(original).items() if not isinstance(value, _SLOTS)}
    # NumPy accepts only its own arrays from here.
    array = members.pop("__array__", None)
    # The class exists before its methods, which mention it.
    data = {key: value for key, value in members.items() if not _is_code(value)}
    made = _mirror.stand_for(original, type(original)(original.__name__, bases, data))
    made.__qualname__ = original.__qualname__
    cells: dict[int, types.CellType] = {}
    for key, value in members.items():
        if _is_code(value):
            setattr(made, key, _rebind_member(value, cells))
    if array is not None:
        made.__array__ = array
    for cell in cells.values():
        if cell.cell_contents is original:
            cell.cell_contents = made
    return made


def instance_of(original: Any) -> Any:
    """The like of an instance of one of NumPy's rebuilt classes, such as `numpy.mgrid`."""
    cls = _mirror.translate(type(original))
    made = object.__new__(cls)
    slots = {name for base in cls.__mro__ for name in getattr(base, "__slots__", ())}
    for name in {*slots, *getattr(original, "__dict__", ())}:
        if hasattr(original, name):
            setattr(made, name, getattr(original, name))
    return made


def _implementation(function: Any) -> Any:
    return getattr(function, "_implementation", function)


def _is_helper(code: types.FunctionType) -> bool:
    scope = code.__globals__
    if code.__name__ in _NUMPYS or scope.get("__name__") not in _HELPERS:
        return False
    return code.__name__ not in scope.get("__all__", ())


def _class_key(cls: type) -> str | None:
    module = vars(cls).get("__module__", "")
    if cls.__name__ in _CLASSES.get(module, ()):
        return module
    for home, held in _CLASSES.items():
        # Classes such as poly1d say that they live in `numpy`.
        if module == "numpy" and cls.__name__ in held:
            return home
    return None


def _scope(original: dict) -> dict:
    return _mirror.scope_of(_mirror.mirror(sys.modules[original["__name__"]]))


def _supply_names(original: types.FunctionType) -> None:
    _supply(original.__code__, original.__globals__, _scope(original.__globals__))


def _supply(code: types.CodeType, original: dict, scope: dict) -> None:
    """Put into `scope` what the names in `code`, and in the functions within it, stand for."""
    for name in code.co_names:
        if name in original and (name not in scope or name.startswith("__")):
            scope.setdefault(name, _mirror.translate(original[name]))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _supply(constant, original, scope)


def _rebind_cell(cell: types.CellType, cells: dict[int, types.CellType] | None) -> types.CellType:
    if cells is not None:
        known = cells.get(id(cell))
        if known is None:
            known = cells[id(cell)] = types.CellType(cell.cell_contents)
        return known
    try:
        return types.CellType(_mirror.translate(cell.cell_contents))
    except ValueError:
        return cell


# What a class body holds only because of `__slots__` and the like; making the class makes them anew.
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def _is_code(value: Any) -> bool:
    return isinstance(value, types.FunctionType | staticmethod | classmethod | property)


def _rebind_member(value: Any, cells: dict[int, types.CellType]) -> Any:
    if isinstance(value, types.FunctionType):
        return rebind(value, cells)
    if isinstance(value, staticmethod | classmethod):
        return type(value)(_rebind_member(value.__func__, cells))
    if isinstance(value, property):
        parts = (value.fget, value.fset, value.fdel)
        return property(
            *[None if part is None else _rebind_member(part, cells) for part in parts], doc=value.__doc__
        )
    return value


from . import _mirror  # noqa: E402  (the two modules explain each other; this one is imported by the other)
