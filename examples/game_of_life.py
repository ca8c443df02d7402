"""Conway's game of life on a torus: eight shifted neighbours, boolean rules, bytes instead of numbers."""

import argparse
import time

import numpy as np

TOLERANCE = {}


def neighbours(cells):
    """How many of the eight neighbours of every cell live; the edges meet their opposites."""
    rows = cells + np.roll(cells, 1, axis=0) + np.roll(cells, -1, axis=0)
    return rows + np.roll(rows, 1, axis=1) + np.roll(rows, -1, axis=1) - cells


def generation(cells):
    """The next generation: three neighbours give life, two keep it."""
    count = neighbours(cells)
    return ((count == 3) | ((count == 2) & (cells == 1))).astype(np.uint8)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2000, help="cells along each edge of the torus")
    parser.add_argument("--generations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1970)
    parser.add_argument("--quick", action="store_true", help="a small torus, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    size, generations = (128, 40) if args.quick else (args.size, args.generations)

    rng = np.random.default_rng(args.seed)
    cells = (rng.random((size, size)) < 0.3).astype(np.uint8)
    began = time.perf_counter()
    population = [cells.sum()]
    age = np.zeros((size, size), dtype=np.int32)
    for _ in range(generations):
        following = generation(cells)
        age = np.where(following & cells, age + 1, 0)
        cells = following
        population.append(cells.sum())
    population = np.array(population)

    print(f"torus {size} x {size}, {generations} generations")
    print(f"population {population[0]} -> {population[-1]}, most {population.max()}")
    print(f"oldest living cell: {age.max()} generations; cells older than 10: {np.count_nonzero(age > 10)}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, cells=cells, age=age, population=population)


if __name__ == "__main__":
    main()
