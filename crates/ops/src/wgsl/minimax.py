"""Computes the polynomial coefficients of the WGSL elementary functions, and checks or prints them.

Usage: minimax.py, which prints every polynomial as the WGSL function that it is in, and says which ones differ from
those in the files beside it. Needs mpmath; takes a minute. The method is that of `math/elementary/minimax.py`, with
coefficients rounded to single precision.
"""

import importlib.util
import re
import struct
import sys
from pathlib import Path

from mpmath import mp, mpf

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("doubles", HERE.parent / "math" / "elementary" / "minimax.py")
doubles = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(doubles)
series, remez, TINY, MORE, LN_2 = doubles.series, doubles.remez, doubles.TINY, doubles.MORE, doubles.LN_2


def main():
    """Fits every polynomial and compares it with the source."""
    source = "".join(path.read_text() for path in HERE.glob("*.wgsl"))
    different = 0
    for name, function, weight, interval, terms in polynomials():
        coefficients, error = fit(function, weight, interval, terms)
        numbers = [f"{value:.9g}" for value in coefficients]
        text = numbers[-1]
        for number in numbers[-2::-1]:
            text = f"({text}) * x + {number}" if " " in text else f"{text} * x + {number}"
        text = f"fn mn_{name}_series(x: f32) -> f32 {{\n    return {text};\n}}"
        same = re.sub(r"\s+", "", text) in re.sub(r"\s+", "", source)
        different += not same
        print(f"// Error 2^{float(mp.log(error, 2)):.1f}{'' if same else ', NOT AS IN THE SOURCE'}\n{text}", flush=True)
    return 1 if different else 0


def polynomials():
    """Name, function, weight of its error, interval, number of terms, as in the file that this one leans on."""
    small = mpf("1e-4")
    exponents = (-LN_2 / 2 * mpf("1.01"), LN_2 / 2 * mpf("1.01"))
    # (e^r - 1 - r) / r^2, and (2^r - 1) / r
    exp = series(lambda k: 1 / mp.factorial(k + 2))
    yield "exp", exp, lambda r: r * r + small, exponents, 5
    yield "expm1", exp, lambda r: abs(r) + small, exponents, 6
    exp2 = series(lambda k: LN_2 ** (k + 1) / mp.factorial(k + 1))
    yield "exp2", exp2, lambda r: abs(r) + small, (mpf("-0.502"), mpf("0.502")), 7
    # (log(1 + f) - f + f^2 / 2) / f^3
    factors = (mp.sqrt(mpf(0.5)) - 1 - TINY, mp.sqrt(mpf(2)) - 1 + TINY)
    log = lambda f: (mp.log1p(f) - f + f * f / 2) / f**3
    yield "log", log, lambda f: f * f + small, factors, 9
    # (log2((1 + s) / (1 - s)) - 2 s / log 2) / s^3 by z = s^2, less its first term
    slopes = (TINY, (3 - 2 * mp.sqrt(2)) ** 2 * MORE)
    yield "slope", series(lambda k: 2 / LN_2 / (2 * k + 5)), lambda z: z * z, slopes, 3
    # (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 by z = r^2
    quarters = (TINY, (mp.pi / 4 * mpf("1.001")) ** 2)
    yield "sin", series(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 3)), lambda z: z, quarters, 4
    yield "cos", series(lambda k: (-1) ** k / mp.factorial(2 * k + 4)), lambda z: z * z, quarters, 3
    # (atan u - u) / u^3 by z = u^2
    eighths = (TINY, (mp.sqrt(2) - 1) ** 2 * mpf("1.0001"))
    yield "arctan", series(lambda k: mpf((-1) ** (k + 1)) / (2 * k + 3)), lambda z: z, eighths, 5
    # (asin s - s) / s^3 by z = s^2
    arcsin = lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z
    yield "arcsin", arcsin, lambda z: z, (mpf(2) ** -30, mpf(0.25)), 6
    # (sinh r - r) / r^3 by z = r^2
    yield "sinh", series(lambda k: 1 / mp.factorial(2 * k + 3)), lambda z: z, (TINY, mpf(1)), 4
    # The inverse of the cube root
    third = mpf(1) / 3
    yield "root", lambda m: m**-third, lambda m: m**third, (mpf(1), mpf(2)), 5


def fit(function, weight, interval, terms):
    """The coefficients, rounded to single precision one after another, and the largest error."""
    low, high = interval
    rounded = []
    rest = function
    for power in range(terms):
        # On an interval around zero the constant term cannot be left out: there one fit is rounded as it is.
        if low > 0 or power == 0:
            found = remez(rest, weight, low, high, range(power, terms))
        value = mpf(single(found[0 if low > 0 else power]))
        rounded.append(value)
        rest = (lambda rest, value, power: lambda x: rest(x) - value * x**power)(rest, value, power)
    points = [low + (high - low) * mpf(i) / 1000 for i in range(1001)]
    return [float(value) for value in rounded], max(abs(weight(x) * rest(x)) for x in points)


def single(value):
    """The nearest number of single precision."""
    return struct.unpack("f", struct.pack("f", float(value)))[0]


if __name__ == "__main__":
    sys.exit(main())
