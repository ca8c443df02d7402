"""The terrain study once under NumPy and once under Maniple: what ran where, both times, and whether they agree.

    python examples/demo.py                 # what `cargo ci demo` runs
    python examples/demo.py --upsample 4    # options are those of terrain.py

The study draws its picture into out/. Exits with 1 when the two answers differ.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import FOLDER, Run, compare_runs, tolerances

OUT = FOLDER.parent / "out"
WIDTH = 92
MOST_FALLBACKS = 8


def main(options: list[str]) -> int:
    program = FOLDER / "terrain.py"
    OUT.mkdir(exist_ok=True)
    picture = OUT / "terrain.png"
    quick = "--quick" in options

    heading("A terrain study of the Jacksboro fault, from its elevations alone")
    print("The program is examples/terrain.py. It imports numpy and knows nothing of Maniple.\n")
    print("with NumPy      python examples/terrain.py", flush=True)
    plain, _ = study([sys.executable], program, [*options, "--no-picture"])
    print(f"                {plain.seconds:.2f} s\n")
    print("with Maniple    python -m maniple examples/terrain.py", flush=True)
    ours, report = study(
        [sys.executable, "-m", "maniple", "--report"], program, [*options, "--picture", str(picture)]
    )
    print(f"                {ours.seconds:.2f} s")

    heading("What it found")
    print("\n".join(ours.printed))

    heading("What ran where")
    print(shortened(report))

    heading("The times")
    bars(("NumPy", plain.seconds), ("Maniple", ours.seconds))
    print(f"\n{verdict_on_times(plain.seconds, ours.seconds)}")
    print("One run each, without imports and drawing. `cargo ci bench` measures.")

    heading("The answers")
    verdict = compare_runs(plain, ours, tolerances("terrain"))
    for complaint in verdict.complaints:
        print(f"DIFFERENT: {complaint}")
    if not verdict.complaints:
        equal = sum(
            array.tobytes() == ours.arrays[name].tobytes() for name, array in plain.arrays.items()
        )
        print(f"{equal} of {len(plain.arrays)} arrays are equal to the bit, and all printed lines are.")
        if equal < len(plain.arrays):
            print(f"The others differ by at most {verdict.worst:.1e} of their largest value.")
    if picture.exists() and not quick:
        print(f"\nThe picture: {picture}")
    return 1 if verdict.complaints else 0


def study(launcher: list[str], program: Path, options: list[str]) -> tuple[Run, str]:
    """Run the study once: its arrays, what it printed, the seconds of its computation, and what it wrote beside."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "saved.npz"
        command = [*launcher, str(program), "--time", "--save", str(saved), *options]
        done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr.rstrip()}")
        lines = done.stdout.splitlines()
        seconds = sum(float(found) for line in lines for found in re.findall(r"^seconds: ([\d.]+)", line))
        printed = [line for line in lines if not line.startswith(("seconds: ", "picture: "))]
        with np.load(saved) as arrays:
            return Run(dict(arrays), printed, seconds), done.stderr.rstrip()


def shortened(report: str) -> str:
    """The report with the slowest fallbacks only."""
    lines = report.splitlines()
    table = next((at for at, line in enumerate(lines) if line.startswith("fallbacks")), len(lines))
    shown = table + 2 + MOST_FALLBACKS
    left = len(lines) - shown
    return "\n".join(lines[:shown] + ([f"  and {left} more, all shorter"] if left > 0 else []))


def verdict_on_times(numpy: float, maniple: float) -> str:
    """A sentence that is true whichever is faster."""
    if maniple < numpy / 1.05:
        return f"Maniple took {numpy / maniple:.2f} times less time than NumPy."
    if maniple > numpy * 1.05:
        return f"Maniple was slower here: it took {maniple / numpy:.2f} times as long as NumPy."
    return "The two took about the same time."


def bars(*times: tuple[str, float]) -> None:
    """A bar per time, to scale."""
    longest = max(seconds for _, seconds in times) or 1.0
    for name, seconds in times:
        print(f"{name:<9}{seconds:8.2f} s  {'#' * max(1, round(60 * seconds / longest))}")


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * min(len(text), WIDTH)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
