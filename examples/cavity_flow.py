"""Flow in a square cavity whose lid moves: the Navier-Stokes equations in the plane.

The scheme of step 11 of Barba's "CFD Python: 12 steps to Navier-Stokes": a pressure Poisson equation
relaxed `--relaxations` times in every time step. The grid is tiny, so the program is tens of thousands of
small operations and measures the cost of an operation rather than of its arithmetic.
"""

import argparse
import time

import numpy as np

TOLERANCE = {}


def pressure_source(rho, dt, u, v, dx, dy):
    """The right-hand side of the pressure equation."""
    b = np.zeros_like(u)
    dudx = (u[1:-1, 2:] - u[1:-1, :-2]) / (2 * dx)
    dvdy = (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * dy)
    dudy = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * dy)
    dvdx = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * dx)
    b[1:-1, 1:-1] = rho * ((dudx + dvdy) / dt - dudx**2 - 2 * dudy * dvdx - dvdy**2)
    return b


def relax_pressure(p, b, dx, dy, relaxations):
    """Relax the pressure in place, with zero gradient at the walls and zero pressure at the lid."""
    whole = 2 * (dx**2 + dy**2)
    for _ in range(relaxations):
        pn = p.copy()
        along_x = (pn[1:-1, 2:] + pn[1:-1, :-2]) * dy**2
        along_y = (pn[2:, 1:-1] + pn[:-2, 1:-1]) * dx**2
        p[1:-1, 1:-1] = (along_x + along_y) / whole - dx**2 * dy**2 / whole * b[1:-1, 1:-1]
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0


def velocity(component, u, v, dt, dx, dy, nu, gradient):
    """The inner points of one velocity component after a time step."""
    c = component[1:-1, 1:-1]
    west, east = component[1:-1, :-2], component[1:-1, 2:]
    south, north = component[:-2, 1:-1], component[2:, 1:-1]
    advection = u[1:-1, 1:-1] * dt / dx * (c - west) + v[1:-1, 1:-1] * dt / dy * (c - south)
    diffusion = nu * (dt / dx**2 * (east - 2 * c + west) + dt / dy**2 * (north - 2 * c + south))
    return c - advection - gradient + diffusion


def cavity_flow(size, steps, relaxations, dt=0.001, rho=1.0, nu=0.1):
    """Velocities and pressure on a grid of `size` by `size` after `steps` time steps from rest."""
    dx = dy = 2.0 / (size - 1)
    u = np.zeros((size, size))
    v = np.zeros((size, size))
    p = np.zeros((size, size))
    for _ in range(steps):
        un = u.copy()
        vn = v.copy()
        b = pressure_source(rho, dt, u, v, dx, dy)
        relax_pressure(p, b, dx, dy, relaxations)
        along_x = dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
        along_y = dt / (2 * rho * dy) * (p[2:, 1:-1] - p[:-2, 1:-1])
        u[1:-1, 1:-1] = velocity(un, un, vn, dt, dx, dy, nu, along_x)
        v[1:-1, 1:-1] = velocity(vn, un, vn, dt, dx, dy, nu, along_y)
        u[0, :] = 0
        u[:, 0] = 0
        u[:, -1] = 0
        u[-1, :] = 1
        v[0, :] = 0
        v[-1, :] = 0
        v[:, 0] = 0
        v[:, -1] = 0
    return u, v, p


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=41, help="points along each edge of the cavity")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--relaxations", type=int, default=50, help="pressure relaxations in each step")
    parser.add_argument("--quick", action="store_true", help="few steps, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    steps = 20 if args.quick else args.steps

    began = time.perf_counter()
    u, v, p = cavity_flow(args.size, steps, args.relaxations)
    speed = np.sqrt(u**2 + v**2)
    middle = args.size // 2
    lowest = np.argmin(u[:, middle])

    print(f"cavity {args.size} x {args.size}, {steps} steps of {args.relaxations} relaxations")
    print(f"speed up to {speed[:-1].max():.5f} below the lid, pressure {p.min():.4f} .. {p.max():.4f}")
    print(f"strongest backflow on the centre line: {u[lowest, middle]:.6f} at row {lowest}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, u=u, v=v, p=p, speed=speed)


if __name__ == "__main__":
    main()
