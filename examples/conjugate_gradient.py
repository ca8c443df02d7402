"""Conjugate gradients for Poisson's equation, once without a matrix and once with a dense one.

Without a matrix the Laplacian is five slices of a grid; with one it is a matrix-vector product. Both use
the same solver, whose dot products steer the loop.
"""

import argparse
import time

import numpy as np

TOLERANCE = {"by_slices": 1e-7, "by_matrix": 1e-7}


def source(size):
    """Two opposite charges on a grid of `size` by `size` inner points."""
    charge = np.zeros((size, size))
    charge[size // 4, size // 3] = 1.0
    charge[(3 * size) // 4, (2 * size) // 3] = -1.0
    return charge


def minus_laplacian(u):
    """The five-point operator with a zero boundary, by slices."""
    result = 4.0 * u
    result[1:, :] -= u[:-1, :]
    result[:-1, :] -= u[1:, :]
    result[:, 1:] -= u[:, :-1]
    result[:, :-1] -= u[:, 1:]
    return result


def laplacian_matrix(size):
    """The same operator as a dense matrix over the flattened grid."""
    line = 2.0 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    return np.kron(line, np.eye(size)) + np.kron(np.eye(size), line)


def conjugate_gradient(apply, right, tolerance, most_steps):
    """Solve `apply(x) = right` for a symmetric positive `apply`."""
    solution = np.zeros_like(right)
    residual = right - apply(solution)
    direction = residual.copy()
    energy = np.sum(residual * residual)
    goal = tolerance**2 * energy
    for _ in range(most_steps):
        applied = apply(direction)
        alpha = energy / np.sum(direction * applied)
        solution += alpha * direction
        residual -= alpha * applied
        previous, energy = energy, np.sum(residual * residual)
        if energy < goal:
            break
        direction = residual + (energy / previous) * direction
    return solution


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=500, help="points along each edge of the grid, by slices")
    parser.add_argument("--dense-size", type=int, default=60, help="the same for the dense matrix")
    parser.add_argument("--tolerance", type=float, default=1e-9, help="relative residual to reach")
    parser.add_argument("--quick", action="store_true", help="small grids, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    size, dense_size = (40, 16) if args.quick else (args.size, args.dense_size)

    began = time.perf_counter()
    charge = source(size)
    potential = conjugate_gradient(minus_laplacian, charge, args.tolerance, 10 * size)
    error = np.abs(minus_laplacian(potential) - charge).max()
    sliced_seconds = time.perf_counter() - began
    print(f"by slices: {size} x {size}, potential {potential.min():.6f} .. {potential.max():.6f}")
    print(f"  largest error of the equation below 1e-7: {bool(error < 1e-7)}")

    matrix = laplacian_matrix(dense_size)
    right = source(dense_size).ravel()
    began = time.perf_counter()
    dense = conjugate_gradient(lambda x: matrix @ x, right, args.tolerance, 10 * dense_size)
    error = np.abs(matrix @ dense - right).max()
    dense_seconds = time.perf_counter() - began
    print(f"by matrix: {right.size} unknowns, potential {dense.min():.6f} .. {dense.max():.6f}")
    print(f"  largest error of the equation below 1e-7: {bool(error < 1e-7)}")

    if args.time:
        print(f"seconds by slices: {sliced_seconds:.3f}, by matrix: {dense_seconds:.3f}")
    if args.save:
        np.savez(args.save, by_slices=potential, by_matrix=dense)


if __name__ == "__main__":
    main()
