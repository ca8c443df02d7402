"""How Maniple grows with the cores, and what its runtime costs for each task and each piece of one."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cases
import machine
from case import Timing
from table import duration

GROWING = (
    ("array", "Black-Scholes f64"),
    ("array", "chain of 20"),
    ("array", "Jacobi, 50 sweeps"),
    ("array", "CG, dense"),
    ("array", "k-means"),
    ("array", "n-body"),
    ("array", "sum"),
    ("array", "Mandelbrot"),
    ("overhead", "chain of 20"),
)
"""Cases run on one core, on two, on four and so on up to all: beyond the caches, but for the last, at its second largest."""

TASKS = (("10,000 tiny operations", 10, 10_000, {}), ("10,000 tiny operations", 10, 10_000, {"MANIPLE_FUSE": "0"}))
"""Cases that are many tasks: name, size, how many tasks, settings."""

PIECES = (("overhead", "x += 2 * y", 100_000, 1, 1_000), ("array", "Jacobi, 50 sweeps", 256, 100, 100))
"""Cases cut into many pieces: group, name, size, launches (two for a sweep), pieces of each."""


def measure(quick: bool, repeats: int, handle: Callable[..., Any], bandwidth: dict[str, float]) -> dict[str, Any]:
    """Efficiencies and costs; `handle` starts a worker with settings."""
    return {"scale": [row for case in GROWING for row in growth(case, quick, repeats, handle)],
            "costs": costs(repeats, handle)}  # fmt: skip


def core_counts() -> list[int]:
    """1, 2, 4 and so on, and all."""
    everything = machine.cores()
    counts = [1]
    while 2 * counts[-1] < everything:
        counts.append(2 * counts[-1])
    return sorted({*counts, everything})


def growth(name: tuple[str, str], quick: bool, repeats: int, handle: Callable[..., Any]) -> list[dict[str, Any]]:
    """One case on each number of cores, and the hand-written loop beside it where there is one."""
    case = cases.find(*name)
    sizes = case.quick_sizes if quick else case.sizes
    size = sizes[-2] if len(sizes) > 2 else sizes[-1]
    handles = {}
    for count in core_counts():
        handles["maniple", count] = handle(f"maniple {count}", {"MANIPLE_MACHINE": str(count)})
        handles["c", count] = handle(f"c {count}", {"OMP_NUM_THREADS": str(count)})
    ready = {key: worker for key, worker in handles.items() if is_ready(worker, case, size)}
    times = sample(ready, repeats)
    rows = []
    for (peer, count), seconds in times.items():
        alone = times[peer, 1]
        rows.append(
            {"case": case.name, "size": size, "peer": peer, "cores": count, "median": seconds,
             "efficiency": alone / (count * seconds)}
        )  # fmt: skip
    return rows


def is_ready(worker: Any, case: Any, size: int) -> bool:
    """Make the inputs; false where the peer has no program for the case."""
    try:
        worker.ask("prepare", group=case.group, case=case.name, size=size)
    except Exception as reason:
        if "variant" not in str(reason):
            raise
        worker.close()
        return False
    with tempfile.TemporaryDirectory() as scratch:
        worker.ask("answer", folder=str(Path(scratch)))
    return True


def sample(workers: dict[Any, Any], repeats: int) -> dict[Any, float]:
    """Medians of workers that take turns; each sample lasts a twentieth of a second at least."""
    loops, times = {}, {key: [] for key in workers}
    for key, worker in workers.items():
        once = worker.ask("time", loops=1)["seconds"]
        once = min(once, worker.ask("time", loops=3)["seconds"] / 3)
        loops[key] = max(1, round(0.05 / once))
    for _ in range(repeats):
        for key, worker in workers.items():
            times[key].append(worker.ask("time", loops=loops[key])["seconds"] / loops[key])
    for worker in workers.values():
        worker.close()
    return {key: median(samples) for key, samples in times.items()}


def costs(repeats: int, handle: Callable[..., Any]) -> list[dict[str, Any]]:
    """Seconds per task and per piece: what is left when the work itself is next to nothing, or taken off."""
    rows = []
    for name, size, tasks, settings in TASKS:
        worker = handle("maniple tasks", settings)
        is_ready(worker, cases.find("overhead", name), size)
        seconds = sample({"": worker}, repeats)[""]
        words = ", ".join(f"{key}={value}" for key, value in settings.items())
        rows.append({"what": f"a task of {size} elements{': ' + words if words else ''}", "seconds": seconds / tasks})
    recorded = next(case for case in cases.CASES if case.timing is Timing.RECORDED)
    worker = handle("maniple record", {})
    is_ready(worker, recorded, recorded.sizes[0])
    rows.append({"what": f"noting a task down ({recorded.name})", "seconds": sample({"": worker}, repeats)[""]})
    for group, name, size, launches, pieces in PIECES:
        case = cases.find(group, name)
        workers = {count: handle(f"maniple {count}", {"MANIPLE_PIECES": str(count)}) for count in (1, pieces)}
        for worker in workers.values():
            is_ready(worker, case, size)
        times = sample(workers, repeats)
        each = (times[pieces] - times[1]) / (launches * (pieces - 1))
        rows.append({"what": f"a piece: {name}, {size:,} elements a side, {pieces} pieces", "seconds": each})
    return rows


def show(record: dict[str, Any]) -> None:
    """Both tables."""
    columns = "{:<24}{:>12} {:<10}{:>6}{:>10}{:>12}"
    print(columns.format("case", "size", "program", "cores", "median", "efficiency"))
    for row in record["scale"]:
        figures = row["cores"], duration(row["median"]), f"{100 * row['efficiency']:.0f}%"
        print(columns.format(row["case"], f"{row['size']:,}", row["peer"], *figures))
    print()
    for row in record["costs"]:
        print(f"{row['what']:<64}{duration(row['seconds'])}")
