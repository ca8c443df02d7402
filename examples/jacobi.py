"""Jacobi's method for a dense system of linear equations.

Each sweep is one matrix-vector product and a few vector operations; the change of the solution decides when
to stop, so the program asks for a number in every sweep.
"""

import argparse
import time

import numpy as np

TOLERANCE = {"solution": 1e-10, "changes": 1e-6}


def random_system(size, rng):
    """A diagonally dominant matrix, for which the method converges, and a right-hand side."""
    matrix = rng.random((size, size))
    matrix[np.arange(size), np.arange(size)] += 1.25 * size
    return matrix, rng.random(size)


def jacobi(matrix, right, tolerance, most_sweeps):
    """The solution and the largest change of each sweep."""
    diagonal = np.diag(matrix)
    rest = matrix - np.diag(diagonal)
    solution = np.zeros_like(right)
    changes = []
    for _ in range(most_sweeps):
        better = (right - rest @ solution) / diagonal
        changes.append(float(np.abs(better - solution).max()))
        solution = better
        if changes[-1] < tolerance:
            break
    return solution, np.array(changes)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4000, help="number of equations")
    parser.add_argument("--tolerance", type=float, default=1e-12, help="stop at a change below this")
    parser.add_argument("--sweeps", type=int, default=200, help="stop after this many sweeps")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a small system, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    size = 200 if args.quick else args.size

    matrix, right = random_system(size, np.random.default_rng(args.seed))
    began = time.perf_counter()
    solution, changes = jacobi(matrix, right, args.tolerance, args.sweeps)
    residual = float(np.linalg.norm(matrix @ solution - right) / np.linalg.norm(right))

    print(f"{size} equations, {len(changes)} sweeps, converged: {changes[-1] < args.tolerance}")
    print(f"solution between {solution.min():.6e} and {solution.max():.6e}")
    print(f"relative residual below 1e-8: {residual < 1e-8}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, solution=solution, changes=changes)


if __name__ == "__main__":
    main()
