"""How results look in a terminal."""

from typing import Any

COLUMNS = "{:<26}{:>12} {:<12}{:>9}  {:>19}{:>8}{:>9}{:>7}{:>9}{:>9}  {}"


def duration(seconds: float) -> str:
    """Seconds with a unit that leaves one to three digits before the point."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def print_row(row: dict[str, Any]) -> None:
    """One line of the table."""
    figures = ["-", "", "", "", "", "", ""]
    if row["seconds"]:
        spread = f"{duration(min(row['seconds']))}..{duration(max(row['seconds']))}"
        rates = [f"{row[key]:.2f}" if key in row else "" for key in ("gigabytes_per_second", "gigaflops")]
        share = f"{100 * row['share']:.0f}%" if row.get("share") else ""
        memory = f"{row['memory'] / 1e6:.0f} MB" if row["memory"] and row["memory"] > 1e6 else ""
        figures = [duration(row["median"]), spread, *rates, share, memory, f"{row['ratio']:.2f}x"]
    difference = row["difference"]
    equality = "" if difference is None else f"{difference:.1e}" if difference else "equal"
    remark = row["complaint"] or row["absent"] or equality
    print(COLUMNS.format(row["case"], f"{row['size']:,}", row["peer"], *figures, remark), flush=True)


def print_header(record: dict[str, Any]) -> None:
    """The machine, the versions and the limits, above the table."""
    about = record["machine"]
    print(f"{about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB, {about['system']}")
    print(f"Python {about['python']}, " + ", ".join(f"{name} {version}" for name, version in record["peers"].items()))
    print("bandwidth: " + ", ".join(f"{name} {rate:.1f} GB/s" for name, rate in record["bandwidth"].items()))
    products = ", ".join(f"{dtype} {rate:.0f} GFLOP/s" for dtype, rate in record["matrix_products"].items())
    print(f"matrix products: {products}")
    if about["settings"]:
        print("settings: " + ", ".join(f"{name}={value}" for name, value in about["settings"].items()))
    print(f"load {about['load']} at the start; rates count each pass over memory once; medians, then min..max\n")
    titles = ["case", "size", "peer", "median", "spread", "GB/s", "GFLOP/s", "limit", "memory", "numpy/", "answer"]
    print(COLUMNS.format(*titles), flush=True)


def print_means(record: dict[str, Any]) -> None:
    """The geometric means of each peer, below the table."""
    columns = "{:<14}{:>7}{:>16}{:>24}{:>24}"
    print("\n" + columns.format("peer", "cases", "times NumPy", "Maniple's times its", "cases Maniple is behind"))
    for peer, means in record["geometric_means"].items():
        beside = f"{means['maniple_beside']:.2f}" if "maniple_beside" in means else ""
        print(columns.format(peer, means["cases"], f"{means['numpy']:.2f}", beside, means.get("maniple_slower", "")))
