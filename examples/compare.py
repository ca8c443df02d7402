"""Run every example with NumPy and with Maniple and compare all the arrays they save and all they print.

    python examples/compare.py --quick
    python examples/compare.py terrain heat2d --launcher "python -m maniple"

Dtypes and shapes must be equal. Arrays must be equal to the bit, unless the example names them in its
module-level dictionary `TOLERANCE = {"array name": largest difference}`, which is relative to the largest
finite magnitude in NumPy's array. Exits with 1 when an example differs or fails.

Times are the best of `--repeat` runs, which alternate. One run each only says how long it took: `bench/`
measures.
"""

import argparse
import ast
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent


@dataclass
class Run:
    """What one run of an example left behind."""

    arrays: dict[str, np.ndarray]
    printed: list[str]
    seconds: float


@dataclass
class Verdict:
    """The comparison of two runs: what differs, and how far the worst tolerated array is off."""

    complaints: list[str]
    worst: float


class ExampleFailedError(Exception):
    """The example ended with an error; the message is the end of what it wrote."""


def example_names() -> list[str]:
    """All programs of this folder."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("compare", "demo"))


def tolerances(name: str) -> dict[str, float]:
    """The example's TOLERANCE, read without importing the example."""
    for statement in ast.parse((FOLDER / f"{name}.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "TOLERANCE":
            return ast.literal_eval(statement.value)
    raise ValueError(f"{name}.py has no TOLERANCE")


def run_example(name: str, launcher: list[str], arguments: list[str], folder: Path) -> Run:
    """Run one example in `folder`; its times are its own, without the start of the interpreter."""
    saved = folder / "saved.npz"
    saved.unlink(missing_ok=True)
    command = [*launcher, str(FOLDER / f"{name}.py"), *arguments, "--time", "--save", str(saved)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise ExampleFailedError("\n".join(done.stderr.strip().splitlines()[-12:]))
    lines = done.stdout.splitlines()
    timed = [line for line in lines if line.startswith("seconds")]
    seconds = sum(float(number) for line in timed for number in re.findall(r"\d+\.\d+", line))
    with np.load(saved) as arrays:
        return Run(dict(arrays), [line for line in lines if line not in timed], seconds)


def compare_array(expected: np.ndarray, found: np.ndarray, tolerance: float) -> tuple[str | None, float]:
    """What is wrong with `found`, if anything, and its largest relative difference."""
    if expected.dtype != found.dtype:
        return f"dtype {found.dtype} instead of {expected.dtype}", np.inf
    if expected.shape != found.shape:
        return f"shape {found.shape} instead of {expected.shape}", np.inf
    if expected.tobytes() == found.tobytes():
        return None, 0.0
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], found[~finite], equal_nan=expected.dtype.kind in "fc"):
        return "infinities or NaNs differ", np.inf
    wide = np.result_type(expected.dtype, np.float64)
    before, after = expected[finite].astype(wide), found[finite].astype(wide)
    difference = np.abs(after - before)
    relative = float(difference.max() / (np.abs(before).max() or 1.0))
    if tolerance > 0.0 and relative <= tolerance:
        return None, relative
    wanted = f"within {tolerance:g}" if tolerance > 0.0 else "equal bits"
    return (
        f"{np.count_nonzero(difference)} of {expected.size} differ, by up to {relative:.1e}; wanted {wanted}",
        relative,
    )


def compare_runs(expected: Run, found: Run, tolerance: dict[str, float]) -> Verdict:
    """Compare all arrays, by name, and the printed lines."""
    complaints, worst = [], 0.0
    for name, array in expected.arrays.items():
        if name not in found.arrays:
            complaints.append(f"{name}: not saved")
            continue
        complaint, relative = compare_array(array, found.arrays[name], tolerance.get(name, 0.0))
        worst = max(worst, relative)
        if complaint:
            complaints.append(f"{name}: {complaint}")
    for before, after in zip(expected.printed, found.printed, strict=False):
        if before != after:
            complaints.append(f"printed {after!r} instead of {before!r}")
    if len(expected.printed) != len(found.printed):
        complaints.append(f"printed {len(found.printed)} lines instead of {len(expected.printed)}")
    return Verdict(complaints, worst)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="examples to run; all of them without one")
    parser.add_argument("--quick", action="store_true", help="pass --quick to every example")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, for the times")
    parser.add_argument("--launcher", default="python -m maniple", help="what runs a program with Maniple")
    args = parser.parse_args(argv)
    unknown = sorted(set(args.names) - set(example_names()))
    if unknown:
        parser.error(f"no example named {', '.join(unknown)}; there are {', '.join(example_names())}")

    plain = [sys.executable]
    launcher = [sys.executable if word == "python" else word for word in shlex.split(args.launcher)]
    arguments = ["--quick"] if args.quick else []
    failed = 0
    columns = "{:<20}{:<9}{:>6}{:>10}{:>10}{:>11}{:>10}"
    print(columns.format("example", "verdict", "arrays", "worst", "numpy s", "maniple s", "speed-up"))
    for name in args.names or example_names():
        with tempfile.TemporaryDirectory() as folder:
            try:
                expected = run_example(name, plain, arguments, Path(folder))
                found = run_example(name, launcher, arguments, Path(folder))
                for _ in range(args.repeat - 1):
                    for best, command in ((expected, plain), (found, launcher)):
                        again = run_example(name, command, arguments, Path(folder))
                        best.seconds = min(best.seconds, again.seconds)
            except ExampleFailedError as error:
                failed += 1
                print(f"{name:<20}FAIL     did not run:\n{error}", flush=True)
                continue
        verdict = compare_runs(expected, found, tolerances(name))
        failed += bool(verdict.complaints)
        ratio = expected.seconds / found.seconds if found.seconds > 0.0 else np.inf
        row = [name, "FAIL" if verdict.complaints else "PASS", len(expected.arrays), f"{verdict.worst:.1e}"]
        row += [f"{expected.seconds:.3f}", f"{found.seconds:.3f}", f"{ratio:.2f}x"]
        print(columns.format(*row), flush=True)
        for complaint in verdict.complaints:
            print(f"    {complaint}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
