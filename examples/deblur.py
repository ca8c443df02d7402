"""A shaken photograph made sharp again by the algorithm of Richardson and Lucy.

The photograph is Grace Hopper's portrait, which matplotlib ships. It is blurred along a slanted streak,
noise is added, and the blur is undone. Convolution is written as a sum of shifted slices, one for each
point of the streak.
"""

import argparse
import time

import numpy as np

TOLERANCE = {"kernel": 1e-14, "errors": 1e-10, "blurred": 1e-12, "restored": 1e-9}


def load_photograph():
    """Red, green and blue between 0 and 1, one plane each."""
    from matplotlib.cbook import get_sample_data
    from matplotlib.image import imread

    with get_sample_data("grace_hopper.jpg") as file:
        pixels = imread(file, format="jpg")
    return np.moveaxis(np.asarray(pixels, dtype=np.float64) / 255.0, 2, 0).copy()


def streak(length, degrees):
    """The path of a point while the camera shakes: a slanted line of soft points whose weights sum to 1."""
    reach = length // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    angle = np.radians(degrees)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    weights = np.clip(1.0 - np.abs(across), 0.0, 1.0) * np.clip(reach + 0.5 - np.abs(along), 0.0, 1.0)
    return weights / weights.sum()


def convolve(image, kernel):
    """Every plane of the image convolved with an odd, square kernel; the edge goes on outside."""
    size = kernel.shape[0]
    reach = size // 2
    height, width = image.shape[1:]
    padded = np.pad(image, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    result = np.zeros_like(image)
    for down, weights in enumerate(kernel[::-1, ::-1].tolist()):
        for right, weight in enumerate(weights):
            if weight > 0.0:
                result += weight * padded[:, down : down + height, right : right + width]
    return result


def richardson_lucy(observed, kernel, rounds):
    """The image that most probably led to what was observed."""
    turned = kernel[::-1, ::-1]
    image = np.full_like(observed, 0.5)
    for _ in range(rounds):
        expected = convolve(image, kernel)
        image *= convolve(observed / np.maximum(expected, 1e-6), turned)
    return np.clip(image, 0.0, 1.0)


def root_mean_square(difference):
    return np.sqrt(np.mean(difference**2))


def draw(photograph, blurred, restored, path):
    """The blurred and the restored photograph beside the original."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(13.0, 5.6), layout="constrained")
    pictures = (("shaken and noisy", blurred), ("restored", restored), ("the original", photograph))
    for axes, (title, picture) in zip(panels, pictures, strict=True):
        axes.imshow(np.clip(np.moveaxis(picture, 0, 2), 0.0, 1.0), interpolation="antialiased")
        axes.set_title(title, loc="left")
        axes.set_axis_off()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--streak", type=int, default=15, help="length of the blur in pixels, odd")
    parser.add_argument("--noise", type=float, default=0.004)
    parser.add_argument("--seed", type=int, default=1906)
    parser.add_argument("--picture", metavar="FILE.png", default="deblur.png")
    parser.add_argument("--no-picture", action="store_true", help="compute and print only")
    parser.add_argument("--quick", action="store_true", help="a corner and no picture, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    rounds = 5 if args.quick else args.rounds

    photograph = load_photograph()
    if args.quick:
        photograph = photograph[:, 60:180, 200:330].copy()
    rng = np.random.default_rng(args.seed)
    began = time.perf_counter()
    kernel = streak(args.streak, 25.0)
    blurred = convolve(photograph, kernel) + args.noise * rng.standard_normal(photograph.shape)
    blurred = np.clip(blurred, 0.0, 1.0)
    restored = richardson_lucy(blurred, kernel, rounds)
    errors = np.array([root_mean_square(blurred - photograph), root_mean_square(restored - photograph)])

    height, width = photograph.shape[1:]
    print(f"photograph {height} x {width}, streak of {args.streak} pixels, {rounds} rounds")
    print(f"root mean square error {errors[0]:.5f} -> {errors[1]:.5f}")
    print(f"signal to noise {-20 * np.log10(errors[0]):.3f} dB -> {-20 * np.log10(errors[1]):.3f} dB")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, kernel=kernel, blurred=blurred, restored=restored, errors=errors)
    if not (args.quick or args.no_picture):
        draw(photograph, blurred, restored, args.picture)
        print(f"picture: {args.picture}")


if __name__ == "__main__":
    main()
