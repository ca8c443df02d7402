"""numba: explicit loops, in parallel, with fast arithmetic."""

import math
from typing import Any

import numba
import numpy as np
from numba import prange

import programs
from dialects.base import Dialect

parallel = numba.njit(parallel=True, fastmath=True)
inline = numba.njit(fastmath=True, inline="always")


@parallel
def chain(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        value = x[i]
        for _ in range(10):
            value = value * 0.999 + 0.001
        out[i] = value
    return out


@parallel
def add(a, b):
    out = np.empty_like(a)
    for i in prange(a.size):
        out[i] = a[i] + b[i]
    return out


def black_scholes_of(real: type):
    """The loop in the arithmetic of one width."""
    one, half, p, zero = real(1.0), real(-0.5), real(0.2316419), real(0.0)
    c1, c2, c3 = real(0.319381530), real(-0.356563782), real(1.781477937)
    c4, c5, share = real(-1.821255978), real(1.330274429), real(1 / math.sqrt(2 * math.pi))
    rate, volatility, drift = real(0.03), real(0.25), real(0.03 + 0.5 * 0.25**2)

    @inline
    def normal(x):
        k = one / (one + p * abs(x))
        tail = math.exp(half * x * x) * (k * (c1 + k * (c2 + k * (c3 + k * (c4 + k * c5)))) * share)
        return one - tail if x > zero else tail

    @parallel
    def run(price, strike, years):
        call, put = np.empty_like(price), np.empty_like(price)
        for i in prange(price.size):
            root = volatility * math.sqrt(years[i])
            d1 = (math.log(price[i] / strike[i]) + drift * years[i]) / root
            discounted = strike[i] * math.exp(-rate * years[i])
            value = price[i] * normal(d1) - discounted * normal(d1 - root)
            call[i] = value
            put[i] = value + discounted - price[i]
        return call, put

    return run


@parallel
def sweep(source, target):
    for i in prange(1, source.shape[0] - 1):
        for j in range(1, source.shape[1] - 1):
            target[i, j] = 0.25 * (source[i - 1, j] + source[i + 1, j] + source[i, j - 1] + source[i, j + 1])


def jacobi(u):
    other = u.copy()
    for _ in range(programs.SWEEPS // 2):
        sweep(u, other)
        sweep(other, u)
    return u


@parallel
def heat_step(source, target):
    n = source.shape[1]
    for i in prange(1, source.shape[0] - 1):
        for j in range(1, n - 1):
            around = source[i - 1, j] + source[i + 1, j] + source[i, j - 1] + source[i, j + 1]
            target[i, j] = source[i, j] + 0.2 * (around - 4.0 * source[i, j])
        target[i, 0] = target[i, 1]
        target[i, n - 1] = target[i, n - 2]
    for i in (0, source.shape[0] - 1):
        for j in range(1, n - 1):
            target[i, j] = source[i, j]
        target[i, 0] = target[i, 1]
        target[i, n - 1] = target[i, n - 2]


def heat(u):
    other = u.copy()
    for _ in range(programs.HEAT_STEPS // 2):
        heat_step(u, other)
        heat_step(other, u)
    return u


@parallel
def laplacian_dot(u, out):
    """Minus the Laplacian of u, and its product with u."""
    rows, columns = u.shape
    total = 0.0
    for i in prange(rows):
        for j in range(columns):
            value = 4.0 * u[i, j]
            if i > 0:
                value -= u[i - 1, j]
            if i + 1 < rows:
                value -= u[i + 1, j]
            if j > 0:
                value -= u[i, j - 1]
            if j + 1 < columns:
                value -= u[i, j + 1]
            out[i, j] = value
            total += value * u[i, j]
    return total


@parallel
def step_solution(alpha, solution, residual, direction, applied):
    total = 0.0
    for i in prange(solution.size):
        solution[i] += alpha * direction[i]
        residual[i] -= alpha * applied[i]
        total += residual[i] * residual[i]
    return total


@parallel
def turn(beta, direction, residual):
    for i in prange(direction.size):
        direction[i] = residual[i] + beta * direction[i]


def conjugate_gradient_poisson(right):
    solution, residual, direction, applied = np.zeros_like(right), right.copy(), right.copy(), np.empty_like(right)
    energy = float((residual * residual).sum())
    for _ in range(programs.SOLVER_STEPS):
        alpha = energy / laplacian_dot(direction, applied)
        previous = energy
        energy = step_solution(alpha, solution.ravel(), residual.ravel(), direction.ravel(), applied.ravel())
        turn(energy / previous, direction.ravel(), residual.ravel())
    return solution


@parallel
def gradient(features, score, weights, logistic):
    """The features' products with the errors of a model, in one sweep."""
    rows, columns = features.shape
    threads = numba.get_num_threads()
    sums = np.zeros((threads, columns + 8))
    for thread in prange(threads):
        for i in range(rows * thread // threads, rows * (thread + 1) // threads):
            product = 0.0
            for j in range(columns):
                product += features[i, j] * weights[j]
            if logistic:
                error = 1.0 / (1.0 + math.exp(-product)) - (1.0 if score[i] > 0.0 else 0.0)
            else:
                error = product - score[i]
            for j in range(columns):
                sums[thread, j] += features[i, j] * error
    return sums[:, :columns].sum(axis=0)


def regression(rate: float, logistic: bool):
    def run(features, score):
        weights = np.zeros(programs.FEATURES)
        for _ in range(programs.SOLVER_STEPS):
            weights = weights - rate * gradient(features, score, weights, logistic) / len(score)
        return weights

    return run


@parallel
def k_means_round(data, centres):
    rows, columns = data.shape
    count = centres.shape[0]
    threads = numba.get_num_threads()
    sums = np.zeros((threads, count, columns + 1))
    for thread in prange(threads):
        for i in range(rows * thread // threads, rows * (thread + 1) // threads):
            best, label = math.inf, 0
            for c in range(count):
                distance = 0.0
                for j in range(columns):
                    apart = data[i, j] - centres[c, j]
                    distance += apart * apart
                if distance < best:
                    best, label = distance, c
            for j in range(columns):
                sums[thread, label, j] += data[i, j]
            sums[thread, label, columns] += 1.0
    return sums.sum(axis=0)


def k_means(data):
    centres = data[: programs.CENTRES]
    for _ in range(5):
        sums = k_means_round(data, centres)
        centres = sums[:, :-1] / np.maximum(sums[:, -1:], 1.0)
    return centres


@numba.njit(fastmath=True)
def cavity_loops(u, v, p, steps, rounds, dt, nu):
    n = u.shape[0]
    d = 2.0 / (n - 1)
    b, q = np.zeros_like(p), p.copy()
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                dudx, dvdy = (u[i, j + 1] - u[i, j - 1]) / (2 * d), (v[i + 1, j] - v[i - 1, j]) / (2 * d)
                dudy, dvdx = (u[i + 1, j] - u[i - 1, j]) / (2 * d), (v[i, j + 1] - v[i, j - 1]) / (2 * d)
                source = (dudx + dvdy) / dt - dudx * dudx - 2 * dudy * dvdx - dvdy * dvdy
                b[i, j] = 0.25 * d * d * source
        for _ in range(rounds):
            for i in range(1, n - 1):
                for j in range(1, n - 1):
                    q[i, j] = 0.25 * (p[i, j + 1] + p[i, j - 1] + p[i + 1, j] + p[i - 1, j]) - b[i, j]
            q[0, n - 1], q[n - 1, n - 1] = p[0, n - 1], p[n - 1, n - 1]
            q[:, n - 1] = q[:, n - 2]
            q[0, :] = q[1, :]
            q[:, 0] = q[:, 1]
            q[n - 1, :] = 0
            p, q = q, p
        un, vn = u.copy(), v.copy()
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                du, dv = dt / d * un[i, j], dt / d * vn[i, j]
                u[i, j] = (
                    un[i, j] - du * (un[i, j] - un[i, j - 1]) - dv * (un[i, j] - un[i - 1, j])
                    - dt / (2 * d) * (p[i, j + 1] - p[i, j - 1])
                    + nu * dt / d**2 * (un[i, j + 1] + un[i, j - 1] + un[i + 1, j] + un[i - 1, j] - 4 * un[i, j])
                )  # fmt: skip
                v[i, j] = (
                    vn[i, j] - du * (vn[i, j] - vn[i, j - 1]) - dv * (vn[i, j] - vn[i - 1, j])
                    - dt / (2 * d) * (p[i + 1, j] - p[i - 1, j])
                    + nu * dt / d**2 * (vn[i, j + 1] + vn[i, j - 1] + vn[i + 1, j] + vn[i - 1, j] - 4 * vn[i, j])
                )  # fmt: skip
        u[0, :], u[:, 0], u[:, n - 1], u[n - 1, :] = 0, 0, 0, 1
        v[0, :], v[:, 0], v[:, n - 1], v[n - 1, :] = 0, 0, 0, 0
    return p


def cavity_flow(u, v, p):
    steps, dt = programs.cavity_plan(len(u))
    p[...] = cavity_loops(u, v, p, steps, programs.RELAXATIONS, dt, 0.1)
    return u, v, p


@parallel
def blur(image, kernel, out):
    rows, columns = image.shape
    reach = kernel.shape[0] // 2
    for i in prange(rows):
        for j in range(columns):
            total = 0.0
            if reach <= j < columns - reach:
                for k in range(-reach, reach + 1):
                    row = min(max(i + k, 0), rows - 1)
                    for m in range(-reach, reach + 1):
                        total += kernel[k + reach, m + reach] * image[row, j + m]
            else:
                for k in range(-reach, reach + 1):
                    row = min(max(i + k, 0), rows - 1)
                    for m in range(-reach, reach + 1):
                        total += kernel[k + reach, m + reach] * image[row, min(max(j + m, 0), columns - 1)]
            out[i, j] = total


@parallel
def divide(a, b, out):
    for i in prange(a.shape[0]):
        for j in range(a.shape[1]):
            out[i, j] = a[i, j] / b[i, j]


def richardson_lucy(observed):
    one = np.array([1.0, 4.0, 6.0, 4.0, 1.0])
    kernel = np.outer(one, one) / 256
    image, blurred, ratio = np.full_like(observed, 0.5), np.empty_like(observed), np.empty_like(observed)
    for _ in range(programs.LUCY_ROUNDS):
        blur(image, kernel, blurred)
        divide(observed, blurred, ratio)
        blur(ratio, kernel, blurred)
        image *= blurred
    return image


@parallel
def mandelbrot_loops(real, imaginary, rounds):
    count = np.zeros(real.shape, np.int32)
    for i in prange(real.shape[0]):
        for j in range(real.shape[1]):
            a = b = 0.0
            for _ in range(rounds):
                a2, b2 = a * a, b * b
                if not a2 + b2 <= 4.0:
                    break
                count[i, j] += 1
                b = 2.0 * a * b + imaginary[i, j]
                a = a2 - b2 + real[i, j]
    return count


@parallel
def pulls(x, y, z, mass):
    out = np.empty((3, x.size))
    for i in prange(x.size):
        sx = sy = sz = 0.0
        for j in range(x.size):
            dx, dy, dz = x[j] - x[i], y[j] - y[i], z[j] - z[i]
            square = dx * dx + dy * dy + dz * dz + 1e-3
            weight = mass[j] / (square * math.sqrt(square))
            sx += dx * weight
            sy += dy * weight
            sz += dz * weight
        out[0, i], out[1, i], out[2, i] = sx, sy, sz
    return out


def n_body(x, y, z, mass):
    for _ in range(5):
        pull = pulls(x, y, z, mass)
        x, y, z = x + 1e-9 * pull[0], y + 1e-9 * pull[1], z + 1e-9 * pull[2]
    return tuple(pull)


@parallel
def monte_carlo_pi(n):
    inside = 0
    for _ in prange(n):
        x, y = np.random.random(), np.random.random()
        inside += x * x + y * y <= 1.0
    return inside


@parallel
def total(x):
    result = 0.0
    for i in prange(x.size):
        result += x[i]
    return result


@parallel
def variance(x):
    mean = 0.0
    for i in prange(x.size):
        mean += x[i]
    mean /= x.size
    squares = 0.0
    for i in prange(x.size):
        squares += (x[i] - mean) ** 2
    return squares / x.size


@numba.njit
def cumsum(x):
    out = np.empty_like(x)
    running = 0.0
    for i in range(x.size):
        running += x[i]
        out[i] = running
    return out


@parallel
def argmax(x):
    threads = numba.get_num_threads()
    best = np.empty(threads, np.int64)
    for thread in prange(threads):
        first, last = x.size * thread // threads, x.size * (thread + 1) // threads
        place = first
        for i in range(first, last):
            if x[i] > x[place]:
                place = i
        best[thread] = place
    place = best[0]
    for other in best:
        if x[other] > x[place]:
            place = other
    return place


@parallel
def row_sums(x):
    out = np.empty(x.shape[0])
    for i in prange(x.shape[0]):
        running = 0.0
        for j in range(x.shape[1]):
            running += x[i, j]
        out[i] = running
    return out


@parallel
def column_sums(x):
    threads = numba.get_num_threads()
    sums = np.zeros((threads, x.shape[1]))
    for thread in prange(threads):
        for i in range(x.shape[0] * thread // threads, x.shape[0] * (thread + 1) // threads):
            for j in range(x.shape[1]):
                sums[thread, j] += x[i, j]
    return sums.sum(axis=0)


@parallel
def outer_difference(a, b):
    out = np.empty((a.size, b.size))
    for i in prange(a.size):
        for j in range(b.size):
            out[i, j] = abs(a[i] - b[j])
    return out


@parallel
def add_transposed(a, b):
    out = np.empty_like(a)
    n, tile = a.shape[0], 32
    for block in prange((n + tile - 1) // tile):
        for first in range(0, n, tile):
            for i in range(block * tile, min(n, block * tile + tile)):
                for j in range(first, min(n, first + tile)):
                    out[i, j] = a[i, j] + b[j, i]
    return out


@parallel
def gather(x, places):
    out = np.empty_like(x)
    for i in prange(places.size):
        out[i] = x[places[i]]
    return out


@parallel
def scatter(x, places, y):
    for i in prange(places.size):
        x[places[i]] = y[i]
    return x


@parallel
def where_chain(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        v = x[i]
        out[i] = v * v if v < -0.6 else -v if v < -0.2 else 0.0 if v < 0.2 else v + 1.0 if v < 0.6 else v * 3.0
    return out


def spread(run: Any):
    """A variant that gets the parts of the inputs one by one."""
    return lambda data: run(*data)


class Speaker(Dialect):
    version = numba.__version__
    tolerances = {"Monte-Carlo pi": 1e-2}
    variants = {
        "Black-Scholes f64": spread(black_scholes_of(np.float64)),
        "Black-Scholes f32": spread(black_scholes_of(np.float32)),
        "chain of 20": lambda data: chain(data[0]),
        "a + b": spread(add),
        "Jacobi, 50 sweeps": jacobi,
        "heat, 20 steps": heat,
        "CG, Poisson by slices": conjugate_gradient_poisson,
        "linear regression": spread(regression(0.5, logistic=False)),
        "logistic regression": spread(regression(2.0, logistic=True)),
        "k-means": k_means,
        "cavity flow": spread(cavity_flow),
        "cavity flow, fine": spread(cavity_flow),
        "Richardson-Lucy": richardson_lucy,
        "Mandelbrot": lambda data: mandelbrot_loops(*data, programs.ESCAPE_ROUNDS),
        "n-body": spread(n_body),
        "Monte-Carlo pi": monte_carlo_pi,
        "sum": total,
        "mean": lambda x: total(x) / x.size,
        "var": variance,
        "cumsum": cumsum,
        "argmax": argmax,
        "sum, axis 0": column_sums,
        "sum, axis 1": row_sums,
        "a + b.T": spread(add_transposed),
        "outer difference": spread(outer_difference),
        "x[permutation]": lambda data: gather(*data[:2]),
        "x[permutation] = y": spread(scatter),
        "where chain": where_chain,
    }
