"""JAX: cases jitted as they are written, with other programs where they write into arrays."""

from typing import Any

import jax

import programs
from case import Case, Timing
from dialects.base import Dialect, UnsupportedError, each

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

INNER = (slice(1, -1), slice(1, -1))
EAGER = ("x[x > 0]", "unique", "nonzero", "bincount", "float(x.sum())", "small mixture", "loop until")
"""Cases whose results have a shape that only the values tell, or which look at values; they cannot be jitted."""


def around(u: jax.Array) -> jax.Array:
    return u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]


def jacobi(u):
    return jax.lax.fori_loop(0, programs.SWEEPS, lambda _, u: u.at[INNER].set(0.25 * around(u)), u)


def heat(u):
    def step(_, u):
        u = u.at[INNER].add(0.2 * (around(u) - 4.0 * u[INNER]))
        u = u.at[:, 0].set(u[:, 1])
        return u.at[:, -1].set(u[:, -2])

    return jax.lax.fori_loop(0, programs.HEAT_STEPS, step, u)


def minus_laplacian(u):
    padded = jnp.pad(u, 1)
    return 4.0 * u - around(padded)


def cavity_flow(data):
    u, v, p = data
    n, nu = len(u), 0.1
    steps, dt = programs.cavity_plan(n)
    d = 2.0 / (n - 1)
    west, east = (slice(1, -1), slice(0, -2)), (slice(1, -1), slice(2, None))
    south, north = (slice(0, -2), slice(1, -1)), (slice(2, None), slice(1, -1))

    def relax(_, state):
        p, b = state
        p = p.at[INNER].set(0.25 * (p[east] + p[west] + p[north] + p[south]) - 0.25 * d * d * b)
        p = p.at[:, -1].set(p[:, -2])
        p = p.at[0, :].set(p[1, :])
        p = p.at[:, 0].set(p[:, 1])
        return p.at[-1, :].set(0), b

    def step(_, state):
        u, v, p = state
        dudx, dvdy = (u[east] - u[west]) / (2 * d), (v[north] - v[south]) / (2 * d)
        dudy, dvdx = (u[north] - u[south]) / (2 * d), (v[east] - v[west]) / (2 * d)
        b = (dudx + dvdy) / dt - dudx * dudx - 2 * dudy * dvdx - dvdy * dvdy
        p, _ = jax.lax.fori_loop(0, programs.RELAXATIONS, relax, (p, b))
        fields = []
        for old, slope in ((u, p[east] - p[west]), (v, p[north] - p[south])):
            c = old[INNER]
            new = old.at[INNER].set(
                c
                - u[INNER] * dt / d * (c - old[west])
                - v[INNER] * dt / d * (c - old[south])
                - dt / (2 * d) * slope
                + nu * dt / d**2 * (old[east] + old[west] + old[north] + old[south] - 4 * c)
            )
            fields.append(new.at[0, :].set(0).at[:, 0].set(0).at[:, -1].set(0))
        return fields[0].at[-1, :].set(1), fields[1].at[-1, :].set(0), p

    return jax.lax.fori_loop(0, steps, step, (u, v, p))


def monte_carlo_pi(n):
    def run(key):
        x, y = jax.random.uniform(key, (2, n), "float64")
        return jnp.count_nonzero(x * x + y * y <= 1.0)

    return run


class Speaker(Dialect):
    version = jax.__version__
    tolerances = {"Monte-Carlo pi": 1e-2}
    variants = {
        "Jacobi, 50 sweeps": jacobi,
        "heat, 20 steps": heat,
        "CG, Poisson by slices": lambda right: programs.conjugate_gradient(jnp, minus_laplacian, right),
        "cavity flow": cavity_flow,
        "cavity flow, fine": cavity_flow,
        "10,000 tiny operations": lambda data: jax.lax.fori_loop(0, 10_000, lambda _, x: x + data[1], data[0]),
        "x[y > 0.5] = 0.25": lambda data: jnp.where(data[1] > 0.5, 0.25, data[0]),
        "x[1:-1] = y[1:-1]": lambda data: data[0].at[1:-1].set(data[1][1:-1]),
        "x[permutation] = y": lambda data: data[0].at[data[1]].set(data[2]),
    }

    def put(self, value: Any) -> Any:
        return each(jnp.asarray, value)

    def function(self, case: Case) -> Any:
        if case.timing is Timing.RECORDED:
            raise UnsupportedError("records programs, not calls")
        if case.name == "Monte-Carlo pi":
            jitted = {}
            key = jax.random.key(1)
            return lambda n: jitted.setdefault(n, jax.jit(monte_carlo_pi(n)))(key)
        if case.name.startswith("random"):
            raise UnsupportedError("draws other numbers")
        run = self.variants.get(case.name) or (lambda data: case.run(jnp, data))
        if case.name in EAGER:
            return run
        jitted, sized = jax.jit(run), jax.jit(run, static_argnums=0)
        return lambda data: sized(data) if isinstance(data, int) else jitted(data)

    def wait(self, result: Any) -> None:
        jax.block_until_ready(result)
