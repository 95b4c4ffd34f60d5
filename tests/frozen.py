"""A process that stands still.

kill() with SIGSTOP returns before the last thread has stopped, and on a busy
machine that thread may still answer the request that nobody was to answer.
"""

import contextlib
import os
import pathlib
import signal
import time

DEADLINE = 30


def _stands_still(pid):
    for task in pathlib.Path("/proc/%d/task" % pid).iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state = (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state not in "TZX":
                return False
    return True


@contextlib.contextmanager
def frozen(pid):
    """No thread of it runs within."""
    end = time.monotonic() + DEADLINE
    os.kill(pid, signal.SIGSTOP)
    try:
        while not _stands_still(pid):
            assert time.monotonic() < end, "never: process %d stopped" % pid
            time.sleep(0.001)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
