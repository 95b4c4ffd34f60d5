"""Waiting for what a test wants to see: never for a time that should do."""

import time

DEADLINE = 30


def until(condition, what, pause=0.01, seconds=DEADLINE):
    """Waits for a true value and returns it; a longer pause is for what costs
    more to look at."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(pause)
