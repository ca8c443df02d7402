"""Measures the elementary rows against extended precision: the largest error of each, in units in the last place.

Usage: accuracy.py EVALUATE_ROW [ROW ...], where EVALUATE_ROW is the built example of that name. Needs NumPy and a long
double of 64 bits, as x86-64 has. Exits with status 1 if a row is further off than it may be, or wrong at an infinite,
missing or signed zero input or result.
"""

import subprocess
import sys
import warnings

import numpy

#: How far off a row may be; `logaddexp` relative to the largest number that takes part.
LIMIT = {"logaddexp": 3.0, "logaddexp2": 3.0, "arctan2": 2.0}
#: How far off the other rows may be.
LIMITS = {numpy.float64: 1.6, numpy.float32: 3.0}
ROWS = (
    "exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh "
    "cbrt power hypot logaddexp logaddexp2"
).split()
COUNT = 200_000
WIDE = numpy.longdouble
random = numpy.random.default_rng(20261122)


def main(program, rows):
    """Measures every row at both precisions."""
    assert numpy.finfo(WIDE).nmant >= 63, "this machine has no extended precision"
    good = True
    for row in rows or ROWS:
        line = f"{row:12}"
        for dtype in (numpy.float64, numpy.float32):
            worst, where, wrong = measure(program, row, dtype)
            good &= worst <= LIMIT.get(row, LIMITS[dtype]) and not wrong
            line += f"  {numpy.dtype(dtype).name} {worst:6.3f} at {where}" + "".join(f"; WRONG {w}" for w in wrong[:4])
        print(line, flush=True)
    return 0 if good else 1


def measure(program, row, dtype):
    """The largest error, the inputs it is at, and descriptions of wrong special values."""
    function = getattr(numpy, row)
    inputs = [numpy.concatenate(parts).astype(dtype) for parts in zip(*samples(row, dtype))]
    inputs = [numpy.concatenate(pair) for pair in zip(inputs, special(function.nin, dtype))]
    result = evaluate(program, row, inputs)
    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact = function(*(column.astype(WIDE) for column in inputs))
        rounded = exact.astype(dtype)
        scale = abs(rounded)
        if row.startswith("logaddexp"):
            larger = numpy.maximum(abs(inputs[0]), abs(inputs[1]))
            scale = numpy.where(numpy.isfinite(larger), numpy.maximum(scale, larger), scale)
        unit = numpy.spacing(numpy.maximum(scale, numpy.finfo(dtype).tiny)).astype(WIDE)
        error = abs(result.astype(WIDE) - exact) / unit
        measured = numpy.isfinite(result) & numpy.isfinite(rounded)
        same = (result == rounded) | (numpy.isnan(result) & numpy.isnan(rounded))
        largest = numpy.finfo(dtype).max
        # On either side of the overflow threshold.
        same |= (abs(result) == largest) & (abs(rounded) > largest) | (abs(rounded) == largest) & (abs(result) > largest)
        same |= measured & (result != 0)
        same &= (numpy.signbit(result) == numpy.signbit(rounded)) | numpy.isnan(rounded) | (rounded != 0)
    worst = int(numpy.argmax(numpy.where(measured, error, 0)))
    describe = lambda i: ", ".join(str(column[i]) for column in inputs)
    wrong = [f"{describe(i)}: {result[i]}, not {rounded[i]}" for i in numpy.flatnonzero(~same)]
    return float(error[worst]), describe(worst), wrong


def evaluate(program, row, inputs):
    """What the row computes."""
    data = b"".join(column.tobytes() for column in inputs)
    command = [program, row, inputs[0].dtype.name]
    return numpy.frombuffer(subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout, inputs[0].dtype)


def special(inputs, dtype):
    """Every combination of numbers where functions change their ways."""
    limits = numpy.finfo(dtype)
    values = [0, limits.smallest_subnormal, limits.tiny, 1e-5, 0.1, 0.5, 1, 1.5, 2, 2.5, 3, 10, 88.8, 100.25, 709.9, 745.2]
    values += [1e5 + 1, 2.0**30 + 1, limits.max, numpy.inf]
    column = numpy.array(values + [-value for value in values] + [numpy.nan], dtype)
    return [column] if inputs == 1 else [grid.ravel() for grid in numpy.meshgrid(column, column)]


def samples(row, dtype):
    """Columns of inputs for a row: each element is one region of its domain."""
    double = dtype == numpy.float64
    everything = signed(spread(1e-300, 1e300) if double else spread(1e-38, 1e38))
    positive = abs(everything)
    subnormal = numpy.random.default_rng(1).uniform(-1, 1, COUNT // 10) * float(numpy.finfo(dtype).tiny)
    moderate, other = uniform(-4, 4), uniform(-4, 4)
    small, near_one = signed(spread(1e-20, 1)), 1 + signed(spread(1e-16, 0.5))
    below_one = signed(1 - spread(1e-16, 0.5))
    exponent = 710 if double else 89
    common = [moderate, small, subnormal]
    quarters = numpy.arange(-20000, 20000) * (numpy.pi / 4)
    circular = [uniform(-100, 100), uniform(-1e7, 1e7), signed(spread(1e-10, 1e15)), quarters, everything] + common
    logarithm = [positive, near_one, abs(subnormal), moderate]
    inverse = [uniform(-1, 1), small, below_one, subnormal]
    one = {
        "exp": [uniform(-750 if double else -104, exponent), everything] + common,
        "exp2": [uniform(-1080 if double else -151, 1025 if double else 129), everything] + common,
        "expm1": [uniform(-50, exponent), everything] + common,
        "log": logarithm,
        "log2": logarithm,
        "log10": logarithm,
        "log1p": [positive, uniform(-1, 1), uniform(-1, 20)] + common,
        "sin": circular,
        "cos": circular,
        "tan": circular,
        "arcsin": inverse,
        "arccos": inverse,
        "arctan": [uniform(-100, 100), everything] + common,
        "sinh": [uniform(-exponent - 1, exponent + 1), uniform(-40, 40)] + common,
        "cosh": [uniform(-exponent - 1, exponent + 1), uniform(-40, 40)] + common,
        "tanh": [uniform(-25, 25), everything] + common,
        "arcsinh": [uniform(-1000, 1000), everything] + common,
        "arccosh": [1 + spread(1e-16, 10), positive, uniform(1, 100)],
        "arctanh": inverse,
        "cbrt": [everything] + common,
    }
    if row in one:
        return [(column,) for column in one[row]]
    shuffled = random.permutation(everything)
    plane = [(moderate, other), (everything, shuffled), (everything, everything * uniform(-3, 3)), (subnormal, subnormal[::-1])]
    plane += [(small, numpy.ones(COUNT)), (moderate, small)]
    sums = [(moderate, other), (uniform(-100, 100), uniform(-100, 100)), (uniform(-1000, 1000), uniform(-1000, 1000))]
    powers = [
        (uniform(0.01, 10), uniform(-10, 10)),
        (positive, uniform(-3, 3)),
        (near_one, signed(spread(1e-3, 1e10))),
        (1 + signed(spread(1e-10, 0.1)), signed(spread(1, 1e6))),
        (moderate, numpy.round(uniform(-20, 20))),
        (abs(subnormal), uniform(-2, 2)[: len(subnormal)]),
    ]
    return {"power": powers, "logaddexp": sums, "logaddexp2": sums}.get(row, plane)


def uniform(low, high):
    """Evenly spread numbers."""
    return random.uniform(low, high, COUNT)


def spread(low, high):
    """Positive numbers, evenly spread in their logarithm."""
    return numpy.exp(random.uniform(numpy.log(low), numpy.log(high), COUNT))


def signed(values):
    """The values with random signs."""
    return values * random.choice([-1.0, 1.0], len(values))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
