"""Compare Maniple on a GPU with CuPy, PyTorch (compiled) and JAX (jitted): the same expressions, in one interleaved run.

    python bench/gpu.py --json FILE [--case PATTERN] [--peers maniple,cupy] [--quick]

Every sample runs a case once and waits for its result, whatever the peer; peers take turns; medians of `--repeat`
samples are shown with the bandwidth that the case needs if every input is read once and every output written once, and
its share of the bandwidth of a plain copy on the device, measured in the same run. Answers are compared with NumPy's.
"""

import argparse
import datetime
import gc
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("MANIPLE_ON", "cuda")

import numpy as np

import programs


@dataclass(frozen=True)
class GpuCase:
    """A case: inputs by NumPy, an expression over a module `xp`, and the bytes that it must move."""

    name: str
    setup: Callable[[int], tuple[np.ndarray, ...]]
    run: Callable[..., Any]
    size: int
    quick_size: int
    bytes_moved: Callable[[int], float]
    tolerance: float = 1e-12


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def uniform(count: int, dtype: str, low: float = 0.0, high: float = 1.0):
    def make(n):
        return tuple(rng(k).uniform(low, high, n).astype(dtype) for k in range(count))

    return make


def options(dtype: str):
    def make(n):
        ranges = ((10.0, 50.0), (10.0, 50.0), (0.5, 2.0))
        return tuple(rng(k).uniform(*ranges[k], n).astype(dtype) for k in range(3))

    return make


def square(n: int) -> tuple[np.ndarray, ...]:
    return (rng(1).uniform(size=(n, n)),)


def stencil(xp, u):
    """One Jacobi sweep; the new values of the inner points."""
    return 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


def sorted_places(n: int) -> tuple[np.ndarray, ...]:
    return rng(1).uniform(size=n), np.sort(rng(2).integers(0, n, n))


CASES = [
    GpuCase("copy f64", uniform(1, "float64"), lambda xp, a: a * 1.0, 50_000_000, 100_000, lambda n: 16 * n),
    GpuCase("add f64", uniform(2, "float64"), lambda xp, a, b: a + b, 50_000_000, 100_000, lambda n: 24 * n),
    GpuCase("add f32", uniform(2, "float32"), lambda xp, a, b: a + b, 50_000_000, 100_000, lambda n: 12 * n),
    GpuCase(
        "chain f64",
        uniform(1, "float64"),
        lambda xp, a: programs.chain(xp, (a, None)),
        20_000_000,
        100_000,
        lambda n: 16 * n,
    ),
    GpuCase(
        "Black-Scholes f64",
        options("float64"),
        lambda xp, *data: programs.black_scholes(xp, data),
        20_000_000,
        100_000,
        lambda n: 40 * n,
    ),
    GpuCase(
        "Black-Scholes f32",
        options("float32"),
        lambda xp, *data: programs.black_scholes(xp, data),
        20_000_000,
        100_000,
        lambda n: 20 * n,
        tolerance=2e-5,
    ),
    GpuCase("stencil f64", square, stencil, 8192, 512, lambda n: 16.0 * n * n),
    GpuCase("sum f64", uniform(1, "float64"), lambda xp, a: a.sum(), 50_000_000, 100_000, lambda n: 8 * n),
    GpuCase(
        "sum f32", uniform(1, "float32"), lambda xp, a: a.sum(), 50_000_000, 100_000, lambda n: 4 * n, 1e-5
    ),
    GpuCase("sum of squares f64", uniform(1, "float64"), lambda xp, a: (a * a).sum(), 50_000_000, 100_000,
            lambda n: 8 * n),
    GpuCase("row sums f64", square, lambda xp, a: a.sum(1), 8192, 512, lambda n: 8.0 * n * n),
    GpuCase("column sums f64", square, lambda xp, a: a.sum(0), 8192, 512, lambda n: 8.0 * n * n),
    GpuCase("transposed add f64", square, lambda xp, a: a + a.T, 8192, 512, lambda n: 24.0 * n * n),
    GpuCase("gather sorted f64", sorted_places, lambda xp, a, i: a[i], 50_000_000, 100_000, lambda n: 24 * n),
    GpuCase("argmax f64", uniform(1, "float64"), lambda xp, a: a.argmax(), 50_000_000, 100_000, lambda n: 8 * n),
    GpuCase("cumsum f64", uniform(1, "float64"), lambda xp, a: a.cumsum(0), 50_000_000, 100_000,
            lambda n: 16 * n, 1e-9),
    GpuCase("small add f64", uniform(2, "float64"), lambda xp, a, b: a + b, 1000, 1000, lambda n: 24 * n),
]  # fmt: skip


class Peer:
    """An array library: how arrays get in and out, how it runs a function, how to wait."""

    def __init__(self, name: str):
        self.name = name
        self.version = getattr(self, f"_{name}")()

    def _maniple(self) -> str:
        import maniple
        import maniple.numpy as xp

        self.put, self.wait, self.fetch = xp.array, maniple.sync, np.asarray
        self.function = lambda run: lambda *data: run(xp, *data)
        return maniple.__version__

    def _maniple_free(self) -> str:
        """As Maniple runs by default: the mapper chooses between the processor and the device."""
        import maniple
        from maniple import _maniple

        version = self._maniple()
        plain = self.function

        def function(run):
            inner = plain(run)

            def call(*data):
                before = _maniple.prefer(None)
                try:
                    result = inner(*data)
                    maniple.sync()
                    return result
                finally:
                    _maniple.prefer(before)

            return call

        self.function = function
        return version

    def _numpy(self) -> str:
        self.put, self.wait, self.fetch = np.array, lambda: None, np.asarray
        self.function = lambda run: lambda *data: run(np, *data)
        return np.__version__

    def _cupy(self) -> str:
        import cupy

        self.put, self.fetch = cupy.asarray, cupy.asnumpy
        self.wait = cupy.cuda.get_current_stream().synchronize
        self.function = lambda run: lambda *data: run(cupy, *data)
        return cupy.__version__

    def _torch(self) -> str:
        import torch

        # One function per case is compiled; the default allows eight.
        torch._dynamo.config.recompile_limit = 64
        self.put = lambda array: torch.from_numpy(array).cuda()
        self.fetch, self.wait = lambda value: value.cpu().numpy(), torch.cuda.synchronize
        self.function = lambda run: torch.compile(lambda *data: run(torch, *data))
        return torch.__version__

    def _jax(self) -> str:
        import jax

        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp

        self.put, self.fetch = jnp.asarray, np.asarray
        self.last: Any = None
        self.wait = lambda: jax.block_until_ready(self.last)

        def function(run):
            jitted = jax.jit(lambda *data: run(jnp, *data))

            def call(*data):
                self.last = jitted(*data)
                return self.last

            return call

        self.function = function
        return jax.__version__


def parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def difference(expected: Any, found: Any) -> float:
    """The largest relative difference of two results."""
    worst = 0.0
    for before, after in zip(parts(expected), parts(found), strict=True):
        before, after = np.asarray(before, dtype="float64"), np.asarray(after, dtype="float64")
        if before.shape != after.shape:
            return float("inf")
        scale = float(np.abs(before).max()) or 1.0
        worst = max(worst, float(np.abs(before - after).max()) / scale)
    return worst


def measure(case: GpuCase, peers: list[Peer], repeats: int, size: int) -> list[dict[str, Any]]:
    """A row per peer."""
    data = case.setup(size)
    expected = case.run(np, *data)
    rows, ready = [], []
    for peer in peers:
        row: dict[str, Any] = {"case": case.name, "size": size, "peer": peer.name, "seconds": []}
        rows.append(row)
        try:
            mine = [peer.put(array) for array in data]
            call = peer.function(case.run)
            began = time.perf_counter()
            result = call(*mine)
            peer.wait()
            row["first_seconds"] = time.perf_counter() - began
            row["difference"] = difference(expected, [peer.fetch(part) for part in parts(result)])
            if not row["difference"] <= case.tolerance:
                row["complaint"] = f"differs from NumPy by {row['difference']:.1e}"
            del result
            for _ in range(2):
                result = call(*mine)
                peer.wait()
            ready.append((row, peer, call, mine))
        except Exception as error:
            row["complaint"] = f"{type(error).__name__}: {str(error)[:200]}"
    loops = 1 if size >= 1_000_000 else 100
    for turn in range(repeats):
        for row, peer, call, mine in ready[turn % len(ready) :] + ready[: turn % len(ready)]:
            gc.disable()
            began = time.perf_counter()
            for _ in range(loops):
                result = call(*mine)
                peer.wait()
            row["seconds"].append((time.perf_counter() - began) / loops)
            gc.enable()
            del result
    for row in rows:
        if row["seconds"]:
            row["median"] = median(row["seconds"])
            row["gigabytes_per_second"] = case.bytes_moved(size) / row["median"] / 1e9
    return rows


def copy_bandwidth() -> float:
    """What a copy within the device's memory moves, in GB/s of bytes read and written, by CuPy."""
    import cupy

    source = cupy.ones(1 << 27)
    target = cupy.empty_like(source)
    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    times = []
    for _ in range(10):
        begin.record()
        cupy.cuda.runtime.memcpyAsync(
            target.data.ptr, source.data.ptr, source.nbytes, 3, cupy.cuda.get_current_stream().ptr
        )
        end.record()
        end.synchronize()
        times.append(cupy.cuda.get_elapsed_time(begin, end) / 1e3)
    return 2 * source.nbytes / median(times) / 1e9


def device_name() -> str:
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True).stdout.strip().splitlines()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", default="*")
    parser.add_argument("--peers", default="maniple,maniple_free,cupy,torch,jax")
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="small sizes, few samples: whether it runs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    peers = []
    for name in options.peers.split(","):
        try:
            peers.append(Peer(name))
        except ImportError as error:
            print(f"{name}: not here ({error})")
    try:
        limit = copy_bandwidth()
        print(f"{device_name()}: a copy moves {limit:.0f} GB/s")
    except ImportError:
        limit = None
    rows = []
    for case in CASES:
        if not fnmatch(case.name, options.case):
            continue
        size = case.quick_size if options.quick else case.size
        found = measure(case, peers, 3 if options.quick else options.repeat, size)
        ours = next((row["median"] for row in found if row["peer"] == "maniple" and "median" in row), None)
        for row in found:
            text = f"{row['case']:<20} {row['size']:>11} {row['peer']:<13}"
            if "median" in row:
                seconds = sorted(row["seconds"])
                text += f"{row['median'] * 1e6:>11.1f} us ({seconds[0] * 1e6:.1f}-{seconds[-1] * 1e6:.1f})"
                text += f" {row['gigabytes_per_second']:>8.1f} GB/s"
                if limit:
                    row["share_of_copy"] = row["gigabytes_per_second"] / limit
                    text += f" {100 * row['share_of_copy']:>5.1f} %"
                text += f"  x{row['median'] / ours:.2f}" if ours else ""
                text += f"  first {row['first_seconds']:.2f} s"
            print(text + f"  {row.get('complaint', '')}", flush=True)
        rows.extend(found)
        gc.collect()
    if options.json:
        result = {
            "date": datetime.date.today().isoformat(),
            "device": device_name(),
            "copy_gigabytes_per_second": limit,
            "versions": {peer.name: peer.version for peer in peers},
            "rows": rows,
        }
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
