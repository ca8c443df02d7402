"""Pi, and the volume of balls in up to six dimensions, by throwing random points at a cube."""

import argparse
import math
import time

import numpy as np

TOLERANCE = {"volumes": 1e-14}


def hits(rng, points, dimensions):
    """How many of `points` random points of the unit cube lie in the ball around its corner."""
    square = np.zeros(points)
    for _ in range(dimensions):
        coordinate = rng.random(points)
        square += coordinate * coordinate
    return np.count_nonzero(square <= 1.0)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=20_000_000, help="points thrown for each ball")
    parser.add_argument("--batch", type=int, default=2_000_000, help="points thrown at once")
    parser.add_argument("--seed", type=int, default=314159)
    parser.add_argument("--quick", action="store_true", help="few points, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    points, batch = (100_000, 30_000) if args.quick else (args.points, args.batch)

    rng = np.random.default_rng(args.seed)
    began = time.perf_counter()
    dimensions = np.arange(2, 7)
    counts = []
    for dimension in range(2, 7):
        count = 0
        for start in range(0, points, batch):
            count += hits(rng, min(batch, points - start), dimension)
        counts.append(count)
    counts = np.array(counts)
    volumes = counts / points * 2.0**dimensions

    print(f"{points} points for each ball")
    print(f"pi is about {volumes[0]:.6f}")
    for dimension, volume in zip(range(2, 7), volumes, strict=True):
        exact = math.pi ** (dimension / 2) / math.gamma(dimension / 2 + 1)
        print(f"  ball in {dimension} dimensions: {volume:.5f}, exactly {exact:.5f}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, counts=counts, volumes=volumes)


if __name__ == "__main__":
    main()
