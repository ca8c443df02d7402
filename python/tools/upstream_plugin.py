"""A pytest plugin for `upstream.py`: NumPy's test modules get Maniple's NumPy, and outcomes go to a file as
they come.

Options: `--ours` redirects `import numpy` in the test modules; `--native` forbids fallbacks; `--outcomes
FILE` appends a line of JSON when a test starts and one when it ends, so that a crash tells which test it was;
`--already FILE` skips what an earlier run did.
"""

import json
import signal

import pytest

_SECONDS_PER_TEST = 60


def pytest_addoption(parser):
    """The options above."""
    parser.addoption("--ours", action="store_true")
    parser.addoption("--native", action="store_true")
    parser.addoption("--outcomes")
    parser.addoption("--already")


def pytest_configure(config):
    """Redirect imports before the test modules are imported."""
    config.pluginmanager.register(Recorder(config.getoption("--outcomes"), config.getoption("--already")))
    if config.getoption("--ours"):
        from maniple import _importer

        _importer.redirect(lambda scope: "/tests/test_" in (scope.get("__file__") or ""))
    if config.getoption("--native"):
        config.pluginmanager.register(Native())


class Native:
    """While a test runs, nothing may fall back; what test modules make when they are loaded may."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        """Run the test."""
        import maniple

        with maniple.fallback("error"):
            return (yield)


class Recorder:
    """Writes what starts and what ends."""

    def __init__(self, outcomes: str, already: str | None):
        self.outcomes = open(outcomes, "a")
        self.already = set()
        if already:
            with open(already) as lines:
                self.already = {json.loads(line)["test"] for line in lines}
        self.worst: dict[str, str] = {}

    def write(self, **entry):
        """One line of JSON."""
        self.outcomes.write(json.dumps(entry) + "\n")
        self.outcomes.flush()

    def pytest_collection_modifyitems(self, items):
        """Leave out what is done."""
        items[:] = [item for item in items if item.nodeid not in self.already]

    def pytest_runtest_logstart(self, nodeid, location):
        """A test starts; it has a minute."""
        self.write(test=nodeid, event="start")
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(_SECONDS_PER_TEST)

    def pytest_runtest_logreport(self, report):
        """One of set-up, call and tear-down has ended."""
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        if report.when == "call" or outcome != "passed":
            before = self.worst.get(report.nodeid)
            if before in (None, "passed"):
                self.worst[report.nodeid] = (
                    outcome if report.when == "call" or outcome != "failed" else "error"
                )
                if report.failed:
                    self.write(test=report.nodeid, event="why", text=_why(report))

    def pytest_runtest_logfinish(self, nodeid, location):
        """A test has ended."""
        signal.alarm(0)
        self.write(test=nodeid, event="end", outcome=self.worst.pop(nodeid, "passed"))


def _too_long(number, frame):
    raise TimeoutError(f"the test took more than {_SECONDS_PER_TEST} s")


def _why(report) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.splitlines()[0][:200] if crash and crash.message else str(report.longrepr)[-200:]
