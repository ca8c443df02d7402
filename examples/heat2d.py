"""Heat flowing through a metal plate with one hot edge, one cold edge and a hot spot.

The explicit five-point scheme, written with slices and updated in place: what most finite-difference
programs look like. Every step reads five overlapping views of the plate and writes a sixth.
"""

import argparse
import time

import numpy as np

TOLERANCE = {"mean_history": 1e-12}


def plate(size):
    """A plate at 20 degrees with its upper edge at 100, its lower edge at 0 and a disc of 400 degrees."""
    temperature = np.full((size, size), 20.0)
    y, x = np.mgrid[0:size, 0:size] / (size - 1)
    temperature[(x - 0.35) ** 2 + (y - 0.6) ** 2 < 0.01] = 400.0
    temperature[0, :] = 100.0
    temperature[-1, :] = 0.0
    return temperature


def step(u, number):
    """One step of the scheme, in place; `number` is diffusivity * dt / dx^2 and must be below 1/4."""
    centre = u[1:-1, 1:-1]
    centre += number * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * centre)
    u[:, 0] = u[:, 1]
    u[:, -1] = u[:, -2]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1000, help="points along each edge of the plate")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="a small plate, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    size, steps = (120, 60) if args.quick else (args.size, args.steps)

    began = time.perf_counter()
    u = plate(size)
    history = [u.mean()]
    for index in range(steps):
        step(u, 0.24)
        if (index + 1) % max(1, steps // 10) == 0:
            history.append(u.mean())
    history = np.array(history)
    warm = np.count_nonzero(u > 50.0)

    print(f"plate {size} x {size}, {steps} steps")
    print(f"mean temperature {history[0]:.3f} -> {history[-1]:.3f}")
    print(f"hottest point inside {u[1:-1, 1:-1].max():.2f}")
    print(f"points above 50 degrees: {warm}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, temperature=u, mean_history=history, warm=warm)


if __name__ == "__main__":
    main()
