"""`numpy.random` over our arrays: NumPy's own generators and numbers, with results that are ours."""

from typing import Any

import numpy
import numpy.random

from .. import _fallback
from . import _draws, _mirror, _streams


def _method(cls: type, name: str) -> Any:
    original = getattr(cls, name)
    ours = cls is numpy.random.Generator
    function = _streams.METHODS.get(name, original) if ours else original
    draw = _draws.METHODS.get(name) if ours else None

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if draw is not None:
            drawn = draw(self, *args, **kwargs)
            if drawn is not NotImplemented:
                return drawn
        return _fallback.run(f"random.{cls.__name__}.{name}", function, (self, *args), kwargs)

    method.__name__ = name
    method.__qualname__ = f"{cls.__name__}.{name}"
    method.__doc__ = original.__doc__
    return method


def _methods(cls: type, kept: set[str]) -> dict[str, Any]:
    names = [name for name in dir(cls) if not name.startswith("_") and name not in kept]
    return {name: _method(cls, name) for name in names if callable(getattr(cls, name))}


class Generator(numpy.random.Generator):
    """NumPy's `Generator` whose arrays are ours; the numbers are NumPy's, long draws of some as tasks or on several threads."""

    locals().update(_methods(numpy.random.Generator, {"bit_generator", "spawn"}))

    def __reduce__(self) -> tuple:
        return Generator, (self.bit_generator,)


class RandomState(numpy.random.RandomState):
    """NumPy's `RandomState` whose arrays are ours; the numbers are NumPy's own."""

    locals().update(_methods(numpy.random.RandomState, {"get_state", "set_state", "seed"}))

    def __reduce__(self) -> tuple:
        return _restored, (self.get_state(legacy=False),)


def _restored(state: dict) -> RandomState:
    made = RandomState()
    made.set_state(state)
    return made


def default_rng(seed: Any = None) -> Generator:
    """`numpy.random.default_rng`, giving our `Generator`."""
    if isinstance(seed, Generator):
        return seed
    made = _fallback.run_unrecorded(numpy.random.default_rng, (seed,), {})
    return Generator(made.bit_generator)


for _cls in (Generator, RandomState):
    _mirror.stand_for(getattr(numpy.random, _cls.__name__), _cls)
_mirror.stand_for(numpy.random.default_rng, _mirror.dress(default_rng, numpy.random.default_rng))

__all__ = list(numpy.random.__all__)
__path__: list[str] = []
_mirror.names(globals(), numpy.random)
