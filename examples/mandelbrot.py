"""The Mandelbrot set: how soon every point of a rectangle escapes.

The real and the imaginary part are held apart, because their squares serve both the escape test and the
next step. Nothing is compressed away: points that escaped keep being computed under a mask, as in most
array programs.
"""

import argparse
import time

import numpy as np

TOLERANCE = {}


def escape_times(width, height, iterations, centre=(-0.74, 0.0), span=2.7):
    """For each pixel the number of iterations that stay within radius 2."""
    x = centre[0] + span * (np.arange(width) / (width - 1) - 0.5)
    y = centre[1] + span * (np.arange(height) / (height - 1) - 0.5) * height / width
    real, imaginary = np.meshgrid(x, y)
    a = np.zeros_like(real)
    b = np.zeros_like(real)
    count = np.zeros(real.shape, dtype=np.int32)
    for _ in range(iterations):
        a2 = a * a
        b2 = b * b
        inside = a2 + b2 <= 4.0
        count += inside
        b = np.where(inside, 2.0 * a * b + imaginary, b)
        a = np.where(inside, a2 - b2 + real, a)
    return count


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a small picture, for tests")
    parser.add_argument("--picture", metavar="FILE.png", help="draw the set (needs matplotlib)")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    width, height, iterations = (150, 100, 40) if args.quick else (args.width, args.height, args.iterations)

    began = time.perf_counter()
    count = escape_times(width, height, iterations)
    inside = np.count_nonzero(count == iterations)
    area = inside / count.size * 2.7 * 2.7 * height / width

    print(f"{width} x {height} pixels, {iterations} iterations")
    print(f"points inside: {inside}, area about {area:.4f}")
    print(f"mean escape time of the others: {count[count < iterations].mean():.4f}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, count=count)
    if args.picture:
        import matplotlib.image

        matplotlib.image.imsave(args.picture, np.log(count), cmap="twilight_shifted", origin="lower")
        print(f"picture: {args.picture}")


if __name__ == "__main__":
    main()
