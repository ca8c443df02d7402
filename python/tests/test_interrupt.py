"""A wait for results can be interrupted, and the session goes on."""

import os

from conftest import run_python

PROGRAM = """
import signal, threading
import maniple, maniple.numpy as np

def interrupt(*_):
    raise KeyboardInterrupt

def finish():
    maniple.sync()
    order.append("finished")

order = []
earlier = np.arange(10.0) * 2
x = np.linspace(0, 1, 10_000_000)
for _ in range(25):
    x = np.power(x + 1.1, 0.7)
# Recorded before the thread runs all: what comes later may have to wait until there is room to run ahead.
total = x.sum()
waiting = threading.Thread(target=finish)
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    waiting.start()
    {wait}
    order.append("not interrupted")
except KeyboardInterrupt:
    order.append("interrupted")
waiting.join()
print(order, float(earlier.sum()), bool(abs(x[0] - 2.4) < 0.1), float(np.ones(3).sum()))
"""


def test_a_wait_is_interrupted_while_the_work_goes_on(monkeypatch):
    for name in [name for name in os.environ if name.startswith("MANIPLE_")]:
        monkeypatch.delenv(name)
    for wait in ("float(total)", "maniple.sync()"):
        done = run_python("-c", PROGRAM.format(wait=wait))
        assert done.stdout == "['interrupted', 'finished'] 90.0 True 3.0\n", done.stderr
