"""A terrain study of a real elevation model: the Jacksboro fault in Tennessee.

The elevations are a sample that matplotlib ships. From them alone: slope, aspect and curvature, a hill
shade lit from four sides, the local relief that is left when a long diffusion is taken away, and the
drainage: hollows are filled, every cell drains to its steepest neighbour, and the area upstream of every
cell follows. All of it is array operations; the picture is drawn at the end.

    python examples/terrain.py                  # NumPy
    python -m maniple examples/terrain.py       # the same program in parallel

`--upsample K` refines the grid K times in both directions.
"""

import argparse
import time

import numpy as np

TOLERANCE = {
    "slope": 1e-12,
    "aspect": 1e-12,
    "shade": 1e-12,
    "plan_curvature": 1e-9,
    "profile_curvature": 1e-9,
}

# The eight neighbours, clockwise from north: rows down, columns right.
NEIGHBOURS = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
METRES_PER_DEGREE = 111_320.0


def load_elevation():
    """Elevations in metres, the first row in the north, and the size of a cell in metres, east and north."""
    from matplotlib.cbook import get_sample_data

    with get_sample_data("jacksboro_fault_dem.npz") as model:
        elevation = np.asarray(model["elevation"], dtype=np.float64)
        latitude = 0.5 * (float(model["ymin"]) + float(model["ymax"]))
        north = float(model["dy"]) * METRES_PER_DEGREE
        east = float(model["dx"]) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
    return elevation, float(east), north


def refine(field, factor):
    """Bilinear interpolation to a grid `factor` times as fine."""
    for axis in (0, 1):
        cells = field.shape[axis]
        place = np.arange((cells - 1) * factor + 1) / factor
        lower = np.minimum(place.astype(np.int64), cells - 2)
        weight = place - lower
        if axis == 0:
            weight = weight[:, np.newaxis]
        before = np.take(field, lower, axis=axis)
        after = np.take(field, lower + 1, axis=axis)
        field = before + weight * (after - before)
    return field


def diffuse(field, steps, rate=0.2):
    """Explicit diffusion with no flow through the border; spreads over about sqrt(2 rate steps) cells."""
    u = np.pad(field, 1, mode="edge")
    for _ in range(steps):
        centre = u[1:-1, 1:-1]
        centre += rate * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * centre)
        u[0, :] = u[1, :]
        u[-1, :] = u[-2, :]
        u[:, 0] = u[:, 1]
        u[:, -1] = u[:, -2]
    return u[1:-1, 1:-1].copy()


def derivatives(z, east, north):
    """First and second derivatives towards east and north, from the three by three cells around each cell."""
    p = np.pad(z, 1, mode="edge")
    north_west, north_row, north_east = p[:-2, :-2], p[:-2, 1:-1], p[:-2, 2:]
    west, centre, east_row = p[1:-1, :-2], p[1:-1, 1:-1], p[1:-1, 2:]
    south_west, south_row, south_east = p[2:, :-2], p[2:, 1:-1], p[2:, 2:]
    zx = ((north_east + 2 * east_row + south_east) - (north_west + 2 * west + south_west)) / (8 * east)
    zy = ((north_west + 2 * north_row + north_east) - (south_west + 2 * south_row + south_east)) / (8 * north)
    zxx = (east_row - 2 * centre + west) / east**2
    zyy = (north_row - 2 * centre + south_row) / north**2
    zxy = (north_east - north_west - south_east + south_west) / (4 * east * north)
    return zx, zy, zxx, zyy, zxy


def curvatures(zx, zy, zxx, zyy, zxy):
    """Plan curvature (where flow gathers) and profile curvature (where it speeds up), in 1/m."""
    steep = zx**2 + zy**2
    flat = steep < 1e-8
    steep = np.where(flat, 1.0, steep)
    plan = -(zxx * zy**2 - 2 * zxy * zx * zy + zyy * zx**2) / steep**1.5
    profile = -(zxx * zx**2 + 2 * zxy * zx * zy + zyy * zy**2) / (steep * (1 + steep) ** 1.5)
    return np.where(flat, 0.0, plan), np.where(flat, 0.0, profile)


def hill_shade(slope, aspect, altitude=40.0):
    """Light from the west round to the north-east, most of it from the north-west, between 0 and 1."""
    height = np.radians(altitude)
    shade = np.zeros_like(slope)
    for azimuth, weight in ((270.0, 0.2), (315.0, 0.5), (360.0, 0.2), (45.0, 0.1)):
        facing = np.cos(np.radians(azimuth) - np.radians(aspect))
        light = np.sin(height) * np.cos(slope) + np.cos(height) * np.sin(slope) * facing
        shade += weight * np.maximum(light, 0.0)
    return shade


def escape_level(z, fall):
    """How high water must stand to leave every cell along a straight line, in the best of four directions."""
    best = np.full_like(z, np.inf)
    for axis in (0, 1):
        shape = (-1, 1) if axis == 0 else (1, -1)
        climb = fall * np.arange(z.shape[axis]).reshape(shape)
        forward = np.maximum.accumulate(z - climb, axis=axis) + climb
        turned = np.flip(z, axis)
        backward = np.flip(np.maximum.accumulate(turned - climb, axis=axis) + climb, axis)
        best = np.minimum(best, np.minimum(forward, backward))
    return best


def fill_hollows(z, fall, sweeps_per_check=8):
    """Raise hollows until every cell has a way down to the border that falls by `fall` in each step.

    Planchon and Darboux (2002): water stands too high at first and sinks as far as the neighbours allow.
    """
    water = escape_level(z, fall)
    ground = z[1:-1, 1:-1]
    level = water[1:-1, 1:-1]
    rows, columns = z.shape
    while True:
        before = level.copy()
        for _ in range(sweeps_per_check):
            lowest = level
            for down, right in NEIGHBOURS:
                beside = water[1 + down : rows - 1 + down, 1 + right : columns - 1 + right]
                lowest = np.minimum(lowest, beside + fall)
            level[...] = np.maximum(ground, lowest)
        if np.array_equal(level, before):
            return water


def flow_directions(water, east, north):
    """The number of the steepest neighbour below each inner cell."""
    rows, columns = water.shape
    centre = water[1:-1, 1:-1]
    best = np.full_like(centre, -np.inf)
    direction = np.zeros(centre.shape, dtype=np.int64)
    for number, (down, right) in enumerate(NEIGHBOURS):
        beside = water[1 + down : rows - 1 + down, 1 + right : columns - 1 + right]
        drop = (centre - beside) / np.sqrt((right * east) ** 2 + (down * north) ** 2)
        direction = np.where(drop > best, number, direction)
        best = np.maximum(best, drop)
    return direction


def upstream_cells(direction):
    """How many cells drain through each cell, itself included.

    The way downhill is doubled in every round: what each cell gathered goes to the cell it has reached, and
    it then looks as far again. Cells of the border, and the extra cell at the end, lead off the map.
    """
    rows, columns = direction.shape[0] + 2, direction.shape[1] + 2
    outside = rows * columns
    steps = np.array([down * columns + right for down, right in NEIGHBOURS])
    receiver = np.full((rows, columns), outside)
    cell = np.arange(outside).reshape(rows, columns)
    receiver[1:-1, 1:-1] = cell[1:-1, 1:-1] + steps[direction]
    receiver = np.append(receiver.ravel(), outside)
    area = np.ones(outside + 1)
    area[outside] = 0.0
    while np.any(receiver != outside):
        area = area + np.bincount(receiver, weights=area, minlength=outside + 1)
        area[outside] = 0.0
        receiver = receiver[receiver]
    return area[:outside].reshape(rows, columns)


def study(elevation, east, north, upsample, steps):
    """Every field of the study, by name."""
    surface = diffuse(elevation, 2 * upsample**2)
    regional = diffuse(surface, steps)
    zx, zy, zxx, zyy, zxy = derivatives(surface, east, north)
    slope = np.arctan(np.hypot(zx, zy))
    aspect = np.degrees(np.arctan2(-zx, -zy))
    plan, profile = curvatures(zx, zy, zxx, zyy, zxy)
    water = fill_hollows(surface, fall=1e-3 / upsample)
    direction = flow_directions(water, east, north)
    return {
        "surface": surface,
        "slope": slope,
        "aspect": aspect,
        "shade": hill_shade(slope, aspect),
        "plan_curvature": plan,
        "profile_curvature": profile,
        "local_relief": surface - regional,
        "filled": water - surface,
        "direction": direction,
        "upstream": upstream_cells(direction),
    }


def print_summary(fields, east, north):
    surface, slope, aspect = fields["surface"], np.degrees(fields["slope"]), fields["aspect"]
    square_kilometres = east * north / 1e6
    rows, columns = surface.shape
    print(f"grid {rows} x {columns}, cells of {east:.1f} m x {north:.1f} m")
    print(f"elevation {surface.min():.1f} .. {surface.max():.1f} m, mean {surface.mean():.2f} m")
    print(f"slope: mean {slope.mean():.3f} degrees, steepest {slope.max():.2f}")
    facing = np.bincount(np.floor((aspect.ravel() + 382.5) / 45.0).astype(np.int64) % 8, minlength=8)
    shares = ", ".join(
        f"{name} {100 * count / aspect.size:.1f} %"
        for name, count in zip(("N", "NE", "E", "SE", "S", "SW", "W", "NW"), facing.tolist(), strict=True)
    )
    print(f"facing: {shares}")
    relief = fields["local_relief"]
    print(f"local relief: {relief.min():.1f} .. {relief.max():.1f} m, deviation {relief.std():.3f} m")
    hollows = fields["filled"] > 0.5
    print(f"hollows deeper than half a metre: {np.count_nonzero(hollows) * square_kilometres:.3f} km2")
    upstream = fields["upstream"]
    border = np.concatenate([upstream[0], upstream[-1], upstream[1:-1, 0], upstream[1:-1, -1]])
    largest = np.sort(border)[::-1][:3] * square_kilometres
    print("largest catchments: " + ", ".join(f"{area:.2f} km2" for area in largest.tolist()))


def stream_lines(upstream, direction, threshold):
    """A segment from every cell that drains more than `threshold` cells to the next one, and its flow."""
    row, column = np.nonzero(upstream[1:-1, 1:-1] > threshold)
    way = np.array(NEIGHBOURS)[direction[row, column]]
    start = np.stack([column + 1, row + 1], axis=1)
    end = start + way[:, ::-1]
    return np.stack([start, end], axis=1) + 0.5, upstream[row + 1, column + 1]


def draw(fields, east, north, path):
    """The study as one picture: a shaded map with its streams, and three maps of what was computed."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    surface, filled = fields["surface"], fields["filled"]
    rows, columns = surface.shape
    frame = (0.0, columns * east / 1000, rows * north / 1000, 0.0)
    ground = LinearSegmentedColormap.from_list(
        "ground", ["#7f9c6c", "#a9b885", "#dccfa0", "#c9a877", "#a98360", "#ece6dd"]
    )

    # The shade scales the colours, so that level ground keeps the colour of its height.
    low, high = np.percentile(surface, [1, 99.7])
    colours = np.asarray(ground(np.clip((surface - low) / (high - low), 0.0, 1.0)))[..., :3]
    level = np.sin(np.radians(40.0))
    light = np.clip(1.0 + 0.95 * (fields["shade"] - level) / level, 0.25, 1.35)
    pond = np.clip(filled / 4.0, 0.0, 0.55)[..., np.newaxis]
    colours = (1.0 - pond) * colours + pond * np.array([0.36, 0.60, 0.78])
    relief = np.clip(colours * light[..., np.newaxis], 0.0, 1.0)

    figure = plt.figure(figsize=(12.8, 9.6), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(3, 2, width_ratios=[3.05, 1.0])
    axes = figure.add_subplot(grid[:, 0])
    axes.imshow(relief, extent=frame, interpolation="bilinear")
    square_kilometres = east * north / 1e6
    lines, flow = stream_lines(fields["upstream"], fields["direction"], 0.4 / square_kilometres)
    widths = 0.35 + 0.3 * np.log2(flow * square_kilometres / 0.4)
    scaled = lines * np.array([east, north]) / 1000
    axes.add_collection(LineCollection(scaled, linewidths=widths, colors="#1f4e85", capstyle="round"))
    axes.set(xlim=frame[:2], ylim=frame[2:], xlabel="km", ylabel="km")
    axes.set_title("Jacksboro fault, Tennessee: relief and drainage", fontsize=15, loc="left")

    curvature = 1000 * fields["plan_curvature"]
    panels = [
        ("slope (degrees)", np.degrees(fields["slope"]), "magma", 0.0, 32.0),
        ("local relief (m)", fields["local_relief"], "RdYlBu_r", None, None),
        ("plan curvature (1/km)", curvature, "PuOr", None, None),
    ]
    for row, (title, values, colour_map, lowest, highest) in enumerate(panels):
        if highest is None:
            highest = float(np.percentile(np.abs(values), 97))
            lowest = -highest
        axes = figure.add_subplot(grid[row, 1])
        shown = axes.imshow(
            values, extent=frame, interpolation="antialiased", cmap=colour_map, vmin=lowest, vmax=highest
        )
        axes.set_title(title, fontsize=11, loc="left")
        axes.set(xticks=[], yticks=[])
        figure.colorbar(shown, ax=axes, fraction=0.05, pad=0.03)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upsample", type=int, default=2, help="refine the grid this many times")
    parser.add_argument("--steps", type=int, default=300, help="diffusion steps of the regional surface")
    parser.add_argument("--picture", metavar="FILE.png", default="terrain.png")
    parser.add_argument("--no-picture", action="store_true", help="compute and print only")
    parser.add_argument("--quick", action="store_true", help="a corner of the map and no picture, for tests")
    parser.add_argument("--time", action="store_true", help="print the time taken")
    parser.add_argument("--save", metavar="FILE.npz", help="save the resulting arrays")
    args = parser.parse_args(argv)
    upsample, steps = (1, 40) if args.quick else (args.upsample, args.steps)

    elevation, east, north = load_elevation()
    if args.quick:
        elevation = elevation[100:200, 120:230]
    began = time.perf_counter()
    fields = study(refine(elevation, upsample), east / upsample, north / upsample, upsample, steps)
    print_summary(fields, east / upsample, north / upsample)
    if args.time:
        print(f"seconds: {time.perf_counter() - began:.3f}")
    if args.save:
        np.savez(args.save, **fields)
    if not (args.quick or args.no_picture):
        draw(fields, east / upsample, north / upsample, args.picture)
        print(f"picture: {args.picture}")


if __name__ == "__main__":
    main()
