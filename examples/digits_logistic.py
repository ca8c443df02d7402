"""Handwritten digits told apart by multinomial logistic regression, fitted by gradient descent with momentum.

The 1797 pictures of 8 x 8 points are those that scikit-learn ships. `--repeat K` shows them K times with a
little noise, so that there is work to do.
"""

import argparse
import time

import numpy as np

TOLERANCE = {"weights": 1e-8, "losses": 1e-10, "probabilities": 1e-8}


def load_digits():
    """Pictures as rows with values between 0 and 1, and the digit each one shows."""
    from sklearn.datasets import load_digits as bundled_digits

    digits = bundled_digits()
    return np.asarray(digits.data) / 16.0, np.asarray(digits.target)


def with_bias(pictures):
    return np.concatenate([pictures, np.ones((len(pictures), 1))], axis=1)


def softmax(scores):
    """Probabilities of the classes, row by row."""
    scores = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


def fit(features, labels, classes, steps, rate=0.5, momentum=0.9, penalty=1e-4):
    """Weights of one column per class, and the loss before each step."""
    wanted = (labels[:, np.newaxis] == np.arange(classes)).astype(features.dtype)
    weights = np.zeros((features.shape[1], classes))
    velocity = np.zeros_like(weights)
    losses = []
    for _ in range(steps):
        probabilities = softmax(features @ weights)
        picked = np.sum(probabilities * wanted, axis=1)
        losses.append(-np.mean(np.log(picked)) + 0.5 * penalty * np.sum(weights**2))
        gradient = features.T @ (probabilities - wanted) / len(features) + penalty * weights
        velocity = momentum * velocity - rate * gradient
        weights += velocity
    return weights, np.array(losses)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=20, help="noisy copies of every training picture")
    parser.add_argument("--seed", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="few steps and no copies, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    steps, repeat = (60, 1) if args.quick else (args.steps, args.repeat)

    rng = np.random.default_rng(args.seed)
    pictures, labels = load_digits()
    order = rng.permutation(len(pictures))
    train, test = order[:1400], order[1400:]
    train_pictures = np.tile(pictures[train], (repeat, 1))
    train_pictures = train_pictures + 0.05 * rng.standard_normal(train_pictures.shape)
    train_labels = np.tile(labels[train], repeat)

    began = time.perf_counter()
    weights, losses = fit(with_bias(train_pictures), train_labels, 10, steps)
    probabilities = softmax(with_bias(pictures[test]) @ weights)
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels[test]
    confusion = np.bincount(10 * labels[test] + predicted, minlength=100).reshape(10, 10)
    mistakes = confusion - np.diag(np.diag(confusion))
    shown, taken = np.unravel_index(np.argmax(mistakes), mistakes.shape)

    print(f"{len(train_pictures)} pictures, {steps} steps: loss {losses[0]:.5f} -> {losses[-1]:.5f}")
    print(f"right on {100 * right.mean():.2f} % of {len(test)} unseen pictures")
    print(f"most frequent mistake: {shown} taken for {taken}, {mistakes.max()} times")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(
            args.save,
            weights=weights,
            losses=losses,
            probabilities=probabilities,
            predicted=predicted,
            confusion=confusion,
        )


if __name__ == "__main__":
    main()
