"""Programs whose arrays have no room together on the devices: they give the bits that they give where there is room.

    python devices.py

Runs itself under several sizes of the devices' memory, with devices that the host's processor plays: this needs a build
that holds them, as `cargo ci emulated` makes one.
"""

import hashlib
import json
import os
import subprocess
import sys

import numpy

N = 60_000
# Bytes of each device's memory, how many devices, and what must have happened: nothing, or arrays making room for others.
# The last is smaller than one array.
RUNS = [
    ("16M", 1, False),
    ("16M", 2, False),
    ("3M", 1, True),
    ("3M", 2, True),
    ("600k", 1, True),
    ("200k", 1, False),
    ("200k", 2, False),
]


def program(np) -> list:
    """A loop over more arrays than have room, a stencil, sums, a product of matrices, sorting and indexing."""
    rng = numpy.random.default_rng(5)
    arrays = [np.array(rng.integers(-50, 50, N).astype("float64")) for _ in range(8)]
    for turn in range(3):
        for at in range(8):
            arrays[at] = arrays[at] * 0.5 + arrays[(at + turn + 1) % 8][::-1] - turn
    total = sum(array.sum() for array in arrays)
    grid = np.array(rng.integers(0, 9, (200, 300)).astype("float32"))
    for _ in range(4):
        grid[1:-1, 1:-1] = 0.25 * (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:])
    columns, rows = grid.sum(0), grid.sum(1)
    product = grid[:90] @ grid.T[:, :90]
    order = np.argsort(arrays[3], kind="stable")
    picked = arrays[2][order[:5000]]
    arrays[1][::3] += 1
    running = arrays[1].cumsum()
    where = np.nonzero(arrays[4] > 0)[0]
    return [*arrays, total, grid, columns, rows, product, order, picked, running, where]


def worker() -> None:
    """Prints the digest of the program's values, and what the runtime counted."""
    import maniple
    import maniple.numpy as np

    values = program(np)
    maniple.sync()
    evicted = maniple._maniple.statistics()["evicted"]
    expected = program(numpy)
    digest = hashlib.sha256()
    for ours, theirs in zip(values, expected, strict=True):
        ours = numpy.asarray(ours)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-5 if ours.dtype == "float32" else 1e-9)
        digest.update(ours.tobytes())
    print(json.dumps({"digest": digest.hexdigest(), "evicted": evicted}))


def main() -> int:
    """The command."""
    if sys.argv[1:] == ["--worker"]:
        worker()
        return 0
    wrong, digests = [], set()
    for memory, devices, evicts in RUNS:
        for fuse in "10":
            name = f"{devices} devices of {memory}, MANIPLE_FUSE={fuse}"
            settings = {
                "MANIPLE_ON": "cuda",
                "MANIPLE_EMULATED": str(devices),
                "MANIPLE_DEVICE_MEMORY": memory,
                "MANIPLE_FUSE": fuse,
            }
            process = subprocess.run(
                [sys.executable, __file__, "--worker"],
                env={**os.environ, **settings},
                capture_output=True,
                text=True,
                timeout=300,
            )
            if process.returncode:
                wrong.append(f"{name}: {process.stderr[-1500:]}")
                continue
            found = json.loads(process.stdout.splitlines()[-1])
            digests.add(found["digest"])
            print(f"{name}: {found['evicted']} bytes made room for others")
            if evicts and found["evicted"] == 0:
                wrong.append(f"{name}: nothing made room for others")
    if len(digests) > 1:
        wrong.append(f"{len(digests)} different results")
    print("\n".join(wrong) or "all with the same bits")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
