"""Computes the polynomial coefficients of the elementary functions, and checks or prints their tables.

Usage: minimax.py [NAME ...], which prints every table, or those of the names, as Rust and says which ones differ from
those in the files beside it. Needs mpmath; takes half a minute. Each polynomial is the one of its degree whose largest
weighted error is smallest (Remez' algorithm), with its coefficients rounded to doubles one after another, the later ones
fitted to what is left. A name that ends in `_SINGLE` has coefficients of single precision.
"""

import re
import struct
import sys
from pathlib import Path

from mpmath import mp, mpf

mp.dps = 60
LN_2 = mp.log(2)
#: A little more than the largest remainders, as rounding may put a number on the other side of a boundary.
MORE = 1 + mpf(2) ** -20
TINY = mpf(2) ** -40


def main(wanted):
    """Fits every polynomial and compares it with the source."""
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("**/*.rs"))
    different = 0
    for name, function, weight, interval, terms in polynomials():
        if wanted and name not in wanted:
            continue
        is_single = name.endswith("_SINGLE")
        coefficients, error = fit(function, weight, interval, terms, single if is_single else float)
        body = "".join(f"    {literal(shortest(value) if is_single else repr(value))},\n" for value in coefficients)
        table = f"const {name}: [{'f32' if is_single else 'f64'}; {terms}] = [\n{body}];"
        same = numbers(table) == numbers(source_table(source, name))
        different += not same
        print(f"// Error 2^{float(mp.log(error, 2)):.1f}{'' if same else ', NOT AS IN THE SOURCE'}\n{table}", flush=True)
    return 1 if different else 0


def polynomials():
    """Name, function, weight of its error, interval, number of terms. The weight is what stands before the polynomial in
    the function it is for, relative to its result."""
    exponents = (-LN_2 / 2 * MORE * mpf("1.0003"), LN_2 / 2 * MORE)
    # (e^r - 1 - r) / r^2
    exp = series(lambda k: 1 / mp.factorial(k + 2))
    yield "EXP", exp, lambda r: r * r + mpf("1e-4"), exponents, 10
    yield "EXPM1", exp, lambda r: abs(r) + mpf("1e-4"), exponents, 11
    yield "EXP_WIDE", exp, lambda r: r * r + mpf("1e-4"), exponents, 5
    yield "EXP_SINGLE", exp, lambda r: abs(r) + mpf("1e-4"), wider(exponents), 5
    # (2^r - 1 - r ln 2) / r^2, and (2^r - 1) / r
    halves = (mpf("-0.5002"), mpf("0.5"))
    yield "EXP2", series(lambda k: LN_2 ** (k + 2) / mp.factorial(k + 2)), lambda r: r * r + mpf("1e-4"), halves, 10
    exp2 = series(lambda k: LN_2 ** (k + 1) / mp.factorial(k + 1))
    yield "EXP2_SLOPE", exp2, lambda r: abs(r) + mpf("1e-4"), halves, 11
    yield "EXP2_WIDE", exp2, lambda r: abs(r) + mpf("1e-4"), halves, 6
    yield "EXP2_SINGLE", exp2, lambda r: abs(r) + mpf("1e-4"), wider(halves), 6
    # (log((1 + s) / (1 - s)) - 2 s) / s^3 by z = s^2, and the same less its first term, to base 2
    slopes = (TINY, (3 - 2 * mp.sqrt(2)) ** 2 * MORE)
    yield "LOG", series(lambda k: mpf(2) / (2 * k + 3)), lambda z: z, slopes, 7
    yield "POWER_LOG", series(lambda k: 2 / LN_2 / (2 * k + 5)), lambda z: z * z, slopes, 8
    # (log(1 + f) - f) / f^2, and log2(1 + f) / f
    factors = (mp.sqrt(mpf(0.5)) - 1 - TINY, mp.sqrt(mpf(2)) - 1 + TINY)
    yield "LOG_WIDE", lambda f: (mp.log1p(f) - f) / f**2, lambda f: abs(f) + mpf("1e-4"), factors, 12
    yield "POWER_LOG_WIDE", lambda f: mp.log1p(f) / f / LN_2, lambda f: mpf(1), factors, 16
    # (log(1 + f) - f + f^2 / 2) / f^3
    log = lambda f: (mp.log1p(f) - f + f * f / 2) / f**3
    yield "LOG_SINGLE", log, lambda f: f * f + mpf("1e-4"), wider(factors), 8
    # (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 by z = r^2
    quarters = (TINY, (mp.pi / 4 * MORE) ** 2)
    sin = series(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 3))
    cos = series(lambda k: (-1) ** k / mp.factorial(2 * k + 4))
    yield "SIN", sin, lambda z: z, quarters, 6
    yield "COS", cos, lambda z: z * z, quarters, 6
    # In single precision the number of quarters may be off by a hundredth where it is large.
    more = quarters[1] * mpf("1.02")
    yield "SIN_SINGLE", sin, lambda z: z, (TINY, more), 3
    yield "COS_SINGLE", cos, lambda z: z * z, (TINY, more), 3
    # (tan r - r) / r^3 by z = r^2
    tan = lambda z: (mp.tan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    yield "TAN_SINGLE", tan, lambda z: z, (mpf(2) ** -30, more), 6
    # (atan u - u) / u^3 by z = u^2
    arctan = lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    yield "ARCTAN", arctan, lambda z: z, (mpf(2) ** -30, mpf(1)), 19
    yield "ARCTAN_SINGLE", arctan, lambda z: z, (mpf(2) ** -30, mpf(1)), 8
    # (asin s - s) / s^3 by z = s^2
    arcsin = lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    yield "ARCSIN", arcsin, lambda z: z, (mpf(2) ** -30, mpf(0.25)), 12
    yield "ARCSIN_SINGLE", arcsin, lambda z: z, (mpf(2) ** -30, mpf(0.25)), 5
    # (sinh r - r) / r^3 and (cosh r - 1 - r^2 / 2) / r^4 by z = r^2
    squares = (TINY, (LN_2 / 2 * MORE) ** 2)
    sinh = series(lambda k: 1 / mp.factorial(2 * k + 3))
    cosh = series(lambda k: 1 / mp.factorial(2 * k + 4))
    yield "SINH", sinh, lambda z: z, squares, 5
    yield "COSH", cosh, lambda z: z * z, squares, 5
    yield "SINH_SINGLE", sinh, lambda z: z, wider(squares), 3
    yield "COSH_SINGLE", cosh, lambda z: z * z, wider(squares), 2
    third = mpf(1) / 3
    yield "CBRT", lambda m: m**-third, lambda m: m**third, (mpf(1), mpf(2)), 6
    yield "CBRT_SINGLE", lambda m: m**-third, lambda m: m**third, (mpf(1), mpf(2)), 5


def wider(interval):
    """An interval for single precision, whose roundings are coarser."""
    low, high = interval
    return (low * mpf("1.001") if low < 0 else low, high * mpf("1.001"))


def series(term):
    """The sum of `term(k) * x**k`."""
    terms = [term(k) for k in range(140)]
    return lambda x: mp.polyval(terms[::-1], x)


def fit(function, weight, interval, terms, rounding):
    """The rounded coefficients and the largest error."""
    low, high = interval
    rounded = []
    rest = function
    for power in range(terms):
        # On an interval around zero the constant term cannot be left out: there one fit is rounded as it is.
        if low > 0 or power == 0:
            found = remez(rest, weight, low, high, range(power, terms))
        value = mpf(rounding(found[0 if low > 0 else power]))
        rounded.append(value)
        rest = (lambda rest, value, power: lambda x: rest(x) - value * x**power)(rest, value, power)
    points = [low + (high - low) * mpf(i) / 1000 for i in range(1001)]
    return [float(value) for value in rounded], max(abs(weight(x) * rest(x)) for x in points)


def remez(function, weight, low, high, powers):
    """The coefficients c that minimise the largest `|weight(x) * (function(x) - sum(c[j] * x**powers[j]))|`."""
    count = len(powers) + 1
    middle, radius = (low + high) / 2, (high - low) / 2
    nodes = [middle - radius * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    grid = [middle - radius * mp.cos(mp.pi * mpf(i) / 401) for i in range(402)]
    values = [(x, function(x), weight(x)) for x in grid]
    for _ in range(12):
        rows = [[x**power for power in powers] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)]
        *coefficients, level = mp.lu_solve(mp.matrix(rows), mp.matrix([function(x) for x in nodes]))
        errors = [w * (y - sum(c * x**power for c, power in zip(coefficients, powers))) for x, y, w in values]
        picks = extrema(errors)
        while len(picks) > count:
            picks.pop(0 if abs(errors[picks[0]]) < abs(errors[picks[-1]]) else -1)
        if len(picks) < count or max(map(abs, errors)) < abs(level) * mpf("1.01"):
            break
        nodes = [grid[i] for i in picks]
    return coefficients


def extrema(errors):
    """The index of the largest error in each run of one sign."""
    picks = []
    for index, error in enumerate(errors):
        if not picks or (errors[picks[-1]] > 0) != (error > 0):
            picks.append(index)
        elif abs(error) > abs(errors[picks[-1]]):
            picks[-1] = index
    return picks


def single(value):
    """The nearest number of single precision."""
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def shortest(value):
    """The shortest text that stands for a number of single precision."""
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return next(text for text in texts if single(float(text)) == value)


def literal(text):
    """A number as rustfmt and clippy like it."""
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "_".join(fraction[i : i + 3] for i in range(0, len(fraction), 3)) or "0"
    return f"{whole}.{fraction}" + (f"e{int(exponent)}" if exponent else "")


def source_table(source, name):
    """The table of that name in the source."""
    found = re.search(rf"const {name}: \[f\d\d; \d+\] =\s*\[.*?\];", source, re.DOTALL)
    return found.group() if found else ""


def numbers(table):
    """The numbers of a table."""
    return [float(text.replace("_", "")) for text in re.findall(r"-?\d+\.[\d_]+(?:e-?\d+)?", table)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
