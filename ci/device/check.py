"""Every kernel class once at awkward sizes, against NumPy: short enough to run under a sanitizer."""

import numpy as np

import maniple
import maniple.numpy as mp

rng = np.random.default_rng(0)


def same(ours, theirs, exact=True) -> None:
    """Fails unless the values are equal, or close."""
    ours = np.asarray(ours)
    good = np.array_equal(ours, theirs) if exact else np.allclose(ours, theirs, rtol=1e-12)
    assert good, (ours, theirs)


def vectors(n: int) -> None:
    """One-dimensional kernels."""
    x, y, places = rng.random(n), rng.random(n), rng.integers(0, n, n)
    a, b, i = mp.array(x), mp.array(y), mp.array(places)
    same(a + b * 2, x + y * 2)
    same(a[::-1] - b, x[::-1] - y)
    same(mp.exp(a), np.exp(x), exact=False)
    same(a.sum(), x.sum(), exact=False)
    same(a.max(), x.max())
    same(a.argmax(), x.argmax())
    same(a.cumsum(), x.cumsum(), exact=False)
    same(a[i], x[places])
    same(mp.nonzero(a > 0.5)[0], np.nonzero(x > 0.5)[0])
    same(mp.arange(n) * 3, np.arange(n) * 3)
    c, z = a.copy(), x.copy()
    c[i], z[places] = b, y
    same(c, z)


def matrices() -> None:
    """Kernels over several axes."""
    x = rng.random((70, 130))
    a = mp.array(x)
    same(a.sum(0), x.sum(0), exact=False)
    same(a.sum(1), x.sum(1), exact=False)
    same(a.T + 1, x.T + 1)
    same(a[1:-1, 1:-1] + a[:-2, 1:-1], x[1:-1, 1:-1] + x[:-2, 1:-1])
    same(a.argmin(0), x.argmin(0))
    c, z = a.copy(), x.copy()
    c[a > 0.5] = 0
    z[x > 0.5] = 0
    same(c, z)


def traded() -> list[str]:
    """Arrays go to other libraries and come back without a copy, where those are installed."""
    done = []
    for name in ("cupy", "torch", "jax"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        a = mp.arange(1000.0) + 1
        take = {"cupy": lambda: module.from_dlpack, "torch": lambda: module.from_dlpack,
                "jax": lambda: __import__("jax.dlpack").dlpack.from_dlpack}[name]()  # fmt: skip
        if name == "jax":
            module.config.update("jax_enable_x64", True)
        theirs = take(a)
        same(mp.from_dlpack(theirs) * 2, np.arange(1000.0) * 2 + 2)
        if name != "jax":
            # Both see what either writes, without a word between them.
            theirs *= 3
            same(a + 0, np.arange(1000.0) * 3 + 3)
            a += 1
            same(theirs.get() if name == "cupy" else theirs.cpu().numpy(), np.arange(1000.0) * 3 + 4)
            same(mp.asarray(theirs)[::2] + 0, (np.arange(1000.0) * 3 + 4)[::2])
        done.append(name)
    return done


with maniple.on("cuda"):
    for size in (1, 31, 1000, 4097, 70_001):
        vectors(size)
    matrices()
    print("traded arrays with", traded() or "nobody")
print(maniple.machine()["text"], "all as NumPy's")
