"""What a call costs: small arrays, forced often, and the cost of recording an operation."""

from case import Case, Timing, uniform, whole

SIZES = (1, 10, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
QUICK_SIZES = (1, 1_000, 100_000)
TINY_OPERATIONS = 10_000


def pair(xp, n):
    return uniform(xp, n, seed=1), uniform(xp, n, seed=2)


def add(xp, data):
    a, b = data
    return a + b


def add_scalar(xp, data):
    a, _ = data
    return a + 1.5


def add_by_function(xp, data):
    a, b = data
    return xp.add(a, b)


def view(xp, data):
    a, _ = data
    return a[1:-1]


def update(xp, data):
    x, y = data
    x += 2 * y
    return x


def store_slice(xp, data):
    x, y = data
    x[1:-1] = y[1:-1]
    return x


def float_sum(xp, data):
    x, _ = data
    return float(x.sum())


def chain(xp, data):
    x, _ = data
    for _ in range(10):
        x = x * 0.999 + 0.001
    return x


def tiny_operations(xp, data):
    x, y = data
    for _ in range(TINY_OPERATIONS):
        x = x + y
    return x


def small_mixture(xp, data):
    """A step of a small program: a product, slices, reductions, a comparison, a choice, a number."""
    table, weights = data
    scores = table @ weights
    scores -= scores.max()
    powers = xp.exp(scores)
    shares = powers / powers.sum()
    kept = xp.where(shares > 0.01, shares, 0.0)
    return float((table[:, 1:] - table[:, :-1]).mean(axis=1).sum()), kept


def small_table(xp, n):
    return uniform(xp, n, 8, seed=3), uniform(xp, 8, seed=4)


def count_down(xp, n):
    return whole(xp, n, high=1_000, seed=5)


def loop_until(xp, data):
    """A loop that asks an array whether to go on, fifty times."""
    x = data
    rounds = 0
    while rounds < 50 and bool((x > 0).any()):
        x = x - 1
        rounds += 1
    return x


def recorded(name, run):
    return Case(name, "overhead", (16,), (16,), pair, run, timing=Timing.RECORDED)


def by_size(name, run, tolerance, reads_and_writes, flops):
    return Case(
        name,
        "overhead",
        SIZES,
        QUICK_SIZES,
        pair,
        run,
        tolerance,
        lambda n: 8.0 * reads_and_writes * n,
        lambda n: float(flops * n),
    )


CASES = [
    recorded("record a + b", add),
    recorded("record a + 1.5", add_scalar),
    recorded("record add(a, b)", add_by_function),
    recorded("record a[1:-1]", view),
    recorded("record x += 2 * y", update),
    recorded("record x[1:-1] = y[1:-1]", store_slice),
    by_size("x += 2 * y", update, 0.0, 3, 2),
    by_size("float(x.sum())", float_sum, 1e-12, 1, 1),
    by_size("chain of 20", chain, 0.0, 2, 20),
    Case(
        "10,000 tiny operations",
        "overhead",
        (10, 1_000, 10_000),
        (1_000,),
        pair,
        tiny_operations,
        flops=lambda n: float(TINY_OPERATIONS * n),
    ),
    Case("small mixture", "overhead", (10, 1_000), (100,), small_table, small_mixture, 1e-12),
    Case("loop until", "overhead", (10, 10_000), (1_000,), count_down, loop_until),
    Case("import", "overhead", (0,), (0,), pair, add, timing=Timing.IMPORT),
]
