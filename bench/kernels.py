"""One kernel at a time: element-wise functions, reductions, and what is not element-wise."""

from case import Case, uniform, whole

SIZES = (10_000, 10_000_000)
QUICK_SIZES = (10_000,)


def one_input(low, high, dtype):
    def setup(xp, n):
        return (uniform(xp, n, low=low, high=high, dtype=dtype, seed=1),)

    return setup


def two_inputs(low, high, dtype):
    def setup(xp, n):
        return (
            uniform(xp, n, low=low, high=high, dtype=dtype, seed=1),
            uniform(xp, n, low=low, high=high, dtype=dtype, seed=2),
        )

    return setup


def by_name(name):
    """A call of `xp.name`, or of `xp.linalg.name` where the name says so."""

    def run(xp, data, **options):
        function = xp
        for part in name.split("."):
            function = getattr(function, part)
        return function(*data, **options)

    return run


def width(dtype):
    return {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "uint8": 1, "bool": 1}[dtype]


def elementwise(name, inputs, low, high, dtype, tolerance, result=None):
    """An element-wise function on `inputs` arrays of `dtype` between `low` and `high`."""
    setup = (one_input if inputs == 1 else two_inputs)(low, high, dtype)
    bytes_per_element = inputs * width(dtype) + width(result or dtype)
    return Case(
        f"{name} {dtype}",
        "kernels",
        SIZES,
        QUICK_SIZES,
        setup,
        by_name(name),
        tolerance,
        lambda n: float(bytes_per_element * n),
        lambda n: float(n),
    )


def reduction(name, low, high, dtype, tolerance):
    """A reduction of a whole array."""
    return Case(
        f"{name} {dtype}",
        "kernels",
        SIZES,
        QUICK_SIZES,
        one_input(low, high, dtype),
        by_name(name),
        tolerance,
        lambda n: float(width(dtype) * n),
        lambda n: float(n),
    )


def other(name, size, quick_size, setup, run, tolerance=0.0, bytes_moved=None, flops=None):
    """A kernel at one size."""
    return Case(name, "kernels", (size,), (quick_size,), setup, run, tolerance, bytes_moved, flops)


def along(name, axis, tolerance):
    """A running result along one axis of a square array."""
    return other(
        f"{name}, axis {axis}",
        4096,
        256,
        lambda xp, n: (uniform(xp, n, n),),
        lambda xp, d: by_name(name)(xp, d, axis=axis),
        tolerance,
        lambda n: 16.0 * n * n,
    )


def complex_line(xp, n):
    return (uniform(xp, n, seed=1) + 1j * uniform(xp, n, seed=2),)


def sorted_and_wanted(xp, n):
    return xp.sort(uniform(xp, n, seed=1)), uniform(xp, n, seed=2)


def whole_numbers(high):
    def setup(xp, n):
        return (whole(xp, n, high=high, seed=1),)

    return setup


def length(xp, n):
    return n


def draws(method, *arguments):
    def run(xp, n):
        return getattr(xp.random.default_rng(7), method)(*arguments, n)

    return run


ELEMENTWISE = [
    elementwise("add", 2, -1.0, 1.0, "float64", 0.0),
    elementwise("add", 2, -1.0, 1.0, "float32", 0.0),
    elementwise("add", 2, -1.0, 1.0, "float16", 0.0),
    elementwise("multiply", 2, -1.0, 1.0, "float16", 0.0),
    elementwise("exp", 1, -5.0, 5.0, "float16", 1e-3),
    elementwise("add", 2, -1000.0, 1000.0, "int64", 0.0),
    elementwise("add", 2, -1000.0, 1000.0, "int32", 0.0),
    elementwise("add", 2, 0.0, 100.0, "uint8", 0.0),
    elementwise("multiply", 2, -1.0, 1.0, "float64", 0.0),
    elementwise("divide", 2, 0.5, 1.0, "float64", 0.0),
    elementwise("divide", 2, 0.5, 1.0, "float32", 0.0),
    elementwise("floor_divide", 2, 1.0, 1000.0, "float64", 0.0),
    elementwise("floor_divide", 2, 1.0, 1000.0, "int64", 0.0),
    elementwise("remainder", 2, 1.0, 1000.0, "float64", 0.0),
    elementwise("remainder", 2, 1.0, 1000.0, "int64", 0.0),
    elementwise("power", 2, 0.1, 3.0, "float64", 1e-13),
    elementwise("maximum", 2, -1.0, 1.0, "float64", 0.0),
    elementwise("hypot", 2, -1.0, 1.0, "float64", 1e-14),
    elementwise("arctan2", 2, -1.0, 1.0, "float64", 1e-14),
    elementwise("less", 2, -1.0, 1.0, "float64", 0.0, "bool"),
    elementwise("equal", 2, 0.0, 10.0, "int64", 0.0, "bool"),
    elementwise("bitwise_and", 2, 0.0, 1000.0, "int64", 0.0),
    elementwise("logical_and", 2, 0.0, 2.0, "bool", 0.0),
    elementwise("negative", 1, -1.0, 1.0, "float64", 0.0),
    elementwise("absolute", 1, -1.0, 1.0, "float64", 0.0),
    elementwise("sqrt", 1, 0.0, 10.0, "float64", 0.0),
    elementwise("sqrt", 1, 0.0, 10.0, "float32", 0.0),
    elementwise("exp", 1, -10.0, 10.0, "float64", 1e-14),
    elementwise("exp", 1, -10.0, 10.0, "float32", 1e-6),
    elementwise("expm1", 1, -1.0, 1.0, "float64", 1e-14),
    elementwise("log", 1, 0.1, 100.0, "float64", 1e-14),
    elementwise("log", 1, 0.1, 100.0, "float32", 1e-6),
    elementwise("log1p", 1, 0.0, 1.0, "float64", 1e-14),
    elementwise("log2", 1, 0.1, 100.0, "float64", 1e-14),
    elementwise("log10", 1, 0.1, 100.0, "float64", 1e-14),
    elementwise("sin", 1, -100.0, 100.0, "float64", 1e-14),
    elementwise("sin", 1, -100.0, 100.0, "float32", 1e-6),
    elementwise("cos", 1, -100.0, 100.0, "float64", 1e-14),
    elementwise("tan", 1, -1.5, 1.5, "float64", 1e-13),
    elementwise("arcsin", 1, -1.0, 1.0, "float64", 1e-14),
    elementwise("arctan", 1, -10.0, 10.0, "float64", 1e-14),
    elementwise("sinh", 1, -5.0, 5.0, "float64", 1e-14),
    elementwise("tanh", 1, -5.0, 5.0, "float64", 1e-14),
    elementwise("tanh", 1, -5.0, 5.0, "float32", 1e-6),
    elementwise("cbrt", 1, 0.0, 10.0, "float64", 1e-14),
    elementwise("floor", 1, -100.0, 100.0, "float64", 0.0),
    elementwise("rint", 1, -100.0, 100.0, "float64", 0.0),
    elementwise("isnan", 1, -1.0, 1.0, "float64", 0.0, "bool"),
    elementwise("sign", 1, -1.0, 1.0, "float64", 0.0),
]

REDUCTIONS = [
    reduction("sum", -1.0, 1.0, "float64", 1e-10),
    reduction("sum", 0.0, 1.0, "float32", 1e-4),
    reduction("max", -1.0, 1.0, "float16", 0.0),
    reduction("sum", 0.0, 1000.0, "int64", 0.0),
    reduction("sum", 0.0, 100.0, "uint8", 0.0),
    reduction("prod", 0.999999, 1.000001, "float64", 1e-9),
    reduction("max", -1.0, 1.0, "float64", 0.0),
    reduction("max", -1.0, 1.0, "float32", 0.0),
    reduction("min", -1000.0, 1000.0, "int64", 0.0),
    reduction("argmin", -1.0, 1.0, "float64", 0.0),
    reduction("mean", 0.0, 1.0, "float64", 1e-12),
    reduction("std", 0.0, 1.0, "float64", 1e-12),
    reduction("nansum", 0.0, 1.0, "float64", 1e-12),
    reduction("count_nonzero", -1.0, 1.0, "float64", 0.0),
    reduction("all", 1.0, 2.0, "bool", 0.0),
    reduction("linalg.norm", -1.0, 1.0, "float64", 1e-12),
]

OTHERS = [
    other(
        "argmin of rows of 16",
        1_000_000,
        20_000,
        lambda xp, n: (uniform(xp, n, 16),),
        lambda xp, d: xp.argmin(*d, axis=1),
        0.0,
        lambda n: 128.0 * n,
    ),
    other(
        "argmin of columns",
        4096,
        256,
        lambda xp, n: (uniform(xp, n, n),),
        lambda xp, d: xp.argmin(*d, axis=0),
        0.0,
        lambda n: 8.0 * n * n,
    ),
    other(
        "long common axis",
        1_000_000,
        20_000,
        lambda xp, n: (uniform(xp, n, 16, seed=1), uniform(xp, n, 8, seed=2)),
        lambda xp, d: d[0].T @ d[1],
        1e-9,
        lambda n: 192.0 * n,
        lambda n: 256.0 * n,
    ),
    other("sort f64", 20_000_000, 100_000, one_input(-1.0, 1.0, "float64"), by_name("sort"), 0.0),
    other("sort i64", 20_000_000, 100_000, whole_numbers(1 << 40), by_name("sort"), 0.0),
    other("argsort f64", 20_000_000, 50_000, one_input(-1.0, 1.0, "float64"), by_name("argsort"), 0.0),
    other("unique", 20_000_000, 50_000, whole_numbers(1_000), by_name("unique"), 0.0),
    other("median", 5_000_000, 50_000, one_input(-1.0, 1.0, "float64"), by_name("median"), 0.0),
    other("searchsorted", 1_000_000, 10_000, sorted_and_wanted, by_name("searchsorted"), 0.0),
    other("bincount", 20_000_000, 100_000, whole_numbers(1_000), by_name("bincount"), 0.0, lambda n: 8.0 * n),
    other(
        "histogram",
        20_000_000,
        50_000,
        one_input(-1.0, 1.0, "float64"),
        lambda xp, d: xp.histogram(d[0], bins=100)[0],
        0.0,
        lambda n: 8.0 * n,
    ),
    other("nonzero", 20_000_000, 100_000, whole_numbers(2), by_name("flatnonzero"), 0.0),
    along("cumsum", 0, 1e-12),
    along("cumsum", 1, 1e-12),
    along("maximum.accumulate", 0, 0.0),
    along("maximum.accumulate", 1, 0.0),
    other(
        "convolve with 65",
        1_000_000,
        10_000,
        lambda xp, n: (uniform(xp, n, seed=1), uniform(xp, 65, seed=2)),
        by_name("convolve"),
        1e-12,
        None,
        lambda n: 130.0 * n,
    ),
    other(
        "transposed copy",
        8192,
        256,
        lambda xp, n: (uniform(xp, n, n),),
        lambda xp, d: d[0].T.copy(),
        0.0,
        lambda n: 16.0 * n * n,
    ),
    other(
        "copy of every third",
        30_000_000,
        300_000,
        one_input(-1.0, 1.0, "float64"),
        lambda xp, d: d[0][::3].copy(),
        0.0,
        lambda n: 8.0 * n,
    ),
    other(
        "concatenate",
        10_000_000,
        100_000,
        two_inputs(-1.0, 1.0, "float64"),
        lambda xp, d: xp.concatenate(d),
        0.0,
        lambda n: 32.0 * n,
    ),
    other(
        "roll",
        20_000_000,
        100_000,
        one_input(-1.0, 1.0, "float64"),
        lambda xp, d: xp.roll(d[0], 12_345),
        0.0,
        lambda n: 16.0 * n,
    ),
    other("zeros", 50_000_000, 100_000, length, lambda xp, n: xp.zeros(n)),
    other("arange", 50_000_000, 100_000, length, lambda xp, n: xp.arange(n), 0.0, lambda n: 8.0 * n),
    other("random uniform", 20_000_000, 100_000, length, draws("random"), 0.0, lambda n: 8.0 * n),
    other("random normal", 20_000_000, 100_000, length, draws("standard_normal"), 0.0, lambda n: 8.0 * n),
    other(
        "random integers",
        20_000_000,
        100_000,
        length,
        draws("integers", 0, 1_000),
        0.0,
        lambda n: 8.0 * n,
    ),
]

CASES = [*ELEMENTWISE, *REDUCTIONS, *OTHERS]
