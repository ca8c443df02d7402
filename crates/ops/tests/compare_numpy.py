"""Compares every row of the op table with NumPy: loops, dtype resolution, values, floating point events, folds.

Usage: compare_numpy.py DIRECTORY, where `cargo run --example dump_rows DIRECTORY` wrote its files. Needs NumPy 2.4.
Exits with status 1 and one line for each difference that is not allowed.
"""

import sys
import warnings
from pathlib import Path

import numpy
from numpy._core import umath

#: Units in the last place that a result may be away from NumPy's: arithmetic, then everything else.
EXACT, ARITHMETIC, TRANSCENDENTAL = 0, 1, 4
TRANSCENDENTAL_ROWS = set(
    "absolute power float_power exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan arcsin arccos arctan "
    "arctan2 hypot sinh cosh tanh arcsinh arccosh arctanh cbrt sqrt".split()
)
ARITHMETIC_ROWS = set("add subtract multiply divide reciprocal square degrees rad2deg radians deg2rad".split())
INTERNAL = {
    "_greater_mixed": numpy.greater,
    "_greater_equal_mixed": numpy.greater_equal,
    "_less_mixed": numpy.less,
    "_less_equal_mixed": numpy.less_equal,
    "_equal_mixed": numpy.equal,
    "_not_equal_mixed": numpy.not_equal,
    "_real": numpy.real,
    "_imag": numpy.imag,
    "where": numpy.where,
    "clip": umath.clip,
}
WEAK = {"int": int, "float": float, "complex": complex}
UNMEASURED = 255
failures = []


def main(directory):
    """Runs every comparison on the files of `directory` and reports."""
    print("numpy", numpy.__version__)
    compare_types(directory)
    compare_resolution(directory)
    compare_cases(directory)
    for line in failures:
        print(line)
    print(len(failures), "differences")
    return 1 if failures else 0


def function(name):
    """NumPy's function of a row."""
    return INTERNAL.get(name) or getattr(numpy, name)


def compare_types(directory):
    """`types(op)` and the identity against the ufunc's, for the dtypes there are here."""
    for line in (directory / "types.tsv").read_text().splitlines():
        name, identity, types = line.split("\t")
        if name == "where":
            continue
        ufunc = function(name)
        known = [text for text in ufunc.types if not set(text) & set("gGOMmqQSUV")]
        if sorted(set(known)) != sorted(types.split()):
            failures.append(f"types of {name}: {types}, NumPy {' '.join(known)}")
        values = {"None": None, "Zero": 0, "One": 1, "AllBits": -1, "Lowest": -numpy.inf}
        if ufunc.identity != values[identity]:
            failures.append(f"identity of {name}: {identity}, NumPy {ufunc.identity}")


def compare_resolution(directory):
    """`resolve` against `ufunc.resolve_dtypes`, for every combination of dtypes and Python scalars."""
    count = 0
    for line in (directory / "resolve.tsv").read_text().splitlines():
        name, operands, answer = line.split("\t")
        if name == "where":
            continue
        count += 1
        ufunc = function(name)
        operands, _, output = operands.partition("->")
        fixed = {}
        if output:
            fixed["signature"] = (None,) * ufunc.nin + (numpy.dtype(output),) * ufunc.nout
        kinds = tuple(WEAK.get(operand) or numpy.dtype(operand) for operand in operands.split(","))
        try:
            found = ufunc.resolve_dtypes(kinds + (None,) * ufunc.nout, **fixed)
            wanted = ",".join(d.name for d in found[: ufunc.nin]) + " " + ",".join(d.name for d in found[ufunc.nin :])
        except TypeError as error:
            wanted = "!" + str(error)
        if not same_resolution(name, fixed, answer, wanted):
            failures.append(f"resolve {name}({operands})->{output}: {answer}, NumPy {wanted}")
    print(count, "resolutions compared")


def same_resolution(name, fixed, answer, wanted):
    """Whether two answers mean the same."""
    if answer == wanted:
        return True
    if answer[0] == wanted[0] == "!" and fixed:
        # With `dtype=` NumPy words its refusals by the path its resolution took.
        return True
    if name == "ldexp":
        # Our exponents are always 64 bits wide; NumPy has a 32-bit loop with the same results.
        return answer.split(",")[0] == wanted.split(",")[0] and answer.split()[-1] == wanted.split()[-1]
    if wanted.startswith("object,object") or "'O'" in wanted or "ObjectDType" in wanted:
        # Two Python integers: NumPy compares them as Python does, which the caller of `resolve` can do too.
        return True
    return False


def compare_cases(directory):
    """Values and events of every case."""
    data = (directory / "cases.bin").read_bytes()
    counts = {}
    for line in (directory / "cases.tsv").read_text().splitlines():
        name, ins, outs, count, offset = line.split("\t")
        reader = Reader(data, int(offset))
        ins = [numpy.dtype(text) for text in ins.split(",")]
        outs = [numpy.dtype(text) for text in outs.split(",") if text]
        kind = name.split(".")[0] if name.startswith("_reduce") or name in ("_cast", "_arg") else "row"
        counts[kind] = counts.get(kind, 0) + 1
        if name.startswith("_reduce"):
            compare_fold(name.split(".")[1], reader, ins[0], int(count))
        elif name == "_arg":
            compare_search(reader, ins[0], int(count))
        else:
            compare_case(name, reader, ins, outs, int(count))
    print(", ".join(f"{count} {kind} cases" for kind, count in counts.items()), "compared")


class Reader:
    """Takes arrays from a buffer, one after another."""

    def __init__(self, data, offset):
        self.data, self.offset = data, offset

    def take(self, dtype, count):
        """The next `count` elements."""
        array = numpy.frombuffer(self.data, dtype, count, self.offset)
        self.offset += array.nbytes
        return array


def compare_case(name, reader, ins, outs, count):
    """One row at one dtype, or one cast."""
    inputs = [reader.take(dtype, count) for dtype in ins]
    results = [reader.take(dtype, count) for dtype in outs]
    events = reader.take(numpy.uint8, count)
    label = f"{name}({','.join(d.name for d in ins)})->{','.join(d.name for d in outs)}"
    if name == "_cast":
        call = lambda *arrays: arrays[0].astype(outs[0])
    else:
        call = function(name)
    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = call(*inputs)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if ins[0] == numpy.complex64 and name in TRANSCENDENTAL_ROWS:
        # NumPy's single precision formulas lose digits; ours are double precision rounded once.
        with numpy.errstate(all="ignore"):
            wide = call(*(a.astype(numpy.complex128) for a in inputs)).astype(outs[0])
        wanted = (numpy.where(close_complex(results[0], wide, name), wide, wanted[0]),)
    for result, expected in zip(results, wanted):
        if result.dtype != expected.dtype:
            failures.append(f"{label}: NumPy gives {expected.dtype}")
            return
        compare_values(label, name, inputs, result, expected)
    compare_events(label, name, call, inputs, events)


def compare_values(label, name, inputs, result, expected):
    """Results against NumPy's, within the row's units in the last place."""
    if result.dtype.kind not in "fc":
        wrong = result != expected
    elif result.dtype.kind == "f":
        wrong = ~close(result, expected, tolerance(name))
    else:
        wrong = ~close_complex(result, expected, name)
    wrong &= ~allowed(name, inputs, result, expected)
    if wrong.any():
        at = numpy.flatnonzero(wrong)
        shown = [
            f"{[str(a[i]) for a in inputs]} -> {result[i]!s}, NumPy {expected[i]!s}" for i in at[:4]
        ]
        failures.append(f"{label}: {len(at)} of {len(result)} differ: " + "; ".join(shown))


def tolerance(name):
    """The units in the last place a row may be away."""
    if name in TRANSCENDENTAL_ROWS:
        return TRANSCENDENTAL
    return ARITHMETIC if name in ARITHMETIC_ROWS else EXACT


def close(result, expected, units):
    """Where two real arrays agree: NaN with NaN, equal, or within some units in the last place."""
    with numpy.errstate(all="ignore"):
        same = (result == expected) & (numpy.signbit(result) == numpy.signbit(expected))
        same |= numpy.isnan(result) & numpy.isnan(expected)
        if units:
            distance = numpy.abs(result.astype(numpy.longdouble) - expected.astype(numpy.longdouble))
            unit = numpy.abs(numpy.spacing(numpy.maximum(numpy.abs(expected), numpy.finfo(expected.dtype).tiny)))
            same |= distance <= units * unit.astype(numpy.longdouble)
            # A result on either side of the overflow threshold is within a unit of it.
            largest = numpy.finfo(expected.dtype).max
            same |= (numpy.minimum(numpy.abs(result), numpy.abs(expected)) >= largest * (1 - units * 2**-9 if
                     expected.dtype == numpy.float16 else largest)) & (numpy.sign(result) == numpy.sign(expected))
        return same


def close_complex(result, expected, name):
    """Where two complex arrays agree: by parts, or in the distance relative to the magnitude."""
    # A complex sign is a quotient, unlike a real one.
    units = ARITHMETIC if name == "sign" else tolerance(name)
    with numpy.errstate(all="ignore"):
        same = close(result.real, expected.real, units) & close(result.imag, expected.imag, units)
        if units:
            wide = numpy.clongdouble
            distance = numpy.abs(result.astype(wide) - expected.astype(wide))
            epsilon = numpy.finfo(expected.dtype).eps
            finite = numpy.isfinite(result) & numpy.isfinite(expected)
            floor = numpy.finfo(expected.dtype).tiny * 4 * units
            same |= finite & (distance <= numpy.maximum(2 * units * epsilon * numpy.abs(expected.astype(wide)), floor))
        return same


def allowed(name, inputs, result, expected):
    """Where a difference from NumPy is known and meant; each line says why."""
    nothing = numpy.zeros(result.shape, bool)
    with numpy.errstate(all="ignore"):
        if name in ("maximum", "minimum", "fmax", "fmin") and result.dtype.kind == "f":
            # Of two zeros of different sign NumPy returns either, depending on its vector width.
            return (result == 0) & (expected == 0)
        if name in ("multiply", "square") and result.dtype.kind == "c":
            # NumPy fuses one product with the sum, which then may not overflow where ours does.
            return ~numpy.isfinite(result)
        if name in ("power", "float_power") and result.dtype.kind == "c":
            # The C library's answers for infinite and missing parts follow no rule.
            special = ~numpy.isfinite(inputs[0]) | ~numpy.isfinite(inputs[1])
            # The exponential magnifies the rounding of its argument.
            argument = numpy.abs(inputs[1] * numpy.log(inputs[0]))
            distance = numpy.abs(result - expected) / numpy.abs(expected)
            return special | (distance <= numpy.finfo(result.dtype).eps * 4 * (1 + argument))
        if name in ("logaddexp", "logaddexp2"):
            # Where the logarithm almost cancels the larger number, the result has the rounding errors of both.
            larger = abs(numpy.maximum(inputs[0], inputs[1]))
            return abs(result - expected) <= TRANSCENDENTAL * numpy.spacing(larger)
        if name == "_cast" and result.dtype == numpy.uint32:
            # Out of range, NumPy's vector loop and its loop for single elements differ; ours does as the latter.
            return ~((inputs[0].real > -(2**31)) & (inputs[0].real < 2**32))
    return nothing


def events_compared(name, inputs):
    """Which elements have events to compare."""
    if all(a.dtype.kind in "?bui" for a in inputs):
        return name in ("floor_divide", "remainder", "fmod", "divmod", "reciprocal")
    compared = numpy.ones(inputs[0].shape, bool)
    for array in inputs:
        if array.dtype.kind == "c":
            # The C library reports infinite and missing parts inconsistently; overflow on the way depends on
            # whether NumPy fuses products.
            compared &= numpy.abs(array) < numpy.finfo(array.dtype).max / 4
            compared &= numpy.minimum(abs(array.real), abs(array.imag)) >= numpy.finfo(array.dtype).tiny
        elif name == "power":
            # NumPy's vector loops report a zero or the largest number to an infinite power, against C99.
            compared &= numpy.isfinite(array)
    return compared


def compare_events(label, name, call, inputs, events):
    """Events of single elements against NumPy's."""
    with numpy.errstate(all="ignore"):
        compared = (events != UNMEASURED) & events_compared(name, inputs)
    met = []
    numpy.seterrcall(lambda kind, flag: met.append(flag))
    wrong = []
    with numpy.errstate(all="call"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in numpy.flatnonzero(compared):
            met.clear()
            call(*(a[index : index + 1] for a in inputs))
            flag = met[0] if met else 0
            # Underflow is ignored by default in NumPy and depends on its vector width: not compared.
            if (int(flag) ^ int(events[index])) & 11:
                wrong.append((index, flag))
    if wrong:
        shown = [f"{[str(a[i]) for a in inputs]} {int(events[i])}, NumPy {flag}" for i, flag in wrong[:6]]
        failures.append(f"{label}: events of {len(wrong)} differ: " + "; ".join(shown))


def compare_fold(name, reader, dtype, count):
    """A leaf and a scan against `reduce` and `accumulate`."""
    data = reader.take(dtype, count)
    result = reader.take(dtype, 1)
    accumulated = reader.take(dtype, count)
    ufunc = function(name)
    if name in ("power", "arctan2") or (name in ("hypot", "gcd") and count == 1):
        # Chaotic in the rounding of every step; and NumPy folds a lone element with the identity.
        return
    with numpy.errstate(all="ignore"):
        wanted = ufunc.reduce(data, dtype=dtype)
        scanned = ufunc.accumulate(data, dtype=dtype)
        if dtype.kind in "fc":
            epsilon = numpy.finfo(dtype).eps * (4 + 2 * count)
            size = numpy.abs(data.astype(numpy.clongdouble)).sum() if name == "add" else numpy.abs(wanted)
            good = numpy.abs(result[0] - wanted) <= epsilon * size or same_special(result[0], wanted)
            scan_good = all(
                numpy.abs(a - b) <= epsilon * max(size, numpy.abs(b)) or same_special(a, b)
                for a, b in zip(accumulated, scanned)
            )
        else:
            good, scan_good = result[0] == wanted, (accumulated == scanned).all()
    if not good:
        failures.append(f"{name}.reduce({count} {dtype}): {result[0]}, NumPy {wanted}")
    if not scan_good:
        failures.append(f"{name}.accumulate({count} {dtype}): {accumulated[:8]}, NumPy {scanned[:8]}")


def same_special(a, b):
    """Whether two numbers are equal, or neither is finite."""
    return a == b or not (numpy.isfinite(a) or numpy.isfinite(b))


def compare_search(reader, dtype, count):
    """`arg_leaf` against `argmin` and `argmax`."""
    data = reader.take(dtype, count)
    found = reader.take(numpy.uint64, 2)
    wanted = [numpy.argmin(data), numpy.argmax(data)]
    if list(found) != wanted:
        failures.append(f"argmin, argmax of {count} {dtype}: {found}, NumPy {wanted}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
