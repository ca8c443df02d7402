"""Measure the same cases with several libraries, check their answers, and write down what was found.

    python bench/run.py --group overhead
    python bench/run.py --group array --case Jacobi --peers numpy,maniple,numba,jax,jax+thp,c --repeat 9
    python bench/run.py --quick --peers numpy

Every peer runs in a process of its own and they take turns, run by run. Answers are compared with NumPy's at
full size. Results go to `bench/results/` unless `--quick` or `--json` say otherwise.
"""

import argparse
import datetime
import json
import math
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np

import cases
import environment
import limit
import machine
import peers
import scale
import table
from case import Case, Timing

FOLDER = Path(__file__).resolve().parent
SAMPLE_SECONDS = 0.05
LOOPS_RECORDED = 20_000
LONG_RUN_SECONDS = 3.0
# Threads of OpenBLAS spin for 2^26 ticks of the clock, 20 to 40 ms, after their last call and would slow the next peer
# down: after 30 ms, programs that ran after NumPy's took half as long again.
PAUSE_SECONDS = 0.1
# Some compilers unroll loops, and take long to; some graphs of tasks never end.
PATIENCE_SECONDS = 180.0
# A case that must move fewer bytes may find them in caches, and is not held against the memory's bandwidth.
BEYOND_CACHES = 64e6
# Other libraries sum in other orders and have other elementary functions.
FOREIGN_TOLERANCE = 1e-9


class PeerError(Exception):
    """A peer could not do what it was asked; the message says why."""


class NoVariantError(Exception):
    """A peer has no program for a case; the message says why."""


class Handle:
    """A worker process, seen from here; a new process starts when the last one has ended."""

    def __init__(self, label: str, settings: dict[str, str] | None = None):
        self.label = label
        self.peer = peers.find(label.split(" ")[0])
        self.python = environment.python(self.peer.dialect, self.peer.packages)
        self.environment = os.environ | self.peer.environment | (settings or {})
        self.process: subprocess.Popen[str] | None = None
        about = self.ask("describe")
        self.version, self.exact_types = about["version"], about["exact_types"]
        self.close()

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        if self.process is None:
            command = [self.python, str(FOLDER / "worker.py"), self.label.split(" ")[0]]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=self.environment)
        try:
            self.process.stdin.write(json.dumps({"do": do, **details}) + "\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], PATIENCE_SECONDS)[0]:
                self.process.kill()
                self.process.wait()
                self.process = None
                raise PeerError(f"no answer in {PATIENCE_SECONDS:.0f} s")
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            self.process = None
            raise PeerError(f"the process ended with status {status}")
        reply = json.loads(line)
        if "unsupported" in reply:
            raise NoVariantError(reply["unsupported"])
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None

    def import_seconds(self) -> float:
        """How long a fresh interpreter takes to import the peer, NumPy being there already for all but NumPy."""
        if self.peer.module is None:
            raise NoVariantError("nothing to import")
        before = "" if self.peer.module == "numpy" else "import numpy;"
        code = f"import time;{before}t=time.perf_counter();import {self.peer.module};print(time.perf_counter()-t)"
        done = subprocess.run([self.python, "-c", code], capture_output=True, text=True, env=self.environment)
        if done.returncode != 0:
            raise PeerError(done.stderr.strip().splitlines()[-1])
        return float(done.stdout)


def difference(expected: list[np.ndarray], found: list[np.ndarray], exact_types: bool) -> float:
    """The largest difference, relative to the largest magnitude; infinite if shapes, or exact types, differ."""
    if len(expected) != len(found):
        return math.inf
    worst = 0.0
    for before, after in zip(expected, found):
        if before.shape != after.shape or (exact_types and before.dtype != after.dtype):
            return math.inf
        if not np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"):
            wide = np.result_type(before.dtype, np.float64)
            apart = np.abs(after.astype(wide) - before.astype(wide)).max()
            largest = float(apart / (np.abs(before.astype(wide)).max() or 1.0))
            worst = max(worst, largest if np.isfinite(largest) else math.inf)
    return worst


def loops_for(handle: Handle, case: Case) -> int:
    """How many runs make a sample long enough for the clock."""
    loops = 1
    while True:
        seconds = handle.ask("time", loops=loops)["seconds"]
        if case.timing is Timing.RECORDED and loops >= LOOPS_RECORDED:
            return loops
        if seconds >= SAMPLE_SECONDS / 2:
            return max(1, round(loops * SAMPLE_SECONDS / seconds))
        loops *= 10 if seconds < SAMPLE_SECONDS / 100 else 3


def new_row(case: Case, size: int, handle: Handle) -> dict[str, Any]:
    return {
        "case": case.name, "group": case.group, "size": size, "peer": handle.label, "seconds": [],
        "processor_seconds": [], "difference": None, "complaint": None, "absent": None, "memory": None, "loops": 1,
    }  # fmt: skip


def check(case: Case, row: dict[str, Any], handle: Handle, expected: list[np.ndarray], scratch: Path) -> list[np.ndarray]:
    """Prepare the case with a peer and compare its first answer with NumPy's, which is none for NumPy itself."""
    # A folder of its own each time: NumPy's first answer stays mapped.
    folder = scratch / f"{handle.label} {len(list(scratch.iterdir()))}"
    folder.mkdir()
    promised = handle.ask("prepare", group=case.group, case=case.name, size=row["size"])["tolerance"]
    answer = handle.ask("answer", folder=str(folder))
    row["memory"], row["first_seconds"] = answer["memory"], answer["seconds"]
    found = [np.load(folder / f"{index}.npy", mmap_mode="r") for index in range(answer["parts"])]
    row["difference"] = difference(expected or found, found, handle.exact_types)
    tolerance = promised if handle.exact_types else max(promised, FOREIGN_TOLERANCE)
    if row["difference"] > tolerance:
        row["complaint"] = f"differs from NumPy by {row['difference']:.1e}, above {tolerance:g}"
    row["loops"] = loops_for(handle, case)
    return found


def take_turns(case: Case, rows: list[dict[str, Any]], handles: list[Handle], repeats: int) -> None:
    """Sample the peers that have an answer in turns, beginning with another one each round."""
    for turn in range(repeats):
        if turn >= 3 and max((sum(row["seconds"]) / turn for row in rows), default=0.0) > LONG_RUN_SECONDS:
            break
        for step in range(len(handles)):
            index = (turn + step) % len(handles)
            row, handle = rows[index], handles[index]
            if row["absent"] or (row["complaint"] and row["difference"] is None):
                continue
            time.sleep(PAUSE_SECONDS)
            try:
                if case.timing is Timing.IMPORT:
                    row["seconds"].append(handle.import_seconds())
                else:
                    took = handle.ask("time", loops=row["loops"])
                    row["seconds"].append(took["seconds"] / row["loops"])
                    row["processor_seconds"].append(took["processor_seconds"] / row["loops"])
            except NoVariantError as reason:
                row["absent"] = str(reason)
            except PeerError as error:
                row["complaint"], row["difference"] = str(error), None


def batches(handles: list[Handle], needed: float) -> list[list[Handle]]:
    """Peers that fit into memory side by side, each time with NumPy, the first."""
    fit = max(2, int(0.6 * machine.available() / max(1.5 * needed, 1.0)))
    others = handles[1:]
    groups = [others[start : start + fit - 1] for start in range(0, len(others), fit - 1)] or [[]]
    return [[handles[0], *group] for group in groups]


def measure(case: Case, size: int, handles: list[Handle], repeats: int, scratch: Path) -> list[dict[str, Any]]:
    """One row of results for every peer; NumPy's is that of the first batch."""
    rows: list[dict[str, Any]] = []
    expected: list[np.ndarray] = []
    first = new_row(case, size, handles[0])
    if case.timing is not Timing.IMPORT:
        expected = check(case, first, handles[0], [], scratch)
    for batch in batches(handles, first["memory"] or 1.0):
        mine = [new_row(case, size, handle) for handle in batch]
        if not rows:
            mine[0] = first
        for row, handle in zip(mine, batch):
            if case.timing is Timing.IMPORT or row is first:
                continue
            try:
                check(case, row, handle, expected, scratch)
            except NoVariantError as reason:
                row["absent"] = str(reason)
            except PeerError as error:
                row["complaint"] = str(error)
        take_turns(case, mine, batch, repeats)
        for handle in batch:
            handle.close()
        for row in mine:
            if row["seconds"]:
                row["median"] = median(row["seconds"])
                row["ratio"] = median(mine[0]["seconds"]) / row["median"]
        rows += mine if not rows else mine[1:]
    return rows


def add_rates(case: Case, row: dict[str, Any], limits: dict[str, Any]) -> None:
    """What the median means in GB/s, GFLOP/s and as a share of the machine's limit."""
    if "median" not in row:
        return
    if case.bytes_moved:
        moved = case.bytes_moved(row["size"])
        row["gigabytes_per_second"] = moved / row["median"] / 1e9
        row["share"] = limit.share(moved, row["median"], limits["bandwidth"], BEYOND_CACHES)
    if case.flops:
        row["gigaflops"] = case.flops(row["size"]) / row["median"] / 1e9
        if case.product:
            row["share"] = row["gigaflops"] / limits["matrix_products"][case.product]


def geometric_means(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """For each peer, over the cases that it answers: how fast it is beside NumPy, and Maniple beside it."""
    by_case: dict[tuple[str, str, int], dict[str, float]] = {}
    for row in rows:
        if row["seconds"] and not row["complaint"]:
            by_case.setdefault((row["group"], row["case"], row["size"]), {})[row["peer"]] = row["median"]
    means = {}
    for peer in dict.fromkeys(row["peer"] for row in rows):
        shared = [times for times in by_case.values() if peer in times and "numpy" in times]
        if not shared:
            continue
        means[peer] = {"cases": len(shared), "numpy": geometric_mean(times["numpy"] / times[peer] for times in shared)}
        both = [times[peer] / times["maniple"] for times in shared if "maniple" in times]
        if both:
            means[peer]["maniple_beside"] = geometric_mean(both)
            means[peer]["maniple_slower"] = sum(ratio < 1 / 1.1 for ratio in both)
    return means


def result_path(record: dict[str, Any], group: str | None) -> Path:
    """Where a full run is kept: the date, the processor and the group."""
    processor = re.sub(r"[^a-z0-9]+", "-", record["machine"]["processor"].lower()).strip("-")
    name = f"{record['date'][:10]}-{processor}-{record['machine']['cores']}-{group or 'all'}.json"
    return FOLDER / "results" / name


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; NumPy is always the first peer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--group", choices=[*cases.GROUPS, "scale"], help="only this group")
    parser.add_argument("--case", metavar="PATTERN", help="only cases whose name holds or matches this")
    parser.add_argument(
        "--peers",
        default="numpy,maniple",
        help=f"of {', '.join(peers.PEERS)}, separated by commas; with {peers.TUNED} after a name its allocator is tuned",
    )
    parser.add_argument("--repeat", type=int, help="samples of each case and peer; 7, or 3 with --quick")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    args = parser.parse_args(argv)
    args.repeat = args.repeat or (3 if args.quick else 7)
    args.peers = ["numpy", *(name for name in args.peers.split(",") if name != "numpy")]
    unknown = [name for name in args.peers if name.removesuffix(peers.TUNED) not in peers.PEERS]
    if unknown:
        parser.error(f"no peer named {', '.join(unknown)}; there are {', '.join(peers.PEERS)}")
    if args.group != "scale" and not cases.select(args.group, args.case):
        parser.error("no case of that name")
    return args


def open_handles(labels: list[str]) -> list[Handle]:
    """The peers that can be had; one that cannot is named and left out, unless it is NumPy."""
    handles = []
    for label in labels:
        try:
            handles.append(Handle(label))
        except (PeerError, subprocess.CalledProcessError) as error:
            if label == "numpy":
                raise SystemExit(f"NumPy cannot be measured: {error}") from error
            print(f"{label} is left out: {error}", file=sys.stderr)
    return handles


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    handles = open_handles(args.peers)
    record = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "quick": args.quick,
        "peers": {handle.label: handle.version for handle in handles},
        "bandwidth": limit.bandwidth(4_000_000 if args.quick else 50_000_000, args.repeat),
        "matrix_products": limit.matrix_products(512 if args.quick else limit.MATRIX, args.repeat),
        "results": [],
    }
    path = args.json or (None if args.quick else result_path(record, args.group))
    table.print_header(record)

    def keep() -> None:
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n")

    if args.group == "scale":
        record |= scale.measure(args.quick, args.repeat, Handle, record["bandwidth"])
        scale.show(record)
    else:
        for case in cases.select(args.group, args.case):
            for size in case.quick_sizes if args.quick else case.sizes:
                with tempfile.TemporaryDirectory() as scratch:
                    rows = measure(case, size, handles, args.repeat, Path(scratch))
                for row in rows:
                    add_rates(case, row, record)
                    table.print_row(row)
                record["results"] += rows
                record["geometric_means"] = geometric_means(record["results"])
                keep()
        table.print_means(record)
    keep()
    if path:
        print(f"\nresults: {path}")
    complaints = [row for row in record["results"] if row["complaint"]]
    if complaints:
        print(f"\n{len(complaints)} of {len(record['results'])} rows have a wrong answer or none")
    # What another library cannot do is not a failure of this one.
    ours = [row for row in complaints if row["peer"].startswith(("numpy", "maniple"))]
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
