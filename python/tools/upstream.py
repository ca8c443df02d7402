"""Runs the tests of the installed NumPy wheel with `numpy` meaning `maniple.numpy` in the test modules.

    python upstream.py [FILES] [--jobs N] [--fallback-error] [--failures] [--known FILE] [--write-known]

Plain NumPy runs the same tests in the same run, and what it passes is what counts. Printed per file: cases
that pass, test functions of which every case passes, crashes. A case is what pytest calls an item; a function
is an item without its parameters. Failures that are not in the file of known failures make the exit status 1,
and so do known failures that pass: the file may only shrink.
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy

TESTS = {
    "_core": "numeric umath ufunc multiarray indexing indexerrors item_selection shape_base function_base "
    "einsum nep50_promotions umath_complex errstate",
    "lib": "function_base shape_base arraypad arraysetops nanfunctions histograms index_tricks twodim_base "
    "type_check stride_tricks",
    "linalg": "linalg deprecations regression",
    "fft": "pocketfft helper",
}
HERE = Path(__file__).resolve().parent
KNOWN = HERE.parent / "tests" / "upstream_known_failures.txt"
SECONDS_WITHOUT_NEWS = 180
CRASHES_PER_FILE = 30
LINES_OF_A_LIST = 40


class Outcome(NamedTuple):
    """How one file's tests ended: outcome and reason per case, and the cases that ended the process."""

    cases: dict[str, str]
    reasons: dict[str, str]
    crashes: list[str]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "files", nargs="*", help="parts of file names, such as test_ufunc or linalg; all if none"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--fallback-error", action="store_true", help="also run with MANIPLE_FALLBACK=error")
    parser.add_argument("--failures", action="store_true", help="print every failing case with its reason")
    parser.add_argument("--known", type=Path, default=KNOWN, help="the file of known failures")
    parser.add_argument("--write-known", action="store_true", help="write the failures of this run to it")
    options = parser.parse_args()

    files = list(_files(options.files))
    modes = ["numpy", "maniple"] + ["native"] * options.fallback_error
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = {(file, mode): pool.submit(run_file, file, mode) for file in files for mode in modes}
        outcomes = {}
        for file in files:
            outcomes[file] = {mode: runs[file, mode].result() for mode in modes}
            print(_line(_name(file), outcomes[file]), flush=True)
    total = {mode: _sum(outcomes[file][mode] for file in files) for mode in modes}
    print(_line("all", total))
    return _judge(total, options)


def run_file(file: Path, mode: str) -> Outcome:
    """Run one test file in processes of its own, going on after a test that ends one."""
    outcome = Outcome({}, {}, [])
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder) / "outcomes"
        outcomes.touch()
        for _ in range(CRASHES_PER_FILE):
            status, output = _run_process(file, mode, outcomes)
            started = _read(outcomes, outcome)
            unfinished = [test for test in started if test not in outcome.cases]
            if not unfinished:
                if not outcome.cases and status:
                    # Every case counts as not run.
                    print(f"{_name(file)} does not load with {mode}:\n{output[-3000:]}", file=sys.stderr)
                return outcome
            for test in unfinished:
                outcome.cases[test] = "crashed"
                outcome.reasons[test] = f"the process ended with status {status}"
                outcome.crashes.append(test)
    return outcome


def _run_process(file: Path, mode: str, outcomes: Path) -> tuple[int | None, str]:
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), environment.get("PYTHONPATH", "")]).rstrip(
        os.pathsep
    )
    # NumPy would run its own Python functions on arrays as small as those of its tests.
    environment["MANIPLE_SMALL"] = "0"
    # Tests that want more memory than this are skipped, by NumPy and by us, since several files run at a time.
    environment["NPY_AVAILABLE_MEM"] = "4 GB"
    already = outcomes.with_suffix(".already")
    already.write_bytes(outcomes.read_bytes())
    command = [sys.executable, "-m", "pytest", "-p", "upstream_plugin", "-p", "no:cacheprovider", "-q"]
    # Other tracebacks have the source of the test module, ten thousand lines, parsed anew for every failure.
    command += ["--outcomes", str(outcomes), "--already", str(already), "-c", os.devnull, "--tb=native"]
    command += ["--rootdir", str(Path(numpy.__file__).parent.parent), str(file)]
    command += {"numpy": [], "maniple": ["--ours"], "native": ["--ours", "--native"]}[mode]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=outcomes.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    size = -1
    while True:
        try:
            output, _ = process.communicate(timeout=SECONDS_WITHOUT_NEWS)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            if outcomes.stat().st_size == size:
                process.kill()
                return None, process.communicate()[0]
            size = outcomes.stat().st_size


def _read(outcomes: Path, outcome: Outcome) -> set[str]:
    started = set()
    for line in outcomes.read_text().splitlines():
        entry = json.loads(line)
        if entry["event"] == "start":
            started.add(entry["test"])
        elif entry["event"] == "why":
            outcome.reasons[entry["test"]] = entry["text"]
        else:
            outcome.cases[entry["test"]] = entry["outcome"]
    return started


def _files(wanted: list[str]) -> Iterable[Path]:
    root = Path(numpy.__file__).parent
    for folder, names in TESTS.items():
        for name in names.split():
            file = root / folder / "tests" / f"test_{name}.py"
            if not wanted or any(part in str(file.relative_to(root)) for part in wanted):
                yield file


def _name(file: Path) -> str:
    return str(file.relative_to(Path(numpy.__file__).parent.parent))


def _function(case: str) -> str:
    return case.partition("[")[0]


def _sum(outcomes: Iterable[Outcome]) -> Outcome:
    total = Outcome({}, {}, [])
    for outcome in outcomes:
        total.cases.update(outcome.cases)
        total.reasons.update(outcome.reasons)
        total.crashes.extend(outcome.crashes)
    return total


def _passed_by_numpy(outcome: Outcome) -> set[str]:
    return {case for case, how in outcome.cases.items() if how == "passed"}


def _failed(expected: set[str], outcome: Outcome) -> set[str]:
    """What passes with NumPy and not with us, be it skipped or expected to fail."""
    return {case for case in expected if outcome.cases.get(case) != "passed"}


def _line(name: str, outcomes: dict[str, Outcome]) -> str:
    expected = _passed_by_numpy(outcomes["numpy"])
    functions = {_function(case) for case in expected}
    parts = [f"{name:45} numpy {len(expected):6} cases {len(functions):5} functions"]
    for mode, outcome in outcomes.items():
        if mode == "numpy":
            continue
        failed = _failed(expected, outcome)
        wrong = {_function(case) for case in failed}
        cases, right = len(expected) - len(failed), len(functions) - len(wrong)
        errors = sum(how == "error" for how in outcome.cases.values())
        parts.append(
            f"{mode} {cases:6} ({_percent(cases, len(expected))}) "
            f"{right:5} ({_percent(right, len(functions))}) "
            f"failed {len(failed) - errors:5} errors {errors:3} crashes {len(outcome.crashes)}"
        )
    return " | ".join(parts)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def _judge(total: dict[str, Outcome], options: argparse.Namespace) -> int:
    ours = total["maniple"]
    expected = _passed_by_numpy(total["numpy"])
    failed = _failed(expected, ours)
    if options.failures:
        for case in sorted(failed):
            print(f"{case}\t{ours.cases.get(case, 'not run')}\t{ours.reasons.get(case, '')}")
    known = _read_known(options.known)
    if options.write_known:
        _write_known(options.known, failed, expected, known)
        return 0
    functions = {_function(case) for case in expected}
    wrong = {_function(case) for case in failed}
    new = wrong - known.keys()
    gone = {function for function in known if function in functions} - wrong
    for title, found in [("new failures", new), ("known failures that pass now", gone)]:
        if found:
            print(f"{title}, {len(found)}:")
            for function in sorted(found)[:LINES_OF_A_LIST]:
                print(f"  {function}")
    return 1 if new or gone or ours.crashes else 0


def _read_known(file: Path) -> dict[str, str]:
    """Test functions with a case that fails, and why: lines of `function  # reason`."""
    known = {}
    for line in file.read_text().splitlines() if file.exists() else []:
        function, _, reason = line.partition("  # ")
        if function.strip() and not function.startswith("#"):
            known[function.strip()] = reason.strip()
    return known


def _write_known(file: Path, failed: set[str], expected: set[str], known: dict[str, str]) -> None:
    cases: dict[str, int] = {}
    for case in failed:
        cases[_function(case)] = cases.get(_function(case), 0) + 1
    untouched = known.keys() - {_function(case) for case in expected}
    lines = ["# NumPy's own tests that fail with our arrays, and why. This file may only shrink."]
    for function in sorted({*cases, *untouched}):
        lines.append(f"{function}  # {known.get(function, 'not looked into yet')}")
    file.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
