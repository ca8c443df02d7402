"""The NumPy namespace over Maniple's arrays: `import maniple.numpy as np`.

Every public name of the installed NumPy is here; `_mirror.py` says what stands for each. Names are made when
they are first asked for, so that importing this module costs little.
"""

import sys

import numpy

from .. import _maniple
from .. import _session as _session  # imported so that the session has begun
from . import _errstate, _methods, _mirror, _overrides, _replacements

__all__ = list(numpy.__all__)
__version__ = numpy.__version__


def _stand_for_natives() -> None:
    _mirror.stand_for(numpy.ndarray, _maniple.ndarray)
    _mirror.stand_for(numpy.ufunc, _maniple.ufunc)
    for name, ufunc in _maniple.ufuncs().items():
        if hasattr(numpy, name):
            _mirror.stand_for(getattr(numpy, name), ufunc)
        else:
            # A row that NumPy has no ufunc for is a name of ours alone.
            globals()[name] = ufunc
    for name, function in _maniple.functions().items():
        try:
            original = _mirror.resolve(name)
        except AttributeError:
            continue
        _mirror.stand_for(original, _mirror.native(function, original))
    for replacements in (_replacements.REPLACEMENTS, _errstate.REPLACEMENTS):
        for original, ours in replacements:
            _mirror.stand_for(original, ours)


sys.meta_path.append(_mirror.Finder)
_stand_for_natives()
_methods.complete(_maniple.ndarray)
_methods.complete_ufunc(_maniple.ufunc)
_maniple.set_hook("function", _methods.array_function)
_maniple.set_hook("override", _overrides.override)
_maniple.set_hook("errcall", _errstate.act)
_errstate.tell()
_mirror.names(globals(), numpy)
