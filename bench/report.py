"""Draw a result of `run.py`: times against sizes, and speed relative to NumPy.

python bench/report.py bench/results/FILE.json bench.svg
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

matplotlib.rcParams["svg.hashsalt"] = "maniple"

COLOURS = {
    "numpy": "#8a8f98",
    "maniple": "#c2410c",
    "numexpr": "#4d8b31",
    "numba": "#1d6fa5",
    "jax": "#7b4ea3",
    "torch": "#b58900",
    "dask": "#0f8b8d",
    "c": "#222222",
}
SPARE_COLOURS = ("#9d174d", "#365314", "#3730a3")
MOST_BARS = 2
"""Up to so many peers beside NumPy are drawn as bars, more as dots on a line."""

Row = dict[str, Any]


def colour(peer: str, peers: list[str]) -> str:
    """A peer's colour, the same in every panel."""
    return COLOURS.get(peer.split("+")[0]) or SPARE_COLOURS[peers.index(peer) % len(SPARE_COLOURS)]


def draw_times(axes: Axes, case: str, rows: list[Row], peers: list[str]) -> None:
    """Median time against size, with the span from the fastest to the slowest sample."""
    for peer in peers:
        mine = [row for row in rows if row["peer"] == peer and row["seconds"]]
        sizes = [row["size"] for row in mine]
        axes.plot(
            sizes, [row["median"] for row in mine], "o-", color=colour(peer, peers), label=peer, markersize=4
        )
        axes.fill_between(
            sizes,
            [min(row["seconds"]) for row in mine],
            [max(row["seconds"]) for row in mine],
            color=colour(peer, peers),
            alpha=0.2,
            linewidth=0,
        )
    axes.set(xscale="log", yscale="log", xlabel="elements", ylabel="seconds")
    axes.set_title(case, loc="left", fontsize=10)
    axes.grid(alpha=0.25)


def draw_ratios(axes: Axes, rows: list[Row], peers: list[str]) -> None:
    """Bars from NumPy's speed, 1, to each peer's: to the right it is faster, to the left slower."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    thickness = 0.8 / len(peers)
    for number, peer in enumerate(peers):
        mine = [row for row in rows if row["peer"] == peer and row["seconds"]]
        places = [cases.index(row["case"]) + thickness * (number - (len(peers) - 1) / 2) for row in mine]
        ratios = [row["ratio"] for row in mine]
        past_one = [ratio - 1.0 for ratio in ratios]
        axes.barh(places, past_one, 0.9 * thickness, left=1.0, color=colour(peer, peers), label=peer)
        for place, ratio in zip(places, ratios, strict=True):
            label, side = (f" {ratio:.2g}", "left") if ratio >= 1.0 else (f"{ratio:.2g} ", "right")
            axes.text(ratio, place, label, ha=side, va="center", fontsize=7)
    lowest, highest = (pick([row["ratio"] for row in rows if row["seconds"]]) for pick in (min, max))
    axes.set(xscale="log", xlabel="times as fast as NumPy", ylim=(len(cases) - 0.4, -0.6))
    limits = min(0.4, lowest / 1.6), max(2.5, highest * 1.6)
    ticks = [digit * 10.0**power for power in range(-4, 5) for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if limits[0] <= tick <= limits[1]]
    axes.set_xlim(*limits)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(cases)), cases, fontsize=8)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.grid(axis="x", which="both", alpha=0.2)
    axes.legend(loc="lower right", fontsize=8)


def draw_dots(axes: Axes, rows: list[Row], peers: list[str]) -> None:
    """A line for each case, a dot on it for each peer's speed beside NumPy's; tuned allocators are hollow."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    for peer in sorted(peers, key=lambda name: name == "maniple"):
        mine = [row for row in rows if row["peer"] == peer and row["seconds"] and not row["complaint"]]
        face = "none" if peer.endswith("+thp") else colour(peer, peers)
        ours = peer == "maniple"
        axes.scatter(
            [row["ratio"] for row in mine],
            [cases.index(row["case"]) for row in mine],
            s=70 if ours else 34,
            marker="D" if ours else "o",
            facecolors=face,
            edgecolors=colour(peer, peers),
            label="C, by hand" if peer == "c" else peer,
            alpha=1.0 if ours else 0.85,
            zorder=4 if ours else 3,
        )
    axes.set(xscale="log", xlabel="times as fast as NumPy", ylim=(len(cases) - 0.4, -0.6))
    ticks = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300]
    lowest, highest = axes.get_xlim()
    ticks = [tick for tick in ticks if lowest <= tick <= highest]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(cases)), cases, fontsize=8)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.grid(axis="both", alpha=0.2)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(peers), fontsize=8)


def draw(record: Row, path: Path) -> None:
    """One picture of all results: the cases with many sizes first, then the largest size of every case."""
    peers = list(record["peers"])
    others = [peer for peer in peers if peer != "numpy"]
    by_case: dict[tuple[str, str], list[Row]] = {}
    for row in record["results"]:
        by_case.setdefault((row["group"], row["case"]), []).append(row)
    curves = {case: rows for (_, case), rows in by_case.items() if len({row["size"] for row in rows}) > 3}
    compared = []
    for rows in by_case.values():
        largest = max(row["size"] for row in rows)
        compared += [row for row in rows if row["size"] == largest and row["peer"] in others]

    heights = [3.2] * -(-len(curves) // 3)
    if compared:
        heights.append(0.8 + (0.1 + 0.13 * min(len(others), MOST_BARS)) * len(by_case))
    if not heights:
        raise SystemExit("nothing to draw: only NumPy was measured, at one size of each case")
    figure = plt.figure(figsize=(11.0, sum(heights) + 0.5), layout="constrained")
    grid = figure.add_gridspec(len(heights), 3, height_ratios=heights)
    for number, (case, rows) in enumerate(curves.items()):
        axes = figure.add_subplot(grid[number // 3, number % 3])
        draw_times(axes, case, rows, peers)
        if number == 0:
            axes.legend(fontsize=8)
    if compared:
        ratios = draw_ratios if len(others) <= MOST_BARS else draw_dots
        ratios(figure.add_subplot(grid[-1, :]), compared, others)
    machine = record["machine"]
    named = {name.removesuffix("+thp"): version for name, version in record["peers"].items()}
    versions = ", ".join(f"{name} {version}" for name, version in named.items())
    title = f"{machine['processor']}, {machine['cores']} cores, {record['date'][:10]}: {versions}"
    if machine["load"] and machine["load"] > machine["cores"]:
        title += f"\nwhile other programs used the machine (load {machine['load']:.0f})"
    figure.suptitle(title, fontsize=10)
    # Without the date, so that the same figures give the same file.
    figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="what run.py wrote")
    parser.add_argument("picture", type=Path, help="a file name that ends in .png or .svg")
    args = parser.parse_args(argv)
    draw(json.loads(args.results.read_text()), args.picture)
    print(f"picture: {args.picture}")


if __name__ == "__main__":
    main()
