"""Loops in C, fused by hand, for the cases whose best program is plain."""

from typing import Any

import numpy as np

import native
import programs
from dialects.base import Dialect


def chain(data: Any) -> np.ndarray:
    x = data[0]
    result = np.empty_like(x)
    native.call("chain", x.size, x, result)
    return result


def black_scholes(data: Any) -> tuple[np.ndarray, ...]:
    price, strike, years = data
    call, put = np.empty_like(price), np.empty_like(price)
    width = "f64" if price.dtype == np.float64 else "f32"
    native.call(f"black_scholes_{width}", price.size, price, strike, years, call, put)
    return call, put


def jacobi(plate: np.ndarray) -> np.ndarray:
    native.call("jacobi", len(plate), plate, plate.copy(), programs.SWEEPS)
    return plate


def mandelbrot(data: Any) -> np.ndarray:
    real, imaginary = (np.ascontiguousarray(part) for part in data)
    count = np.empty(real.shape, "int32")
    native.call("mandelbrot", real.size, real, imaginary, count, programs.ESCAPE_ROUNDS)
    return count


def n_body(data: Any) -> tuple[np.ndarray, ...]:
    x, y, z, mass = data
    for _ in range(5):
        pull = np.empty_like(x), np.empty_like(x), np.empty_like(x)
        native.call("n_body", x.size, x, y, z, mass, *pull)
        x, y, z = x + 1e-9 * pull[0], y + 1e-9 * pull[1], z + 1e-9 * pull[2]
    return pull


class Speaker(Dialect):
    variants = {
        "chain of 20": chain,
        "Black-Scholes f64": black_scholes,
        "Black-Scholes f32": black_scholes,
        "Jacobi, 50 sweeps": jacobi,
        "Mandelbrot": mandelbrot,
        "n-body": n_body,
        "sum": lambda x: native.call("read_all", x.size, x),
        "mean": lambda x: native.call("read_all", x.size, x) / x.size,
        "var": lambda x: native.call("variance", x.size, x),
    }

    def __init__(self) -> None:
        self.version = native.compiler_version()
