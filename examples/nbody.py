"""Stars attracting each other: every pair, by broadcasting, integrated with the leapfrog scheme."""

import argparse
import time

import numpy as np

TOLERANCE = {"position": 1e-9, "speed": 1e-9, "energy": 1e-9}


def cluster(bodies, rng):
    """Positions, velocities and masses of a slowly turning ball of stars."""
    position = rng.standard_normal((bodies, 3))
    spin = 0.3 * np.stack([-position[:, 1], position[:, 0], np.zeros(bodies)], axis=1)
    mass = rng.uniform(0.5, 1.5, bodies) / bodies
    return position, spin, mass


def acceleration(position, mass, softening):
    """The pull of all other stars on every star."""
    offset = position[np.newaxis, :, :] - position[:, np.newaxis, :]
    square = np.sum(offset**2, axis=2) + softening**2
    weight = mass / (square * np.sqrt(square))
    return np.sum(offset * weight[:, :, np.newaxis], axis=1)


def total_energy(position, speed, mass, softening):
    """Kinetic and potential energy."""
    kinetic = 0.5 * np.sum(mass * np.sum(speed**2, axis=1))
    offset = position[np.newaxis, :, :] - position[:, np.newaxis, :]
    distance = np.sqrt(np.sum(offset**2, axis=2) + softening**2)
    pairs = mass[:, np.newaxis] * mass / distance
    return kinetic - 0.5 * (np.sum(pairs) - np.trace(pairs))


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--quick", action="store_true", help="few stars, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    bodies, steps = (96, 10) if args.quick else (args.bodies, args.steps)
    dt, softening = 0.01, 0.05

    position, speed, mass = cluster(bodies, np.random.default_rng(args.seed))
    began = time.perf_counter()
    energy = [total_energy(position, speed, mass, softening)]
    pull = acceleration(position, mass, softening)
    for _ in range(steps):
        speed += 0.5 * dt * pull
        position += dt * speed
        pull = acceleration(position, mass, softening)
        speed += 0.5 * dt * pull
    energy.append(total_energy(position, speed, mass, softening))
    energy = np.array(energy)
    radius = np.sqrt(np.sum(position**2, axis=1))

    print(f"{bodies} stars, {steps} steps")
    print(f"energy {energy[0]:.6f} -> {energy[1]:.6f}, drift {abs(energy[1] / energy[0] - 1):.1e}")
    print(f"median radius {np.median(radius):.6f}, farthest star {radius.max():.6f}")
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, position=position, speed=speed, energy=energy)


if __name__ == "__main__":
    main()
