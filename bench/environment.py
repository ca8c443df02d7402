"""Where benchmarks keep what they install and build: peers live in environments of their own, outside `.venv`."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def cache() -> Path:
    """A folder of the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maniple" / "bench"


def python(name: str, packages: tuple[str, ...]) -> str:
    """The Python of a peer: this one, if it needs no packages; else that of its environment, made if missing.

    NumPy is the same version everywhere.
    """
    if not packages:
        return sys.executable
    folder = cache() / name
    wanted = "\n".join((f"numpy=={version('numpy')}", *packages))
    stamp = folder / "packages.txt"
    interpreter = folder / "bin" / "python"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", *wanted.splitlines()], check=True)
        stamp.write_text(wanted)
    return str(interpreter)
