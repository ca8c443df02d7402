"""PyTorch: the cases themselves, NumPy's calls translated and fused by `torch.compile`."""

from functools import partial
from typing import Any

import numpy as np
import torch

import programs
from case import Case, Timing
from dialects.base import Dialect, UnsupportedError

SKIPPED = ("cavity flow", "cavity flow, fine", "10,000 tiny operations")
"""Cases that unroll into programs which take many minutes to compile."""


@torch.compile
def sweep(u: torch.Tensor) -> torch.Tensor:
    return 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def jacobi(u: np.ndarray) -> np.ndarray:
    shared = torch.from_numpy(u)
    for _ in range(programs.SWEEPS):
        shared[1:-1, 1:-1] = sweep(shared)
    return u


@torch.compile
def pulls(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor, mass: torch.Tensor) -> tuple[torch.Tensor, ...]:
    dx, dy, dz = x[None, :] - x[:, None], y[None, :] - y[:, None], z[None, :] - z[:, None]
    square = dx * dx + dy * dy + dz * dz + 1e-3
    weight = mass / (square * torch.sqrt(square))
    return (dx * weight).sum(1), (dy * weight).sum(1), (dz * weight).sum(1)


def n_body(data: Any) -> tuple[np.ndarray, ...]:
    x, y, z, mass = (torch.from_numpy(part) for part in data)
    for _ in range(5):
        pull = pulls(x, y, z, mass)
        x, y, z = x + 1e-9 * pull[0], y + 1e-9 * pull[1], z + 1e-9 * pull[2]
    return tuple(part.numpy() for part in pull)


@torch.compile
def mandelbrot_round(a, b, count, real, imaginary):
    a2, b2 = a * a, b * b
    inside = a2 + b2 <= 4.0
    return torch.where(inside, a2 - b2 + real, a), torch.where(inside, 2.0 * a * b + imaginary, b), count + inside


def mandelbrot(data: Any) -> np.ndarray:
    real, imaginary = (torch.from_numpy(part) for part in data)
    a, b, count = torch.zeros_like(real), torch.zeros_like(real), torch.zeros(real.shape, dtype=torch.int32)
    for _ in range(programs.ESCAPE_ROUNDS):
        a, b, count = mandelbrot_round(a, b, count, real, imaginary)
    return count.numpy()


class Speaker(Dialect):
    version = torch.__version__
    variants = {"Jacobi, 50 sweeps": jacobi, "n-body": n_body, "Mandelbrot": mandelbrot}

    def __init__(self) -> None:
        # One function is compiled for each case; the default gives up after eight.
        torch._dynamo.config.recompile_limit = 64

    def function(self, case: Case) -> Any:
        if case.timing is Timing.RECORDED or case.name.startswith("random") or case.name in SKIPPED:
            raise UnsupportedError("no variant")
        return self.variants.get(case.name) or torch.compile(partial(case.run, np))
