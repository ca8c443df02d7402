"""`python -m maniple prog.py`: who gets our NumPy, and everything else as with plain Python."""

import json
import sys

import pytest
from conftest import run_python

HELPER = "import numpy\nfrom numpy.linalg import norm\nNAME = numpy.__name__\n"
PROGRAM = """
import sys
import numpy as np
import numpy.linalg as la
import numpy.fft
from numpy import linalg, float64
from numpy.random import default_rng
import helper
import importlib
print(type(np.arange(3)).__module__, la is linalg, numpy.fft.__name__, helper.NAME, helper.norm([3.0, 4.0]))
print(importlib.import_module("numpy.fft").__name__, default_rng.__module__)
print(__name__, sys.argv, __spec__, __file__ == sys.path[0] + "/prog.py")
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a program and a module next to it."""
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "prog.py").write_text(PROGRAM)
    return tmp_path


def launch(*arguments, cwd=None, environment=None):
    """Run `python -m maniple`."""
    return run_python("-m", "maniple", *arguments, cwd=cwd, environment=environment)


def test_the_programs_own_modules_get_ours(folder):
    done = launch("prog.py", "-x", "1", cwd=folder)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "maniple.numpy True maniple.numpy.fft maniple.numpy 5.0",
        "maniple.numpy.fft maniple.numpy.random",
        "__main__ ['prog.py', '-x', '1'] None True",
    ]


def test_installed_libraries_keep_numpy(folder):
    (folder / "site-packages").mkdir()
    (folder / "site-packages" / "library.py").write_text("import numpy\nNAME = numpy.__name__\n")
    (folder / "a.py").write_text(
        "import sys; sys.path.append('site-packages'); import library; print(library.NAME)\n"
        "import numpy.ma, unittest.mock; import numpy; print(numpy.ma.MaskedArray.__mro__[1].__module__)"
    )
    assert launch("a.py", cwd=folder).stdout.split() == ["numpy", "numpy"]


def test_string_and_module(folder):
    done = launch(
        "-c", "import numpy, sys, helper; print(numpy.__name__, sys.argv, helper.NAME)", "y", cwd=folder
    )
    assert done.stdout.split("\n")[0] == "maniple.numpy ['-c', 'y'] maniple.numpy", done.stderr
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "__main__.py").write_text(
        "import numpy, sys\nfrom . import part\nprint(numpy.__name__, part.NAME, __name__, sys.argv[1:])"
    )
    (folder / "package" / "part.py").write_text(HELPER)
    done = launch("-m", "package", "z", cwd=folder)
    assert done.stdout.strip() == "maniple.numpy maniple.numpy __main__ ['z']", done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "import sys; sys.exit(7)",
        "import sys; sys.exit('a reason')",
        "raise SystemExit",
        "1 / 0",
        "def f():\n    raise ValueError('boom')\nf()",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('boom') from error",
        "def f(:\n  pass",
        "import nosuchmodule",
        "import atexit; atexit.register(print, 'end'); print('begin')",
        "import sys; sys.excepthook = lambda *a: print('hook', a[0].__name__, a[2].tb_lineno); raise KeyError",
        "raise KeyboardInterrupt",
        "import threading; t = threading.Thread(target=lambda: print('late')); t.start()",
        "if __name__ == '__main__': print('main')",
        "import sys; print(sys.modules['__main__'].__dict__ is globals())",
    ],
)
def test_ends_as_plain_python_does(tmp_path, body):
    (tmp_path / "p.py").write_text(body)
    ours, theirs = launch("p.py", cwd=tmp_path), run_python("p.py", cwd=tmp_path)
    assert ours.stdout == theirs.stdout
    # A KeyboardInterrupt ends plain Python by a signal, which no exit status can imitate.
    assert ours.returncode == theirs.returncode or (theirs.returncode == -2 and ours.returncode == 130)
    assert ours.stderr.replace(str(tmp_path), "") == theirs.stderr.replace(str(tmp_path), "")


def test_errors_of_the_import_name_numpy(tmp_path):
    (tmp_path / "p.py").write_text("import numpy.nosuch")
    done = launch("p.py", cwd=tmp_path)
    assert "No module named 'numpy.nosuch'" in done.stderr
    (tmp_path / "p.py").write_text("from numpy import nosuch")
    done = launch("p.py", cwd=tmp_path)
    assert "ImportError: cannot import name 'nosuch'" in done.stderr


def test_report_goes_to_standard_error(tmp_path):
    (tmp_path / "p.py").write_text("import numpy as np\nnp.linalg.inv(np.eye(2))\nprint('done')")
    done = launch("--report", "p.py", cwd=tmp_path)
    assert done.stdout == "done\n"
    assert "machine:" in done.stderr and "numpy.linalg.inv" in done.stderr and "p.py:2" in done.stderr


def test_settings_are_set_before_the_program_runs(tmp_path):
    program = "import maniple; s = maniple._maniple.settings(); print(s['mapper'], s['debug'], s['machine'])"
    done = launch("--mapper", "serial", "--debug", "0", "--machine", "1,1", "-c", program, cwd=tmp_path)
    assert done.stdout.split() == ["serial", "0", "[1,", "1]"], done.stderr
    done = launch("--mapper", "nonsense", "-c", "pass", cwd=tmp_path)
    assert done.returncode != 0 and "MANIPLE_MAPPER" in done.stderr and "Traceback" not in done.stderr


def test_help_and_usage():
    done = launch("--help")
    assert done.returncode == 0 and "--report" in done.stdout and "examples:" in done.stdout
    assert launch().returncode == 2
    done = launch("no such file.py")
    assert done.returncode == 2 and "can't open file" in done.stderr
    assert launch("-m", "nosuchmodule").returncode == 1


def test_pending_warnings_are_shown_at_the_end(tmp_path):
    (tmp_path / "p.py").write_text("import numpy as np\na = np.zeros(3)\nb = np.log(a)\n")
    done = launch("p.py", cwd=tmp_path)
    assert "p.py:3: RuntimeWarning: divide by zero encountered in log\n  b = np.log(a)" in done.stderr
    assert sys.version_info >= (3, 11)


def test_a_timeline_is_whole_at_the_end(tmp_path):
    (tmp_path / "a.py").write_text("import numpy as np\nprint((np.ones(1000) + 1).sum())")
    done = launch("--trace", "timeline.json", "a.py", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("2000.0\n", "")
    names = {event.get("name") for event in json.loads((tmp_path / "timeline.json").read_text())}
    assert {"window", "plan", "piece"} <= names
