"""Calls everything in `maniple.numpy` with arguments that make no sense: exceptions are fine, anything else is not.

    python hostile.py --seeds 0-2000 [--jobs 2]
    python hostile.py --show SEED           the calls of a seed

A seed is a handful of calls in one session. Wrong are: a call that ends the process, that hangs, that says it is a
defect of Maniple, or that raises something that `except Exception` does not catch; and a session in which a simple
sum is wrong afterwards.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy

CALLS_PER_SEED = 30
SEEDS_PER_PROCESS = 100
SECONDS_PER_CALL = 20
BYTES_PER_PROCESS = 8 << 30

# These write files, change the session on purpose, read arbitrary memory in NumPy too, or wait for somebody.
LEFT_OUT = """
    as_strided asmatrix bmat fromfile fromregex genfromtxt get_include info load loadtxt memmap open_memmap save savetxt
    savez savez_compressed set_printoptions setbufsize seterr seterrcall show_config show_runtime test tofile dump
    printoptions errstate nditer nested_iters busdaycalendar frombuffer from_dlpack core f2py
    """.split()


class Raises:
    """An object each of whose protocols raises."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("hostile")

    __array__ = __len__ = __iter__ = __index__ = __float__ = __bool__ = __getitem__ = __eq__ = __hash__ = (
        _refuse
    )


class Nested:
    """A sequence of one element, itself. One that never ends to who iterates over it makes NumPy itself hang."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, at: int) -> "Nested":
        if at not in (0, -1):
            raise IndexError(at)
        return self


class Lies:
    """An object whose protocols give the wrong things."""

    __array_interface__ = {"shape": (3, -1), "typestr": "<f8", "data": (0, False), "version": 3}
    ndim = "many"
    shape = (10**9, "x")

    def __index__(self) -> Any:
        return 10**30

    def __float__(self) -> Any:
        return "one"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0-200", help="a range A-B, B not included")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--show", type=int, metavar="SEED")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or int(first) + 1))
    if options.show is not None:
        run_seed(options.show, verbose=True)
        return 0
    if options.worker:
        for seed in seeds:
            run_seed(seed)
            print(json.dumps({"end": seed}), flush=True)
        return 0
    starts = range(seeds.start, seeds.stop, SEEDS_PER_PROCESS)
    blocks = [range(low, min(low + SEEDS_PER_PROCESS, seeds.stop)) for low in starts]
    with ThreadPoolExecutor(options.jobs) as pool:
        wrong = [line for found in pool.map(_run_block, blocks) for line in found]
    print("\n".join(wrong))
    print(f"{len(seeds)} seeds of {CALLS_PER_SEED} calls: {len(wrong)} went wrong")
    return 1 if wrong else 0


def run_seed(seed: int, *, verbose: bool = False) -> None:
    """Make the calls of a seed; prints a line of JSON before each, and one for what goes wrong."""
    import maniple
    import maniple.numpy as np

    resource.setrlimit(resource.RLIMIT_AS, (BYTES_PER_PROCESS, BYTES_PER_PROCESS))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    dice = random.Random(seed)
    targets = _targets(np)
    for _ in range(CALLS_PER_SEED):
        name, function = dice.choice(targets)
        arguments = [_value(dice, np) for _ in range(dice.choice([0, 1, 1, 2, 2, 2, 3, 4]))]
        if name.startswith("ndarray."):
            arguments.insert(0, _array(dice, np))
        keywords = {}
        if dice.random() < 0.4:
            words = (
                "axis out dtype order keepdims where casting initial ddof mode shape kind copy subok".split()
            )
            keywords = {word: _value(dice, np) for word in dice.sample(words, dice.randint(1, 2))}
        if _ends_numpy(name, [*arguments, *keywords.values()]):
            continue
        text = f"{name}({', '.join(map(_text, arguments))}, **{ {key: _text(value) for key, value in keywords.items()} })"
        print(json.dumps({"seed": seed, "call": text}), flush=True)
        signal.alarm(SECONDS_PER_CALL)
        try:
            function(*arguments, **keywords)
            maniple.sync()
        except Exception as error:
            if verbose:
                print(f"    {type(error).__name__}: {str(error)[:200]}")
            if "defect of Maniple" in str(error) or type(error).__name__ == "DeviceError":
                print(json.dumps({"seed": seed, "wrong": f"{text}: {error!r}"}), flush=True)
        except BaseException as error:
            print(json.dumps({"seed": seed, "wrong": f"{text}: {error!r}"}), flush=True)
        signal.alarm(0)
    if float((np.arange(1000.0) + 1).sum()) != 500500:
        print(json.dumps({"seed": seed, "wrong": "a sum is wrong afterwards"}), flush=True)


def _ends_numpy(name: str, values: list[Any]) -> bool:
    """Whether NumPy 2.4 itself crashes or computes for ever."""
    numbers = [abs(value) for value in values if isinstance(value, int)]
    if name.endswith(".at"):
        # From 32 dimensions on, `at` writes beyond an array on the stack.
        return any(isinstance(ndim := getattr(value, "ndim", None), int) and ndim > 30 for value in values)
    if name == "diff":
        return any(number > 10**6 for number in numbers)
    if name.startswith(("pow", "ndarray.__pow", "ndarray.__rpow", "ndarray.__ipow")):
        # Powers of integers without limits.
        return any(number >= 2**63 for number in numbers)
    return False


def _targets(np: Any) -> list[tuple[str, Any]]:
    """Everything that can be called, with its name."""
    found = []
    for prefix, module in [("", np), ("linalg.", np.linalg), ("fft.", np.fft)]:
        for name in sorted(module.__all__):
            value = getattr(module, name)
            if name not in LEFT_OUT and callable(value) and not isinstance(value, type):
                found.append((prefix + name, value))
                if isinstance(value, np.ufunc):
                    methods = ("reduce", "accumulate", "outer", "at", "reduceat")
                    found += [(f"{name}.{method}", getattr(value, method)) for method in methods]
    for name in sorted(dir(np.ndarray)):
        value = getattr(np.ndarray, name)
        if (
            name not in LEFT_OUT
            and callable(value)
            and name not in ("__class__", "_wrap", "__init_subclass__", "__new__")
        ):
            found.append((f"ndarray.{name}", value))
    found.append(("ndarray", np.ndarray))
    return found


def _array(dice: random.Random, np: Any) -> Any:
    """One of our arrays, of some odd kind."""
    dtype = dice.choice("? b h i q B H I Q e f d F D O U3 M8[s] >i4 f4,i8 g".split())
    shape = dice.choice(
        [(), (0,), (1,), (3,), (2, 3), (0, 3), (3, 1, 2), (1,) * 32, (1,) * 64, (2, 0, 5), (257,)]
    )
    size = int(numpy.prod(shape))
    try:
        made = np.asarray((numpy.arange(size) % 7).astype(dtype)).reshape(shape)
    except Exception:
        made = np.zeros(shape)
    how = dice.random()
    if how < 0.1:
        return made.T
    if how < 0.2 and made.ndim:
        return made[::-1]
    if how < 0.25 and made.ndim < 60:
        return np.broadcast_to(made, (2, *made.shape))
    if how < 0.3:
        made.flags.writeable = False
    if how < 0.35 and made.size and made.dtype.kind in "bif":
        return made.sum()
    return made


def _value(dice: random.Random, np: Any) -> Any:
    """Anything."""
    if dice.random() < 0.45:
        return _array(dice, np)
    nan, inf = float("nan"), float("inf")
    values = [
        None, True, False, 0, 1, -1, 2, 3, 63, 64, 65, -(2**31), 2**31, 2**62, 2**63, -(2**63) - 1, 10**30, 0.5, nan, inf,
        -inf, 1e308, 1j, "", "x", "float64", "int8", "i4,f8", "C", "K", "unsafe", b"\x01\x02", (), [], {}, set(), [[]],
        [[1], [2, 3]], [None], ["a", 1], (0, 0), (-1, 1), (1, -5), (10**6, 10**6), range(5), slice(None), slice(5, -5, -2),
        Ellipsis, ..., (slice(None), None, 0), object(), len, int, float, str, list, numpy.float32(2.5), numpy.int64(-1),
        numpy.longdouble(1), numpy.array([1, 2]), numpy.array("s"), numpy.ma.masked_array([1, 2], [0, 1]), Raises(),
        Nested(), Lies(), np.add, np.ndarray, np, [0, 1, 5], [True, False], [10**6], [-1, 0], (2, 2), [1.5, nan],
        numpy.dtype("O"), numpy.dtype("V3"), memoryview(b"abcdefgh"), iter([1, 2]), lambda *a: 1, "same_kind", "clip",
    ]  # fmt: skip
    return dice.choice(values)


def _text(value: Any) -> str:
    if type(value).__module__.startswith(("maniple", "numpy")) and hasattr(value, "dtype"):
        return f"{type(value).__name__}{value.dtype, value.shape}"
    try:
        return repr(value)[:80]
    except Exception:
        return f"<{type(value).__name__}>"


def _run_block(seeds: range) -> list[str]:
    wrong = []
    low = seeds.start
    while low < seeds.stop:
        command = [sys.executable, __file__, "--worker", "--seeds", f"{low}-{seeds.stop}"]
        process = subprocess.run(command, capture_output=True, text=True)
        last: dict[str, Any] = {}
        for line in process.stdout.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "wrong" in entry:
                wrong.append(f"seed {entry['seed']}: {entry['wrong']}")
            elif "end" in entry:
                low = entry["end"] + 1
            else:
                last = entry
        if process.returncode == 0:
            break
        if not last:
            raise RuntimeError(f"the worker does not start: {process.stderr[-2000:]}")
        how = (
            "hangs"
            if process.returncode == -signal.SIGALRM
            else f"ends the process with {process.returncode}"
        )
        wrong.append(f"seed {last['seed']}: {how}: {last['call']} {process.stderr[-300:]}")
        low = last["seed"] + 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())
