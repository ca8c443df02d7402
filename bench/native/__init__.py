"""The hand-written C loops, compiled on request for the processor at hand."""

import ctypes
import functools
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

import environment

SOURCE = Path(__file__).with_name("loops.c")
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-fopenmp", "-shared", "-fPIC")


@functools.cache
def library() -> ctypes.CDLL:
    """The compiled loops; `OSError` where there is no compiler."""
    compiler = shutil.which("gcc")
    if compiler is None:
        raise OSError("the hand-written loops need gcc")
    key = hashlib.sha256(SOURCE.read_bytes() + " ".join(FLAGS).encode()).hexdigest()[:16]
    built = environment.cache() / f"loops-{key}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        fresh = built.with_suffix(".new")
        subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(fresh), "-lm"], check=True)
        fresh.rename(built)
    loaded = ctypes.CDLL(str(built))
    loaded.read_all.restype = loaded.variance.restype = ctypes.c_double
    return loaded


def call(name: str, *arguments: Any) -> Any:
    """Call a loop with arrays and whole numbers."""
    words = [
        ctypes.c_void_p(word.ctypes.data) if isinstance(word, np.ndarray) else ctypes.c_int64(word) for word in arguments
    ]
    return getattr(library(), name)(*words)


def compiler_version() -> str:
    """What the compiler calls itself."""
    library()
    return subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
