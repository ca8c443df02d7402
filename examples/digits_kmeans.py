"""Handwritten digits grouped by k-means, without being told what they show.

The pictures are those that scikit-learn ships. Centres start as in k-means++: each new one is drawn with a
probability that grows with the squared distance to the nearest centre so far. `--repeat K` shows every
picture K times with a little noise.
"""

import argparse
import time

import numpy as np

TOLERANCE = {"centres": 1e-10, "inertias": 1e-10}


def load_digits():
    """Pictures as rows of 64 values between 0 and 16, and the digit each one shows."""
    from sklearn.datasets import load_digits as bundled_digits

    digits = bundled_digits()
    return np.asarray(digits.data, dtype=np.float64), np.asarray(digits.target)


def first_centres(points, clusters, rng):
    """Starting centres, after Arthur and Vassilvitskii (2007)."""
    chosen = [int(rng.integers(len(points)))]
    nearest = np.sum((points - points[chosen[0]]) ** 2, axis=1)
    for _ in range(clusters - 1):
        growing = np.cumsum(nearest)
        place = int(np.searchsorted(growing, rng.random() * growing[-1]))
        chosen.append(place)
        nearest = np.minimum(nearest, np.sum((points - points[place]) ** 2, axis=1))
    return points[np.array(chosen)]


def nearest_centre(points, centres):
    """The centre nearest to each point, and the squared distance to it."""
    lengths = np.sum(points**2, axis=1)[:, np.newaxis] + np.sum(centres**2, axis=1)
    square = lengths - 2.0 * (points @ centres.T)
    label = np.argmin(square, axis=1)
    return label, np.take_along_axis(square, label[:, np.newaxis], axis=1)[:, 0]


def k_means(points, centres, most_rounds):
    """Lloyd's algorithm until no point changes its centre."""
    clusters = len(centres)
    label = np.full(len(points), -1)
    inertias = []
    for _ in range(most_rounds):
        previous = label
        label, square = nearest_centre(points, centres)
        inertias.append(square.sum())
        if np.array_equal(label, previous):
            break
        member = (label[:, np.newaxis] == np.arange(clusters)).astype(points.dtype)
        count = member.sum(axis=0)
        moved = (member.T @ points) / np.maximum(count, 1.0)[:, np.newaxis]
        centres = np.where(count[:, np.newaxis] > 0, moved, centres)
    return centres, label, np.array(inertias)


def print_centres(centres, digits):
    """The centres as small pictures of characters, five in a row."""
    shades = " .:-=+*#%@"
    level = np.clip(centres / 16.0 * len(shades), 0, len(shades) - 1).astype(np.int64)
    pictures = level.reshape(-1, 8, 8).tolist()
    for start in range(0, len(pictures), 5):
        line = slice(start, start + 5)
        print("   ".join(f"looks like {digit}".ljust(16) for digit in digits[line]))
        for row in range(8):
            print(
                "   ".join("".join(2 * shades[value] for value in picture[row]) for picture in pictures[line])
            )


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clusters", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=100, help="stop after this many rounds")
    parser.add_argument("--repeat", type=int, default=20, help="noisy copies of every picture")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="no copies, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)

    rng = np.random.default_rng(args.seed)
    points, digit = load_digits()
    if not args.quick:
        points = np.tile(points, (args.repeat, 1))
        points = points + rng.integers(-1, 2, points.shape)
        digit = np.tile(digit, args.repeat)

    began = time.perf_counter()
    centres, label, inertias = k_means(points, first_centres(points, args.clusters, rng), args.rounds)
    pairs = np.bincount(args.clusters * digit + label, minlength=10 * args.clusters)
    table = pairs.reshape(10, args.clusters)
    looks_like = table.argmax(axis=0)
    purity = table.max(axis=0).sum() / len(points)

    print(f"{len(points)} pictures, {args.clusters} clusters, {len(inertias)} rounds")
    print(f"sum of squared distances {inertias[0]:.6g} -> {inertias[-1]:.6g}")
    print(f"pictures that agree with their cluster: {100 * purity:.2f} %")
    print_centres(centres, looks_like.tolist())
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, centres=centres, label=label, inertias=inertias, table=table)


if __name__ == "__main__":
    main()
