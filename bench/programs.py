"""Small programs and typical array expressions, at sizes that leave the caches."""

import math

from case import Case, uniform, whole

SWEEPS = 50
HEAT_STEPS = 20
SOLVER_STEPS = 20
FEATURES = 32
CENTRES = 16
POINT_LENGTH = 8
RELAXATIONS = 50
LUCY_ROUNDS = 5
ESCAPE_ROUNDS = 50


def pair(xp, n):
    return uniform(xp, n, seed=1), uniform(xp, n, seed=2)


def add(xp, data):
    a, b = data
    return a + b


def chain(xp, data):
    x, _ = data
    for _ in range(10):
        x = x * 0.999 + 0.001
    return x


def options(dtype):
    def setup(xp, n):
        return (
            uniform(xp, n, low=10.0, high=50.0, dtype=dtype, seed=1),
            uniform(xp, n, low=10.0, high=50.0, dtype=dtype, seed=2),
            uniform(xp, n, low=0.5, high=2.0, dtype=dtype, seed=3),
        )

    return setup


def normal_distribution(xp, x):
    """Polynomial 26.2.17 of Abramowitz and Stegun."""
    k = 1.0 / (1.0 + 0.2316419 * xp.abs(x))
    series = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))
    tail = xp.exp(-0.5 * x * x) * (series * (1.0 / math.sqrt(2.0 * math.pi)))
    return xp.where(x > 0.0, 1.0 - tail, tail)


def black_scholes(xp, data, rate=0.03, volatility=0.25):
    price, strike, years = data
    root = volatility * xp.sqrt(years)
    d1 = (xp.log(price / strike) + (rate + 0.5 * volatility * volatility) * years) / root
    d2 = d1 - root
    discounted = strike * xp.exp(-rate * years)
    call = price * normal_distribution(xp, d1) - discounted * normal_distribution(xp, d2)
    return call, call + discounted - price


def plate(xp, n):
    u = xp.zeros((n, n))
    u[0, :] = 1.0
    u[:, 0] = uniform(xp, n, seed=1)
    return u


def jacobi(xp, u):
    for _ in range(SWEEPS):
        u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return u


def heat(xp, u):
    for _ in range(HEAT_STEPS):
        centre = u[1:-1, 1:-1]
        centre += 0.2 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * centre)
        u[:, 0] = u[:, 1]
        u[:, -1] = u[:, -2]
    return u


def dense_system(xp, n):
    a = uniform(xp, n, n, seed=1)
    return a + a.T + 2.0 * n * xp.eye(n), uniform(xp, n, seed=2)


def conjugate_gradient(xp, apply, right):
    solution = xp.zeros_like(right)
    residual = right - apply(solution)
    direction = residual.copy()
    energy = xp.sum(residual * residual)
    for _ in range(SOLVER_STEPS):
        applied = apply(direction)
        alpha = energy / xp.sum(direction * applied)
        solution += alpha * direction
        residual -= alpha * applied
        previous, energy = energy, xp.sum(residual * residual)
        direction = residual + (energy / previous) * direction
    return solution


def conjugate_gradient_dense(xp, data):
    matrix, right = data
    return conjugate_gradient(xp, lambda x: matrix @ x, right)


def grid(xp, n):
    return uniform(xp, n, n, seed=1)


def minus_laplacian(u):
    result = 4.0 * u
    result[1:, :] -= u[:-1, :]
    result[:-1, :] -= u[1:, :]
    result[:, 1:] -= u[:, :-1]
    result[:, :-1] -= u[:, 1:]
    return result


def conjugate_gradient_poisson(xp, right):
    return conjugate_gradient(xp, minus_laplacian, right)


def observations(xp, n):
    features = uniform(xp, n, FEATURES, low=-1.0, seed=1)
    truth = uniform(xp, FEATURES, low=-1.0, seed=2)
    return features, features @ truth + 0.1 * uniform(xp, n, low=-1.0, seed=3)


def linear_regression(xp, data):
    features, wanted = data
    weights = xp.zeros(FEATURES)
    for _ in range(SOLVER_STEPS):
        error = features @ weights - wanted
        weights = weights - 0.5 * (features.T @ error) / len(wanted)
    return weights


def logistic_regression(xp, data):
    features, score = data
    wanted = (score > 0.0) * 1.0
    weights = xp.zeros(FEATURES)
    for _ in range(SOLVER_STEPS):
        probability = 1.0 / (1.0 + xp.exp(-(features @ weights)))
        weights = weights - 2.0 * (features.T @ (probability - wanted)) / len(wanted)
    return weights


def points(xp, n):
    return uniform(xp, n, POINT_LENGTH, seed=1)


def k_means(xp, data):
    """Five rounds of Lloyd's algorithm."""
    centres = data[:CENTRES]
    square = xp.sum(data * data, axis=1)[:, None]
    for _ in range(5):
        distance = square - 2.0 * (data @ centres.T) + xp.sum(centres * centres, axis=1)
        label = xp.argmin(distance, axis=1)
        member = (label[:, None] == xp.arange(CENTRES)) * 1.0
        centres = (member.T @ data) / xp.maximum(xp.sum(member, axis=0), 1.0)[:, None]
    return centres


def cavity(xp, n):
    return xp.zeros((n, n)), xp.zeros((n, n)), xp.zeros((n, n))


def cavity_plan(n):
    """How many steps, and how long each: short enough for a fine grid to stay stable."""
    return (50, 0.001) if n <= 41 else (5, 0.8 / (n - 1) ** 2 * 2.0)


def cavity_flow(xp, data, nu=0.1):
    """Lid-driven cavity, step 11 of Barba's "12 steps to Navier-Stokes", from where the last run stopped."""
    u, v, p = data
    n = len(u)
    steps, dt = cavity_plan(n)
    d = 2.0 / (n - 1)
    inner, west, east = (
        (slice(1, -1), slice(1, -1)),
        (slice(1, -1), slice(0, -2)),
        (slice(1, -1), slice(2, None)),
    )
    south, north = (slice(0, -2), slice(1, -1)), (slice(2, None), slice(1, -1))
    for _ in range(steps):
        dudx, dvdy = (u[east] - u[west]) / (2 * d), (v[north] - v[south]) / (2 * d)
        dudy, dvdx = (u[north] - u[south]) / (2 * d), (v[east] - v[west]) / (2 * d)
        b = (dudx + dvdy) / dt - dudx * dudx - 2 * dudy * dvdx - dvdy * dvdy
        for _ in range(RELAXATIONS):
            p[inner] = 0.25 * (p[east] + p[west] + p[north] + p[south]) - 0.25 * d * d * b
            p[:, -1] = p[:, -2]
            p[0, :] = p[1, :]
            p[:, 0] = p[:, 1]
            p[-1, :] = 0
        un, vn = u.copy(), v.copy()
        for new, old, gradient in ((u, un, p[east] - p[west]), (v, vn, p[north] - p[south])):
            c = old[inner]
            new[inner] = (
                c
                - un[inner] * dt / d * (c - old[west])
                - vn[inner] * dt / d * (c - old[south])
                - dt / (2 * d) * gradient
                + nu * dt / d**2 * (old[east] + old[west] + old[north] + old[south] - 4 * c)
            )
        for field in (u, v):
            field[0, :] = 0
            field[:, 0] = 0
            field[:, -1] = 0
        u[-1, :] = 1
        v[-1, :] = 0
    return u, v, p


def blurred(xp, n):
    return uniform(xp, n, n, low=0.1, seed=1)


def convolve(xp, image, kernel):
    reach = len(kernel) // 2
    height, width = image.shape
    padded = xp.pad(image, reach, mode="edge")
    result = xp.zeros_like(image)
    for down, weights in enumerate(kernel):
        for right, weight in enumerate(weights):
            result += weight * padded[down : down + height, right : right + width]
    return result


def richardson_lucy(xp, observed):
    kernel = [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]]
    kernel = [[weight / 256 for weight in row] for row in kernel]
    image = xp.full_like(observed, 0.5)
    for _ in range(LUCY_ROUNDS):
        image *= convolve(xp, observed / convolve(xp, image, kernel), kernel)
    return image


def plane(xp, n):
    real, imaginary = xp.meshgrid(xp.linspace(-2.0, 0.6, n), xp.linspace(-1.2, 1.2, n))
    return real, imaginary


def mandelbrot(xp, data):
    real, imaginary = data
    a = xp.zeros_like(real)
    b = xp.zeros_like(real)
    count = xp.zeros(real.shape, dtype="int32")
    for _ in range(ESCAPE_ROUNDS):
        a2 = a * a
        b2 = b * b
        inside = a2 + b2 <= 4.0
        count += inside
        b = xp.where(inside, 2.0 * a * b + imaginary, b)
        a = xp.where(inside, a2 - b2 + real, a)
    return count


def stars(xp, n):
    return (*(uniform(xp, n, low=-1.0, seed=axis) for axis in (1, 2, 3)), uniform(xp, n, seed=4))


def n_body(xp, data):
    """The pull of every star on every other, five times from shifted places."""
    x, y, z, mass = data
    for _ in range(5):
        dx, dy, dz = x[None, :] - x[:, None], y[None, :] - y[:, None], z[None, :] - z[:, None]
        square = dx * dx + dy * dy + dz * dz + 1e-3
        weight = mass / (square * xp.sqrt(square))
        pull = xp.sum(dx * weight, axis=1), xp.sum(dy * weight, axis=1), xp.sum(dz * weight, axis=1)
        x, y, z = x + 1e-9 * pull[0], y + 1e-9 * pull[1], z + 1e-9 * pull[2]
    return pull


def random_points(xp, n):
    return n


def monte_carlo_pi(xp, n):
    rng = xp.random.default_rng(314159)
    x, y = rng.random(n), rng.random(n)
    return xp.count_nonzero(x * x + y * y <= 1.0)


def line(xp, n):
    return uniform(xp, n, low=-1.0, seed=1)


def matrix_pair(xp, n):
    return uniform(xp, n, n, seed=1), uniform(xp, n, n, seed=2)


def indexed(xp, n):
    """Values, a permutation to reach them by, and other values."""
    import numpy as np

    order = np.random.default_rng(3).permutation(n)
    return uniform(xp, n, seed=1), xp.array(order), uniform(xp, n, seed=2)


def scatter(xp, data):
    x, order, y = data
    x[order] = y
    return x


def table(xp, n):
    return uniform(xp, n, POINT_LENGTH, seed=1), whole(xp, n, high=n, seed=2)


def masked_store(xp, data):
    x, y = data
    x[y > 0.5] = 0.25
    return x


def where_chain(xp, x):
    return xp.where(
        x < -0.6, x * x, xp.where(x < -0.2, -x, xp.where(x < 0.2, 0.0, xp.where(x < 0.6, x + 1.0, x * 3.0)))
    )


def casts(xp, x):
    return x.astype("float32"), (x * 100).astype("int32"), (x > 0.0).astype("float64")


def case(name, size, quick_size, setup, run, tolerance=0.0, values=None, flops=None):
    """A row of the table; `values` counts the eight-byte values moved, `flops` the operations, for a size."""
    return Case(
        name,
        "array",
        (size,),
        (quick_size,),
        setup,
        run,
        tolerance,
        None if values is None else lambda n: 8.0 * values(n),
        flops,
    )


CASES = [
    case("Black-Scholes f64", 10_000_000, 100_000, options("float64"), black_scholes, 1e-11, lambda n: 5 * n),
    case(
        "Black-Scholes f32", 10_000_000, 100_000, options("float32"), black_scholes, 1e-4, lambda n: 2.5 * n
    ),
    case("chain of 20", 20_000_000, 200_000, pair, chain, 0.0, lambda n: 2 * n, lambda n: 20 * n),
    case("a + b", 20_000_000, 200_000, pair, add, 0.0, lambda n: 3 * n, lambda n: n),
    case(
        "Jacobi, 50 sweeps",
        4096,
        256,
        plate,
        jacobi,
        0.0,
        lambda n: 2 * SWEEPS * n * n,
        lambda n: 4 * SWEEPS * n * n,
    ),
    case(
        "heat, 20 steps",
        4096,
        256,
        plate,
        heat,
        0.0,
        lambda n: 2 * HEAT_STEPS * n * n,
        lambda n: 7 * HEAT_STEPS * n * n,
    ),
    case(
        "CG, dense",
        4096,
        256,
        dense_system,
        conjugate_gradient_dense,
        1e-10,
        lambda n: SOLVER_STEPS * n * n,
        lambda n: 2 * SOLVER_STEPS * n * n,
    ),
    case(
        "CG, Poisson by slices",
        2048,
        128,
        grid,
        conjugate_gradient_poisson,
        1e-10,
        lambda n: 8 * SOLVER_STEPS * n * n,
        lambda n: 15 * SOLVER_STEPS * n * n,
    ),
    case(
        "logistic regression",
        1_000_000,
        10_000,
        observations,
        logistic_regression,
        1e-10,
        lambda n: SOLVER_STEPS * FEATURES * n,
        lambda n: SOLVER_STEPS * 4 * FEATURES * n,
    ),
    case(
        "linear regression",
        1_000_000,
        10_000,
        observations,
        linear_regression,
        1e-10,
        lambda n: SOLVER_STEPS * FEATURES * n,
        lambda n: SOLVER_STEPS * 4 * FEATURES * n,
    ),
    case(
        "k-means",
        1_000_000,
        10_000,
        points,
        k_means,
        1e-9,
        lambda n: 5 * POINT_LENGTH * n,
        lambda n: 5 * 4 * POINT_LENGTH * CENTRES * n,
    ),
    case("cavity flow", 41, 41, cavity, cavity_flow, 1e-12),
    case("cavity flow, fine", 512, 101, cavity, cavity_flow, 1e-12),
    case(
        "Richardson-Lucy",
        1000,
        100,
        blurred,
        richardson_lucy,
        1e-12,
        lambda n: LUCY_ROUNDS * 5 * n * n,
        lambda n: LUCY_ROUNDS * 102 * n * n,
    ),
    case(
        "Mandelbrot",
        1000,
        100,
        plane,
        mandelbrot,
        0.0,
        lambda n: 2.5 * n * n,
        lambda n: 9 * ESCAPE_ROUNDS * n * n,
    ),
    case("n-body", 2048, 128, stars, n_body, 1e-10, None, lambda n: 5 * 20 * n * n),
    case("Monte-Carlo pi", 10_000_000, 100_000, random_points, monte_carlo_pi),
    case("sum", 100_000_000, 1_000_000, line, lambda xp, x: x.sum(), 1e-10, lambda n: n, lambda n: n),
    case("mean", 100_000_000, 1_000_000, line, lambda xp, x: x.mean(), 1e-10, lambda n: n, lambda n: n),
    case("var", 100_000_000, 1_000_000, line, lambda xp, x: x.var(), 1e-12, lambda n: n, lambda n: 4 * n),
    case(
        "cumsum",
        100_000_000,
        1_000_000,
        line,
        lambda xp, x: xp.cumsum(x),
        1e-10,
        lambda n: 2 * n,
        lambda n: n,
    ),
    case("argmax", 100_000_000, 1_000_000, line, lambda xp, x: x.argmax(), 0.0, lambda n: n),
    case(
        "sum, axis 0", 8192, 512, grid, lambda xp, x: x.sum(axis=0), 1e-12, lambda n: n * n, lambda n: n * n
    ),
    case(
        "sum, axis 1", 8192, 512, grid, lambda xp, x: x.sum(axis=1), 1e-12, lambda n: n * n, lambda n: n * n
    ),
    case("max, axis 0", 8192, 512, grid, lambda xp, x: x.max(axis=0), 0.0, lambda n: n * n),
    case("max, axis 1", 8192, 512, grid, lambda xp, x: x.max(axis=1), 0.0, lambda n: n * n),
    case(
        "mean of rows of 8", 5_000_000, 50_000, points, lambda xp, x: x.mean(axis=1), 1e-12, lambda n: 9 * n
    ),
    case(
        "a + b.T",
        4096,
        256,
        matrix_pair,
        lambda xp, d: d[0] + d[1].T,
        0.0,
        lambda n: 3 * n * n,
        lambda n: n * n,
    ),
    case(
        "outer difference",
        8192,
        512,
        pair,
        lambda xp, d: xp.abs(d[0][:, None] - d[1][None, :]),
        0.0,
        lambda n: n * n,
        lambda n: 2 * n * n,
    ),
    case(
        "row minus mean",
        8192,
        512,
        grid,
        lambda xp, x: x - x.mean(axis=1)[:, None],
        1e-12,
        lambda n: 3 * n * n,
    ),
    case("x[x > 0]", 20_000_000, 200_000, line, lambda xp, x: x[x > 0.0], 0.0, lambda n: 1.5 * n),
    case("x[y > 0.5] = 0.25", 20_000_000, 200_000, pair, masked_store, 0.0, lambda n: 2 * n),
    case("x[permutation]", 20_000_000, 200_000, indexed, lambda xp, d: d[0][d[1]], 0.0, lambda n: 3 * n),
    case("x[permutation] = y", 20_000_000, 200_000, indexed, scatter, 0.0, lambda n: 3 * n),
    case("rows of a table", 2_000_000, 20_000, table, lambda xp, d: d[0][d[1]], 0.0, lambda n: 17 * n),
    case("where chain", 20_000_000, 200_000, line, where_chain, 0.0, lambda n: 2 * n),
    case("casts", 20_000_000, 200_000, line, casts, 0.0, lambda n: 3 * n),
]
