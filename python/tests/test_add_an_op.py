"""The row that `docs/add-an-op.md` shows, put into a scratch copy of the crates, arrives in Python."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import numpy
import maniple.numpy as np

assert np.cube.nin == 1 and np.cube.__name__ == "cube"
x = np.arange(-5, 5)
assert x.dtype == np.cube(x).dtype and numpy.asarray(np.cube(x)).tolist() == [n**3 for n in range(-5, 5)]
y = np.linspace(0, 3, 10_000)
assert numpy.array_equal(np.cube(y + 1) - 2, (numpy.asarray(y) + 1) ** 2 * (numpy.asarray(y) + 1) - 2)
out = np.zeros(3, dtype=np.float32)
np.cube([1.0, 2.0, 3.0], out=out, where=[True, False, True], casting="same_kind")
assert numpy.asarray(out).tolist() == [1.0, 0.0, 27.0]
try:
    np.cube("text")
except TypeError:
    print("cubed")
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cargo") is None, reason="needs the Rust toolchain that built the wheel")
def test_a_row_arrives_in_python(tmp_path):
    page = (ROOT / "docs/add-an-op.md").read_text()
    row = re.search(r"<!-- row -->\n```rust\n(.*?)```", page, re.DOTALL).group(1)
    for folder in ("crates", "bench", "ci", "kernels", "shaders", "python"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.so")
        )
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copy(ROOT / file, tmp_path / file)
    table = tmp_path / "crates/ops/src/table.rs"
    marked = "    /// The square root.\n"
    assert marked in table.read_text()
    table.write_text(table.read_text().replace(marked, row + marked))

    target = Path(os.environ.get("CARGO_TARGET_DIR", tmp_path / "target"))
    environment = os.environ | {"PYO3_PYTHON": sys.executable, "CARGO_TARGET_DIR": str(target / "add-an-op")}
    build = ["cargo", "build", "--quiet", "--package", "maniple-python"]
    build += ["--features", "pyo3/extension-module,pyo3/abi3-py311"]
    subprocess.run(build, cwd=tmp_path, env=environment, check=True)

    library = next((target / "add-an-op/debug").glob("lib_maniple.*[so][ob]"))
    shutil.copy(library, tmp_path / "python/maniple/_maniple.abi3.so")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "python")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "cubed\n", done.stderr
