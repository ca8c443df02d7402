"""What calls cost on small arrays: many functions on arrays of N elements, each forced at once, beside NumPy.

    .venv/bin/python bench/calls.py 10

Prints microseconds, best of many, and the ratio to NumPy's, the median of which `docs/decisions/0012-*.md` names.
"""

import argparse
import timeit
from statistics import geometric_mean, median

import numpy

import maniple
import maniple.numpy

REPEATS = 25
# Statements over x, y (sorted, N elements), i (0 to N - 1), A (4 x 4), b (4 elements) and N.
STATEMENTS = """
    x[1]; x[1] = 1.0; float(x[1]); A[1]; x[1:]; x[1:] = y[1:]; x[x > 1]; x[i]; x > y; x.copy(); x.astype('f4'); A.T
    float(x.max()); bool((x > 0).all()); x.tolist(); len(x); A @ A; A @ b; x.sum()
    np.zeros(N); np.ones(N); np.empty(N); np.full(N, 1.0); np.zeros_like(x); np.arange(N); np.array([1.0, 2.0, 3.0])
    np.asarray(x); np.eye(4); np.identity(4); np.linspace(0, 1, N); np.logspace(0, 1, N); np.indices((3, 3))
    np.add(x, y); np.sqrt(x); np.exp(x); np.abs(x); np.sign(x); np.floor(x); np.round(x); np.maximum(x, y); np.isnan(x)
    np.hypot(x, y); np.arctan2(x, y); np.logical_and(x, y); np.bitwise_and(i, i); np.clip(x, 0, 1); np.where(x > 1, x, y)
    np.sum(x); np.prod(x); np.min(x); np.mean(x); np.std(x); np.var(x); np.argmax(x); np.any(x); np.cumsum(x); np.ptp(x)
    np.average(x); np.median(x); np.percentile(x, 50); np.quantile(x, 0.5); np.histogram(x); np.bincount(i); np.cov(x)
    np.corrcoef(x); np.nansum(x); np.nanmean(x); np.nan_to_num(x); np.count_nonzero(x); np.nonzero(x); np.argwhere(x)
    np.flatnonzero(x); np.sort(x); np.argsort(x); np.searchsorted(x, y); np.digitize(x, y); np.unique(x); np.isin(x, y)
    np.take(x, i); np.take_along_axis(x, i, 0); np.put(x, i, y); np.copyto(x, y); np.choose(i % 2, (x, y))
    np.select([x > 1, x < 0], [x, y]); np.concatenate((x, y)); np.stack((x, y)); np.vstack((x, y)); np.hstack((x, y))
    np.column_stack((x, y)); np.block([[A, A], [A, A]]); np.append(x, 1.0); np.insert(x, 1, 1.0); np.delete(x, 1)
    np.split(x, 2); np.repeat(x, 2); np.tile(x, 2); np.roll(x, 1); np.flip(x); np.rot90(A); np.pad(x, 1)
    np.reshape(x, (2, -1)); np.ravel(A); np.transpose(A); np.swapaxes(A, 0, 1); np.moveaxis(A, 0, 1); np.squeeze(A)
    np.expand_dims(x, 0); np.broadcast_to(x, (3, N)); np.atleast_2d(x); np.meshgrid(b, b); np.ix_(i[:4], i[:4])
    np.diag(A); np.trace(A); np.tril(A); np.triu(A); np.outer(b, b); np.kron(A, A); np.cross(b[:3], b[1:]); np.dot(x, y)
    np.inner(x, y); np.matmul(A, A); np.tensordot(A, A); np.einsum('i,i->', x, y); np.linalg.norm(x); np.linalg.inv(A)
    np.linalg.solve(A, b); np.linalg.det(A); np.linalg.eigh(A); np.linalg.svd(A); np.linalg.qr(A); np.linalg.cholesky(A)
    np.fft.fft(x); np.convolve(x, b); np.interp(x, y, y); np.trapezoid(x); np.gradient(x); np.diff(x); np.polyfit(x, y, 1)
    np.polyval(b, x); np.allclose(x, y); np.isclose(x, y); np.array_equal(x, y); np.result_type(x, y); np.ndim(x)
"""


def microseconds(statement: str, n: int, xp, sync) -> float:
    """The best time of a statement, with what it asked for done."""
    random = numpy.random.RandomState(1)
    x, y = numpy.sort(random.rand(n) + 0.5), numpy.sort(random.rand(n) + 0.6)
    names = {
        "x": x, "y": y, "i": numpy.arange(n), "A": numpy.eye(4) * 2 + 0.1, "b": random.rand(4),
    }  # fmt: skip
    scope = {"np": xp, "N": n, "sync": sync, **{name: xp.array(value) for name, value in names.items()}}
    loops = 300 if n <= 100 else 50
    return min(timeit.repeat(f"{statement}; sync()", number=loops, repeat=REPEATS, globals=scope)) / loops * 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elements", type=int, nargs="?", default=10, help="elements of an array")
    n = parser.parse_args().elements
    statements = [part.strip() for line in STATEMENTS.strip().splitlines() for part in line.split(";")]
    rows = []
    for statement in statements:
        theirs = microseconds(statement, n, numpy, lambda: None)
        ours = microseconds(statement, n, maniple.numpy, maniple.sync)
        rows.append((ours / theirs, theirs, ours, statement))
    print(f"{'statement':40} {'numpy':>8} {'maniple':>8}  times NumPy's")
    for ratio, theirs, ours, statement in sorted(rows):
        print(f"{statement:40} {theirs:8.2f} {ours:8.2f} {ratio:8.2f}")
    ratios = [row[0] for row in rows]
    slow = sum(ratio > 2 for ratio in ratios)
    print(
        f"{len(rows)} statements on {n} elements: median {median(ratios):.2f}, "
        f"geometric mean {geometric_mean(ratios):.2f}, {slow} above 2"
    )


if __name__ == "__main__":
    main()
