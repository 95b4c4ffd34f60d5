"""Ports for the servers of tests.

Many test processes run side by side, and a port is named some time before its
server listens.  So a port comes from below the range that the kernel hands out
to clients and to whoever binds port 0, and until our end an abstract socket
keeps it from the other test processes.
"""

import random
import socket

FIRST, LAST = 12000, 20999      # Above: those of test clusters.
_guards = {}


def _is_free(port):
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("", port))
        return True
    except OSError:
        return False


def free_port():
    """A port nobody listens on, and no other test gets."""
    for _ in range(1000):
        port = random.randint(FIRST, LAST)
        guard = socket.socket(socket.AF_UNIX)
        try:
            guard.bind("\0sallyport-test-port-%d" % port)
        except OSError:
            guard.close()
            continue
        if _is_free(port):
            _guards[port] = guard
            return port
        guard.close()
    raise AssertionError("no free port")
