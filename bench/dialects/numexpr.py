"""numexpr: expressions as text, evaluated block by block on all cores."""

from typing import Any

import numexpr
import numpy as np

import programs
from dialects.base import Dialect


def expression(text: str, *names: str):
    """A variant that evaluates one expression; the inputs of the case get these names, in order."""

    def run(data: Any) -> Any:
        parts = data if isinstance(data, tuple) else (data,)
        return numexpr.evaluate(text, dict(zip(names, parts)))

    return run


def chain_text() -> str:
    text = "x"
    for _ in range(10):
        text = f"({text} * 0.999 + 0.001)"
    return text


def black_scholes(real: type):
    """Text for `float64` or `float32`; numbers are given as variables so that they keep the width."""
    numbers = {
        name: real(value)
        for name, value in {
            "rate": 0.03, "v": 0.25, "drift": 0.03 + 0.5 * 0.25**2, "one": 1.0, "half": -0.5, "p": 0.2316419,
            "c1": 0.319381530, "c2": -0.356563782, "c3": 1.781477937, "c4": -1.821255978, "c5": 1.330274429,
            "share": 1 / np.sqrt(2 * np.pi), "zero": 0.0,
        }.items()
    }  # fmt: skip

    def normal(x: np.ndarray) -> np.ndarray:
        tail = numexpr.evaluate(
            "exp(half * x * x) * (k * (c1 + k * (c2 + k * (c3 + k * (c4 + k * c5)))) * share)",
            numbers | {"x": x, "k": numexpr.evaluate("one / (one + p * abs(x))", numbers | {"x": x})},
        )
        return numexpr.evaluate("where(x > zero, one - tail, tail)", numbers | {"x": x, "tail": tail})

    def run(data: Any) -> Any:
        names = numbers | dict(zip(("s", "k", "t"), data))
        d1 = numexpr.evaluate("(log(s / k) + drift * t) / (v * sqrt(t))", names)
        d2 = numexpr.evaluate("d1 - v * sqrt(t)", names | {"d1": d1})
        names |= {"n1": normal(d1), "n2": normal(d2)}
        call = numexpr.evaluate("s * n1 - k * exp(-rate * t) * n2", names)
        return call, numexpr.evaluate("call + k * exp(-rate * t) - s", names | {"call": call})

    return run


def jacobi(u: np.ndarray) -> np.ndarray:
    inner = u[1:-1, 1:-1]
    names = {"n": u[:-2, 1:-1], "s": u[2:, 1:-1], "w": u[1:-1, :-2], "e": u[1:-1, 2:]}
    for _ in range(programs.SWEEPS):
        inner[...] = numexpr.evaluate("0.25 * (n + s + w + e)", names)
    return u


def heat(u: np.ndarray) -> np.ndarray:
    inner = u[1:-1, 1:-1]
    names = {"c": inner, "n": u[:-2, 1:-1], "s": u[2:, 1:-1], "w": u[1:-1, :-2], "e": u[1:-1, 2:]}
    for _ in range(programs.HEAT_STEPS):
        inner[...] = numexpr.evaluate("c + 0.2 * (n + s + w + e - 4.0 * c)", names)
        u[:, 0] = u[:, 1]
        u[:, -1] = u[:, -2]
    return u


def mandelbrot(data: Any) -> np.ndarray:
    real, imaginary = data
    a, b = np.zeros_like(real), np.zeros_like(real)
    count = np.zeros(real.shape, "int32")
    for _ in range(programs.ESCAPE_ROUNDS):
        names = {"a": a, "b": b, "c": real, "d": imaginary, "count": count}
        names["inside"] = numexpr.evaluate("a * a + b * b <= 4.0", names)
        count = numexpr.evaluate("where(inside, count + 1, count)", names)
        a = numexpr.evaluate("where(inside, a * a - b * b + c, a)", names)
        b = numexpr.evaluate("where(inside, 2.0 * a * b + d, b)", names)
    return count


def n_body(data: Any) -> tuple[np.ndarray, ...]:
    x, y, z, mass = data
    for _ in range(5):
        names = {"mass": mass}
        for name, place in (("x", x), ("y", y), ("z", z)):
            names |= {name: place[None, :], f"{name}0": place[:, None]}
        names["q"] = numexpr.evaluate("(x - x0) ** 2 + (y - y0) ** 2 + (z - z0) ** 2 + 1e-3", names)
        names["w"] = numexpr.evaluate("mass / (q * sqrt(q))", names)
        pull = tuple(numexpr.evaluate(f"sum(({axis} - {axis}0) * w, axis=1)", names) for axis in "xyz")
        x, y, z = x + 1e-9 * pull[0], y + 1e-9 * pull[1], z + 1e-9 * pull[2]
    return pull


def monte_carlo(n: int) -> Any:
    rng = np.random.default_rng(314159)
    names = {"x": rng.random(n), "y": rng.random(n)}
    return np.count_nonzero(numexpr.evaluate("x * x + y * y <= 1.0", names))


def casts(x: np.ndarray) -> tuple[np.ndarray, ...]:
    # The language has no conversion; an output of another type is one.
    single, whole = np.empty(x.shape, "float32"), np.empty(x.shape, "int32")
    numexpr.evaluate("x", {"x": x}, out=single, casting="unsafe")
    numexpr.evaluate("x * 100.0", {"x": x}, out=whole, casting="unsafe")
    return single, whole, numexpr.evaluate("where(x > 0.0, 1.0, 0.0)", {"x": x})


class Speaker(Dialect):
    version = numexpr.__version__
    variants = {
        "Black-Scholes f64": black_scholes(np.float64),
        "Black-Scholes f32": black_scholes(np.float32),
        "chain of 20": expression(chain_text(), "x"),
        "a + b": expression("a + b", "a", "b"),
        "Jacobi, 50 sweeps": jacobi,
        "heat, 20 steps": heat,
        "Mandelbrot": mandelbrot,
        "n-body": n_body,
        "Monte-Carlo pi": monte_carlo,
        "sum": expression("sum(x)", "x"),
        "mean": lambda x: numexpr.evaluate("sum(x)", {"x": x}) / x.size,
        "sum, axis 0": expression("sum(x, axis=0)", "x"),
        "sum, axis 1": expression("sum(x, axis=1)", "x"),
        "max, axis 0": expression("max(x, axis=0)", "x"),
        "max, axis 1": expression("max(x, axis=1)", "x"),
        "a + b.T": lambda data: numexpr.evaluate("a + b", {"a": data[0], "b": data[1].T}),
        "outer difference": lambda data: numexpr.evaluate("abs(a - b)", {"a": data[0][:, None], "b": data[1][None, :]}),
        "where chain": expression(
            "where(x < -0.6, x * x, where(x < -0.2, -x, where(x < 0.2, 0.0, where(x < 0.6, x + 1.0, x * 3.0))))", "x"
        ),
        "casts": casts,
    }
