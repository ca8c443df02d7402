"""A wait for results can be interrupted, and the session goes on."""

import os

from conftest import run_python

# One launch for each power, none of which takes memory: so all are recorded at once, and a thread that waits, and helps
# meanwhile, hears of a signal after a piece of one of them. Where the work was over before the signal arrived, on a fast or
# a busy machine, there is more of it.
PROGRAM = """
import signal, threading
import maniple, maniple.numpy as np

def interrupt(*_):
    raise KeyboardInterrupt

def interrupted(steps):
    x = np.linspace(1, 2, 10_000_000)
    for _ in range(steps):
        np.power(x, 0.99, out=x)
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
    assert 1 <= x[0] <= x[-1] < 2
    return goes_on

signal.signal(signal.SIGALRM, interrupt)
earlier = np.arange(10.0) * 2
print(any(map(interrupted, (50, 200, 800))), float(earlier.sum()), float(np.ones(3).sum()))
"""


def test_a_wait_is_interrupted_while_the_work_goes_on(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MANIPLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MANIPLE_FUSE", "0")
    for wait in ("float(total)", "maniple.sync()"):
        done = run_python("-c", PROGRAM.format(wait=wait))
        assert done.stdout == "True 90.0 3.0\n", done.stderr
