"""A wait for results can be interrupted, and the session goes on."""

import os

from conftest import run_python

# The work takes longer from try to try: on a fast or a busy machine it may be over before a signal arrives.
PROGRAM = """
import signal, threading
import maniple, maniple.numpy as np

def interrupt(*_):
    raise KeyboardInterrupt

def interrupted(steps):
    x = np.linspace(0, 1, 10_000_000)
    for _ in range(steps):
        x = np.power(x + 1.1, 0.7)
    # Recorded before the thread runs all: what comes later may have to wait until there is room to run ahead.
    total = x.sum()
    other = threading.Thread(target=maniple.sync)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        other.start()
        {wait}
        signal.pause()
    except KeyboardInterrupt:
        other.join(0.02)
    goes_on = other.is_alive()
    other.join()
    assert abs(x[0] - 2.4) < 0.1
    return goes_on

signal.signal(signal.SIGALRM, interrupt)
earlier = np.arange(10.0) * 2
print(any(map(interrupted, (25, 100, 400))), float(earlier.sum()), float(np.ones(3).sum()))
"""


def test_a_wait_is_interrupted_while_the_work_goes_on(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MANIPLE_")]:
        monkeypatch.delenv(name)
    for wait in ("float(total)", "maniple.sync()"):
        done = run_python("-c", PROGRAM.format(wait=wait))
        assert done.stdout == "True 90.0 3.0\n", done.stderr
