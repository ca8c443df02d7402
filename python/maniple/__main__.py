"""`python -m maniple prog.py args...` runs an unchanged program whose own `import numpy` gets Maniple's."""

import argparse
import os
import sys
from types import CodeType, ModuleType
from typing import Any, NamedTuple, NoReturn

from . import _importer

_ABOUT = """\
Run a Python program in parallel without changing it. In the program's own modules, which are the file itself
and the modules next to it, `import numpy` means Maniple's NumPy; NumPy itself and installed libraries keep
theirs.
"""

_EXAMPLES = """\
examples:
  python -m maniple heat.py 4096           run heat.py with the argument 4096
  python -m maniple --report heat.py       then tell what the machine did and what ran in NumPy
  python -m maniple -m pytest tests        run a module; modules below the current folder are the program's
  python -m maniple --machine 1,1,1 a.py   pretend three memories with a worker each

Settings that have no option here are environment variables: MANIPLE_PIECES, MANIPLE_WINDOW, MANIPLE_FUSE,
MANIPLE_JIT=0|1|always, MANIPLE_BACKENDS, MANIPLE_MEMORY_LIMIT, MANIPLE_FALLBACK=quiet|warn|error, MANIPLE_CHECK.
"""

# Option, the setting it sets, placeholder, help.
_SETTINGS = [
    ("--debug", "MANIPLE_DEBUG", "N", "what to print: 1 the machine, 2 a line per command, up to 6"),
    ("--mapper", "MANIPLE_MAPPER", "M", "where work runs: default, serial or random:SEED"),
    ("--machine", "MANIPLE_MACHINE", "M", "host memories to pretend, as workers per memory: 2 or 1,1,1"),
    ("--record", "MANIPLE_RECORD", "FILE", "write the stream of tasks to FILE, for maniple-replay"),
    ("--trace", "MANIPLE_TRACE", "FILE", "write a timeline to FILE, for chrome://tracing or Perfetto"),
]


class Program(NamedTuple):
    """What to run: its code, its file if it has one, and the folders its modules are in."""

    code: CodeType
    file: str | None
    roots: list[str]
    main: dict[str, Any]


def main(arguments: list[str] | None = None) -> NoReturn:
    """The command; ends the process with the program's exit code."""
    options, rest = _split(sys.argv[1:] if arguments is None else arguments)
    for option, setting, _, _ in _SETTINGS:
        value = getattr(options, option[2:])
        if value is not None:
            os.environ[setting] = value
    try:
        program = _program(options, rest)
    except (OSError, SyntaxError, ImportError) as error:
        _give_up(error)

    try:
        from . import _session
    except ValueError as error:
        # A setting that makes no sense; its message names it.
        raise SystemExit(f"maniple: {error}") from None

    _importer.redirect(_importer.chooser(program.file, program.roots))
    status: Any = 0
    try:
        status = _run(program)
    finally:
        _session.sync()
        if options.report:
            sys.stdout.flush()
            print(_session.report(), file=sys.stderr)
    raise SystemExit(status)


def _run(program: Program) -> Any:
    """Run the program as `__main__`, and give its exit status."""
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=__builtins__, **program.main)
    sys.modules["__main__"] = module
    try:
        exec(program.code, module.__dict__)
    except SystemExit as end:
        return end.code
    except BaseException as error:
        _hide_launcher(error)
        sys.excepthook(type(error), error, error.__traceback__)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _hide_launcher(error: BaseException | None) -> None:
    """Leave only the program's own frames in the traceback, and in those of what led to the error."""
    hidden = {__file__, _importer.__file__}
    while error is not None:
        frames = []
        traceback = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename not in hidden:
                frames.append(traceback)
            traceback = traceback.tb_next
        for one, after in zip(frames, [*frames[1:], None]):
            one.tb_next = after
        error.__traceback__ = frames[0] if frames else None
        error = error.__cause__ or error.__context__


def _program(options: argparse.Namespace, rest: list[str]) -> Program:
    """Find and compile what to run, and set `sys.argv` and `sys.path` as plain Python would."""
    here = os.getcwd()
    if options.code is not None:
        sys.argv = ["-c", *rest]
        sys.path[0] = ""
        code = compile(options.code, "<string>", "exec")
        return Program(
            code, None, [here], {"__loader__": None, "__spec__": None, "__package__": None, "__doc__": None}
        )
    if options.module is not None:
        return _module_program(options.module, rest, here)
    path = rest[0]
    sys.argv = rest
    if os.path.isdir(path):
        sys.path[0] = path
        path = os.path.join(path, "__main__.py")
    else:
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    path = os.path.abspath(path)
    with open(path, "rb") as source:
        code = compile(source.read(), path, "exec", dont_inherit=True)
    from importlib.machinery import SourceFileLoader

    main = {
        "__file__": path,
        "__cached__": None,
        "__doc__": None,
        "__loader__": SourceFileLoader("__main__", path),
        "__package__": None,
        "__spec__": None,
    }
    return Program(code, path, [sys.path[0]], main)


def _module_program(name: str, rest: list[str], here: str) -> Program:
    import runpy

    sys.path[0] = here
    # The same search as `python -m`, which also finds the `__main__` of a package.
    name, spec, code = runpy._get_module_details(name)
    assert spec.origin is not None
    sys.argv = [spec.origin, *rest]
    main = {
        "__file__": spec.origin,
        "__cached__": spec.cached,
        "__doc__": None,
        "__loader__": spec.loader,
        "__package__": spec.parent,
        "__spec__": spec,
    }
    return Program(code, os.path.abspath(spec.origin), [here], main)


def _split(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our options, and the rest: the program with its arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m maniple",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--report", action="store_true", help="at the end print what ran where and what ran in NumPy"
    )
    for option, _, placeholder, text in _SETTINGS:
        parser.add_argument(option, metavar=placeholder, help=text)
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module instead of a file")
    parser.add_argument("-c", dest="code", metavar="CODE", help="run a string instead of a file")
    parser.add_argument(
        "program", nargs="?", metavar="prog.py", help="the program; what follows are its arguments"
    )
    ours = _ours_among(arguments)
    options = parser.parse_args(arguments[:ours])
    rest = arguments[ours:]
    if options.module is None and options.code is None and not rest:
        parser.error("a program is needed: prog.py, -m module or -c code")
    return options, rest


def _ours_among(arguments: list[str]) -> int:
    """How many of `arguments` are ours: up to the program's name, or up to what follows `-m` or `-c`."""
    taking_value = {option for option, *_ in _SETTINGS}
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        if argument in ("-m", "-c"):
            return min(at + 2, len(arguments))
        if not argument.startswith("-"):
            return at
        at += 2 if argument in taking_value else 1
    return min(at, len(arguments))


def _give_up(error: Exception) -> NoReturn:
    """Say why there is no program to run, with plain Python's exit codes."""
    if isinstance(error, SyntaxError):
        sys.excepthook(type(error), error.with_traceback(None), None)
        raise SystemExit(1)
    if isinstance(error, OSError):
        print(
            f"{sys.executable}: can't open file {error.filename!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        raise SystemExit(2)
    print(f"{sys.executable}: {error}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
