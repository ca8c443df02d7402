"""Runs random programs with NumPy and with Maniple and compares values, dtypes, shapes, flags and exceptions.

    python fuzz.py --seeds 0-2000 [--jobs 2] [--settings all|devices|NAME[,NAME]]
    python fuzz.py --show SEED             the program of a seed
    python fuzz.py --minimise SEED         its shortest part that still goes wrong

Every seed runs under every setting, in processes of their own, and the bits of all values must be equal
across settings of one group: the host's processors, or devices, whose elementary functions are other ones. Emulated
devices need a build that holds them. A seed that goes wrong is minimised and printed as a Python program.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_program import Statement, program  # noqa: E402

SETTINGS = {
    "plain": {},
    # Small operations are computed at hand.
    "pieces1": {"MANIPLE_PIECES": "1", "MANIPLE_WINDOW": "1", "MANIPLE_JIT": "0", "MANIPLE_SMALL": "1"},
    "pieces3": {"MANIPLE_PIECES": "3", "MANIPLE_WINDOW": "64", "MANIPLE_MAPPER": "random:1", "MANIPLE_JIT": "always"},
    "nofuse": {"MANIPLE_PIECES": "3", "MANIPLE_FUSE": "0", "MANIPLE_MACHINE": "1", "MANIPLE_JIT": "always"},
    "memories3": {"MANIPLE_PIECES": "3", "MANIPLE_MACHINE": "1,1,1", "MANIPLE_MAPPER": "random:2", "MANIPLE_JIT": "0"},
    "memories3w1": {"MANIPLE_MACHINE": "1,1,1", "MANIPLE_WINDOW": "1", "MANIPLE_MAPPER": "random:3"},
    "check": {"MANIPLE_CHECK": "1", "MANIPLE_MACHINE": "1,1,1", "MANIPLE_PIECES": "3", "MANIPLE_MAPPER": "random:4"},
}  # fmt: skip
DEVICES = {
    "cuda": {"MANIPLE_ON": "cuda", "MANIPLE_EMULATED": "1"},
    "cuda2": {"MANIPLE_ON": "cuda", "MANIPLE_EMULATED": "2", "MANIPLE_PIECES": "3", "MANIPLE_MAPPER": "random:5"},
    # Most arrays leave the device soon, or pass through it.
    "cudafull": {"MANIPLE_ON": "cuda", "MANIPLE_EMULATED": "1", "MANIPLE_DEVICE_MEMORY": "12k", "MANIPLE_FUSE": "0"},
    "cudafull2": {"MANIPLE_ON": "cuda", "MANIPLE_EMULATED": "2", "MANIPLE_DEVICE_MEMORY": "20k", "MANIPLE_PIECES": "3"},
}  # fmt: skip
# For machines that have a GPU; each on its own, since functions such as exp differ between processors in the last bits.
REAL = {
    "gpu": {"MANIPLE_ON": "cuda"},
    "gpumixed": {"MANIPLE_MAPPER": "random:6", "MANIPLE_PIECES": "3"},
    "wgpu": {"MANIPLE_ON": "wgpu"},
    "wgpumixed": {"MANIPLE_BACKENDS": "cpu,wgpu", "MANIPLE_MAPPER": "random:7", "MANIPLE_PIECES": "3"},
}
# The arrays are small: NumPy would run its own Python functions, and nothing would be renamed.
OUR_CODE = {"MANIPLE_BLOCK": "1k", "MANIPLE_RENAME": "0", "MANIPLE_SMALL": "0"}
GROUPS = {"all": SETTINGS, "devices": DEVICES}
SEEDS_PER_PROCESS = 500
SECONDS_PER_PROCESS = 1200
SECONDS_TO_MINIMISE = 120
# How far near values may be apart. Along all axes but the last NumPy's sums add one element after another.
UNITS, UNITS_OF_SUMS = 32, 1024
SUMS = re.compile("sum|mean|var|std|average")


class Difference(Exception):
    """Maniple and NumPy disagree."""


class Result(NamedTuple):
    """What one seed gave under one setting: the digest of its values, or what went wrong."""

    seed: int
    digest: str
    wrong: str


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0-200", help="a range A-B, B not included")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--settings", default="all", help=f"all, devices, or some of {', '.join(_every())}")
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--minimise", type=int, metavar="SEED")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or int(first) + 1))
    if options.show is not None:
        print(as_source(program(options.show)))
        return 0
    if options.minimise is not None:
        print(minimised(options.minimise))
        return 0
    if options.worker:
        for seed in seeds:
            # A seed that ends the process is the one that was begun and did not end.
            print(json.dumps({"begin": seed}), flush=True)
            print(json.dumps(run_seed(seed)._asdict()), flush=True)
        return 0
    names = list(GROUPS.get(options.settings, options.settings.split(",")))
    return _run_all(seeds, names, options.jobs)


def _every() -> dict[str, dict[str, str]]:
    return SETTINGS | DEVICES | REAL


def run_seed(seed: int) -> Result:
    """One program with both."""
    digest, wrong = run_program(program(seed))
    return Result(seed, digest, wrong)


def run_program(statements: list[Statement]) -> tuple[str, str]:
    """The digest of Maniple's values, and how they differ from NumPy's, or nothing."""
    import maniple.numpy

    digest = hashlib.sha256()
    theirs: dict[str, Any] = {"np": numpy}
    ours: dict[str, Any] = {"np": maniple.numpy}
    done = 0
    try:
        with maniple.numpy.errstate(all="ignore"):
            for statement in statements:
                if statement.kind == "look":
                    _compare_all(theirs, ours, digest)
                    done += 1
                    continue
                expected, got = _execute(statement.source, theirs), _execute(statement.source, ours)
                _compare_exceptions(expected, got)
                if statement.kind == "near" and expected is None:
                    name, _, made = statement.source.partition(" = ")
                    _follow(name, theirs, ours, UNITS_OF_SUMS if SUMS.search(made) else UNITS)
                done += 1
    except Difference as difference:
        return digest.hexdigest(), f"after statement {done}: {difference}"
    return digest.hexdigest(), ""


def as_source(statements: list[Statement]) -> str:
    """A program to run by hand, with a print at each look."""
    lines = ["import maniple.numpy as np", "np.seterr(all='ignore')"]
    for statement in statements:
        if statement.kind == "look":
            lines.append("print({name: value for name, value in globals().items() if name[0] == 'a'})")
        else:
            lines.append(statement.source)
    return "\n".join(lines)


def minimised(seed: int) -> str:
    """The shortest program found that still goes wrong, with what goes wrong."""
    statements = program(seed)
    _, wrong = run_program(statements)
    if not wrong:
        return f"seed {seed} agrees"
    end = time.monotonic() + SECONDS_TO_MINIMISE
    statements = statements[: int(wrong.split()[2].rstrip(":")) + 1]
    size = max(1, len(statements) // 2)
    while size and time.monotonic() < end:
        shorter = False
        for start in range(0, len(statements), size):
            candidate = statements[:start] + statements[start + size :]
            _, still = run_program(candidate)
            if still and _sort_of(still) == _sort_of(wrong):
                statements, wrong, shorter = candidate, still, True
                break
        if not shorter:
            size //= 2
    return f"{as_source(statements)}\n# seed {seed}, {wrong}"


def _sort_of(wrong: str) -> str:
    """What kind of difference it is, without names and numbers."""
    return wrong.partition(": ")[2].partition(":")[0].split(" ", 1)[-1]


def _execute(source: str, env: dict[str, Any]) -> BaseException | None:
    try:
        exec(source, env)
    except Exception as error:
        return error
    return None


def _compare_exceptions(expected: BaseException | None, got: BaseException | None) -> None:
    if type(expected) is type(got):
        return
    if expected is not None and got is not None and isinstance(got, type(expected)):
        return
    raise Difference(f"exception: NumPy {expected!r}, Maniple {got!r}")


def _variables(env: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in env.items() if name[0] == "a" and name[1:].isdigit()}


def _compare_all(theirs: dict[str, Any], ours: dict[str, Any], digest: Any) -> None:
    expected, got = _variables(theirs), _variables(ours)
    if expected.keys() != got.keys():
        raise Difference(f"variables: NumPy {sorted(expected)}, Maniple {sorted(got)}")
    for name in expected:
        _compare_exact(name, expected[name], got[name])
        digest.update(numpy.asarray(_canonical(numpy.asarray(got[name]))).tobytes())
    _compare_sharing(expected, got)


def _compare_exact(name: str, expected: Any, got: Any) -> None:
    _compare_faces(name, expected, got)
    x, y = numpy.asarray(expected), numpy.asarray(got)
    if _canonical(x).tobytes() != _canonical(y).tobytes():
        wrong = numpy.flatnonzero(_bytes_of(x) != _bytes_of(y)) if x.size else []
        at = numpy.unravel_index(wrong[0], x.shape) if len(wrong) else ()
        where = tuple(int(i) for i in at)
        raise Difference(
            f"{name} value: at {where} of {x.shape} {x.dtype} NumPy {x[at]!r}, Maniple {y[at]!r}"
        )


def _bytes_of(array: numpy.ndarray) -> numpy.ndarray:
    return _canonical(array).reshape(-1).view(numpy.dtype((numpy.void, array.itemsize)))


def _canonical(array: numpy.ndarray) -> numpy.ndarray:
    """A copy in which every NaN has the same bits."""
    array = numpy.array(array, order="C")
    if array.dtype.kind == "f":
        array[numpy.isnan(array)] = numpy.nan
    elif array.dtype.kind == "c":
        for part in (array.real, array.imag):
            part[numpy.isnan(part)] = numpy.nan
    return array


def _compare_faces(name: str, expected: Any, got: Any) -> None:
    """What can be seen without looking at values."""
    if isinstance(expected, tuple | list | bool | int | str):
        if expected != got:
            raise Difference(f"{name} object: NumPy {expected!r}, Maniple {got!r}")
        return
    scalar = isinstance(expected, numpy.generic)
    if scalar != isinstance(got, numpy.generic):
        raise Difference(f"{name} class: NumPy {type(expected)}, Maniple {type(got)} {got.__class__}")
    for what in ("dtype", "shape", "ndim", "size", "itemsize", "nbytes"):
        if getattr(expected, what) != getattr(got, what):
            raise Difference(f"{name} {what}: NumPy {getattr(expected, what)}, Maniple {getattr(got, what)}")
    if not scalar:
        for flag in ("c_contiguous", "f_contiguous", "writeable"):
            if getattr(expected.flags, flag) != getattr(got.flags, flag):
                raise Difference(
                    f"{name} flags.{flag}: NumPy {getattr(expected.flags, flag)} {expected.strides}"
                )


def _compare_sharing(expected: dict[str, Any], got: dict[str, Any]) -> None:
    names = [name for name, value in expected.items() if isinstance(value, numpy.ndarray)][-5:]
    for i, first in enumerate(names):
        for second in names[:i]:
            pair = numpy.asarray(got[first]), numpy.asarray(got[second])
            try:
                shared = numpy.shares_memory(expected[first], expected[second], max_work=100)
                alike = shared == numpy.shares_memory(*pair, max_work=100)
            except numpy.exceptions.TooHardError:
                continue
            if not alike:
                raise Difference(f"{first} sharing: with {second} NumPy {shared}")


def _follow(name: str, theirs: dict[str, Any], ours: dict[str, Any], units: int) -> None:
    """Compare with a tolerance, and give NumPy Maniple's value."""
    expected, got = theirs[name], ours[name]
    _compare_faces(name, expected, got)
    x, y = numpy.asarray(expected), numpy.asarray(got)
    epsilon = numpy.finfo(x.dtype).eps
    largest = float(numpy.max(numpy.abs(x), initial=1, where=numpy.isfinite(x)))
    if not numpy.allclose(y, x, rtol=units * epsilon, atol=units * epsilon * largest, equal_nan=True):
        worst = numpy.nanmax(numpy.abs(x - y))
        raise Difference(
            f"{name} near value: off by {worst} with values up to {largest}, {x.dtype} {x.shape}"
        )
    if isinstance(expected, numpy.generic):
        theirs[name] = y[()]
    else:
        expected[...] = y


def _run_all(seeds: range, names: list[str], jobs: int) -> int:
    start = time.monotonic()
    digests: dict[int, dict[str, str]] = {}
    wrong: dict[int, tuple[str, str]] = {}
    starts = range(seeds.start, seeds.stop, SEEDS_PER_PROCESS)
    blocks = [range(low, min(low + SEEDS_PER_PROCESS, seeds.stop)) for low in starts]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tasks = [(name, pool.submit(_run_block, block, name)) for block in blocks for name in names]
        for name, task in tasks:
            for result in task.result():
                digests.setdefault(result.seed, {})[name] = result.digest
                if result.wrong:
                    wrong.setdefault(result.seed, (name, result.wrong))
    for seed, every in digests.items():
        for group in GROUPS.values():
            found = {name: digest[:8] for name, digest in every.items() if name in group}
            if seed not in wrong and len(set(found.values())) > 1:
                wrong[seed] = ("", f"bits differ between settings: {found}")
    for seed, (name, how) in sorted(wrong.items()):
        print(f"--- seed {seed} setting {name or 'several'} {_every().get(name, '')}: {how}")
        if name and "process" not in how and len(wrong) <= 20:
            print(_minimise_elsewhere(seed, name))
    print(
        f"{len(seeds)} programs under {len(names)} settings in {time.monotonic() - start:.0f} s: "
        f"{len(wrong)} went wrong"
    )
    return 1 if wrong else 0


def _run_block(seeds: range, name: str) -> list[Result]:
    """Run seeds under one setting, going on after a seed that ends the process."""
    results = []
    low = seeds.start
    while low < seeds.stop:
        command = [sys.executable, __file__, "--worker", "--seeds", f"{low}-{seeds.stop}"]
        process = subprocess.Popen(
            command,
            env={**os.environ, **OUR_CODE, **_every()[name]},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            output, errors = process.communicate(timeout=SECONDS_PER_PROCESS)
            status: Any = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            status = "hangs"
        begun = None
        for line in output.splitlines():
            entry = json.loads(line)
            if "begin" in entry:
                begun = entry["begin"]
            else:
                results.append(Result(**entry))
                begun = None
        if begun is None and status == 0:
            break
        if begun is None:
            raise RuntimeError(f"the worker does not start: {errors[-2000:]}")
        results.append(Result(begun, "", f"the process ended: {status} {errors[-600:]}"))
        low = begun + 1
    return results


def _minimise_elsewhere(seed: int, name: str) -> str:
    command = [sys.executable, __file__, "--minimise", str(seed)]
    done = subprocess.run(
        command,
        env={**os.environ, **OUR_CODE, **_every()[name]},
        capture_output=True,
        text=True,
        timeout=SECONDS_PER_PROCESS,
    )
    return done.stdout or done.stderr[-2000:]


if __name__ == "__main__":
    sys.exit(main())
