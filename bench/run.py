"""Measure the same cases with several array modules, check their answers, and write down what was found.

    python bench/run.py --group overhead
    python bench/run.py --group array --case Jacobi --peers numpy,maniple --repeat 9
    python bench/run.py --quick --peers numpy

Every peer runs in a process of its own and they take turns, run by run. Answers are compared with NumPy's at
full size. Results go to `bench/results/` unless `--quick` or `--json` say otherwise.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import cases
import machine
from case import Case, Timing
from peers import PEERS

FOLDER = Path(__file__).resolve().parent
SAMPLE_SECONDS = 0.05
LOOPS_RECORDED = 20_000
LONG_RUN_SECONDS = 3.0
# Threads of OpenBLAS spin for about 25 ms after their last call and would slow the next peer down.
PAUSE_SECONDS = 0.03


class PeerError(Exception):
    """A peer could not do what it was asked; the message says why."""


class Handle:
    """A worker process, seen from here; a new process starts after one has died."""

    def __init__(self, peer: str):
        self.peer = peer
        self.process: subprocess.Popen[str] | None = None

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        if self.process is None:
            command = [sys.executable, str(FOLDER / "worker.py"), self.peer]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        try:
            self.process.stdin.write(json.dumps({"do": do, **details}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            self.process = None
            raise PeerError(f"the process ended with status {status}")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def import_seconds(peer: str) -> float:
    """How long a fresh interpreter takes to import the peer, NumPy being there already for all but NumPy."""
    before = "" if peer == "numpy" else "import numpy;"
    module = PEERS[peer].module
    code = f"import time;{before}t=time.perf_counter();import {module};print(time.perf_counter()-t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode != 0:
        raise PeerError(done.stderr.strip().splitlines()[-1])
    return float(done.stdout)


def answers(handle: Handle, folder: Path) -> list[np.ndarray]:
    """What a prepared case returns."""
    parts = handle.ask("answer", folder=str(folder))["parts"]
    return [np.load(folder / f"{index}.npy", mmap_mode="r") for index in range(parts)]


def difference(expected: list[np.ndarray], found: list[np.ndarray]) -> float:
    """The largest difference, relative to the largest magnitude; infinite if shapes or types differ."""
    if len(expected) != len(found):
        return np.inf
    worst = 0.0
    for before, after in zip(expected, found, strict=True):
        if before.dtype != after.dtype or before.shape != after.shape:
            return np.inf
        if not np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"):
            wide = np.result_type(before.dtype, np.float64)
            apart = np.abs(after.astype(wide) - before.astype(wide)).max()
            largest = float(apart / (np.abs(before.astype(wide)).max() or 1.0))
            worst = max(worst, largest if np.isfinite(largest) else np.inf)
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


def check_peers(case: Case, size: int, handles: list[Handle], scratch: Path) -> list[dict[str, Any]]:
    """Prepare the case with every peer and compare one answer of each with NumPy's, the first peer's."""
    rows, expected = [], None
    for handle in handles:
        row = {"case": case.name, "group": case.group, "size": size, "peer": handle.peer, "seconds": []}
        row |= {"difference": None, "complaint": None, "loops": 1}
        rows.append(row)
        folder = scratch / handle.peer
        folder.mkdir(exist_ok=True)
        try:
            if case.timing is Timing.IMPORT:
                continue
            handle.ask("prepare", group=case.group, case=case.name, size=size)
            found = answers(handle, folder)
            if expected is None:
                expected = found
            row["difference"] = difference(expected, found)
            if row["difference"] > case.tolerance:
                row["complaint"] = f"differs from NumPy by {row['difference']:.1e}, above {case.tolerance:g}"
            row["loops"] = loops_for(handle, case)
        except PeerError as error:
            row["complaint"] = str(error)
            if handle.peer == "numpy":
                raise
    return rows


def measure(
    case: Case, size: int, handles: list[Handle], repeats: int, scratch: Path
) -> list[dict[str, Any]]:
    """One row of results for every peer; peers take turns, beginning with another one each round."""
    rows = check_peers(case, size, handles, scratch)
    for turn in range(repeats):
        if turn >= 3 and max((sum(row["seconds"]) / turn for row in rows), default=0.0) > LONG_RUN_SECONDS:
            break
        order = [(turn + step) % len(handles) for step in range(len(handles))]
        for row, handle in ((rows[index], handles[index]) for index in order):
            if row["complaint"] and row["difference"] is None:
                continue
            time.sleep(PAUSE_SECONDS)
            try:
                if case.timing is Timing.IMPORT:
                    row["seconds"].append(import_seconds(handle.peer))
                else:
                    seconds = handle.ask("time", loops=row["loops"])["seconds"]
                    row["seconds"].append(seconds / row["loops"])
            except PeerError as error:
                row["complaint"] = str(error)
                row["difference"] = None
    for handle in handles:
        if handle.process is not None:
            handle.ask("release")
    numpy_median = median(rows[0]["seconds"])
    for row in rows:
        if row["seconds"]:
            row["median"] = median(row["seconds"])
            row["ratio"] = numpy_median / row["median"]
            if case.bytes_moved:
                row["gigabytes_per_second"] = case.bytes_moved(size) / row["median"] / 1e9
            if case.flops:
                row["gigaflops"] = case.flops(size) / row["median"] / 1e9
    return rows


def duration(seconds: float) -> str:
    """Seconds with a unit that leaves one to three digits before the point."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


COLUMNS = "{:<26}{:>12} {:<10}{:>9}  {:>19}{:>8}{:>9}{:>8}  {}"


def print_row(row: dict[str, Any]) -> None:
    """One line of the table."""
    if row["seconds"]:
        spread = f"{duration(min(row['seconds']))}..{duration(max(row['seconds']))}"
        rates = [f"{row[key]:.2f}" if key in row else "" for key in ("gigabytes_per_second", "gigaflops")]
        figures = [duration(row["median"]), spread, *rates, f"{row['ratio']:.2f}x"]
    else:
        figures = [""] * 5
    difference = row["difference"]
    remark = row["complaint"] or (
        "" if difference is None else f"{difference:.1e}" if difference else "equal"
    )
    print(COLUMNS.format(row["case"], f"{row['size']:,}", row["peer"], *figures, remark), flush=True)


def print_header(record: dict[str, Any]) -> None:
    """The machine, the versions and the bandwidth, above the table."""
    about = record["machine"]
    print(f"{about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}")
    print(
        f"Python {about['python']}, "
        + ", ".join(f"{name} {version}" for name, version in record["peers"].items())
    )
    print("bandwidth: " + ", ".join(f"{name} {rate:.1f} GB/s" for name, rate in record["bandwidth"].items()))
    if about["settings"]:
        print("settings: " + ", ".join(f"{name}={value}" for name, value in about["settings"].items()))
    print(
        f"load {about['load']} at the start; rates count each pass over memory once; medians, then min..max\n"
    )
    print(COLUMNS.format("case", "size", "peer", "median", "spread", "GB/s", "GFLOP/s", "numpy/", "answer"))


def result_path(record: dict[str, Any], group: str | None) -> Path:
    """Where a full run is kept: the date, the processor and the group."""
    processor = re.sub(r"[^a-z0-9]+", "-", record["machine"]["processor"].lower()).strip("-")
    name = f"{record['date'][:10]}-{processor}-{record['machine']['cores']}-{group or 'all'}.json"
    return FOLDER / "results" / name


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command line; NumPy is always the first peer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--group", choices=cases.GROUPS, help="only this group")
    parser.add_argument("--case", metavar="PATTERN", help="only cases whose name holds or matches this")
    parser.add_argument(
        "--peers", default="numpy,maniple", help=f"of {', '.join(PEERS)}, separated by commas"
    )
    parser.add_argument("--repeat", type=int, help="samples of each case and peer; 7, or 3 with --quick")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the results")
    args = parser.parse_args(argv)
    args.repeat = args.repeat or (3 if args.quick else 7)
    args.peers = ["numpy", *(name for name in args.peers.split(",") if name != "numpy")]
    unknown = [name for name in args.peers if name not in PEERS]
    if unknown:
        parser.error(f"no peer named {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if not cases.select(args.group, args.case):
        parser.error("no case of that name")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    handles = [Handle(name) for name in args.peers]
    try:
        versions = {handle.peer: handle.ask("describe")["version"] for handle in handles}
    except PeerError as error:
        raise SystemExit(f"a peer cannot be measured: {error}") from error
    about = machine.describe()
    record = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": about,
        "quick": args.quick,
        "peers": versions,
        "bandwidth": machine.bandwidth(4_000_000 if args.quick else 50_000_000, args.repeat),
        "results": [],
    }
    print_header(record)
    for case in cases.select(args.group, args.case):
        for size in case.quick_sizes if args.quick else case.sizes:
            with tempfile.TemporaryDirectory() as scratch:
                rows = measure(case, size, handles, args.repeat, Path(scratch))
            record["results"] += rows
            for row in rows:
                print_row(row)
    for handle in handles:
        handle.close()

    path = args.json or (None if args.quick else result_path(record, args.group))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"\nresults: {path}")
    complaints = [row for row in record["results"] if row["complaint"]]
    if complaints:
        print(f"\n{len(complaints)} of {len(record['results'])} rows have a wrong answer or none")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
