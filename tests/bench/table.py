"""Tables of docs/benchmarks.md, each between its two marks, and plots; what a
benchmark that runs tells of how far it is."""

import datetime
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
BEFORE = os.getloadavg()[0]


def facts(more=""):
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f
                    if line.startswith("model name")), "CPU")
    return "%s; %s, %d CPUs; Linux %s; load average %.1f before and %.1f " \
        "after.%s" % (
            datetime.datetime.now(datetime.timezone.utc).strftime(
                "%Y-%m-%d %H:%M UTC"), cpu, os.cpu_count(),
            platform.release(), BEFORE, os.getloadavg()[0],
            " " + more if more else "")


def tell(text):
    """How far it is, beside the tables of standard output."""
    print(time.strftime("%H:%M:%S ") + text, file=sys.stderr, flush=True)


class Steps:
    """Tells which of 'n' steps is done, and how long the rest may take;
    every so many seconds, and of the last."""

    def __init__(self, what, n, every=5):
        self.what, self.n, self.every = what, n, every
        self.i = 0
        self.begun = self.told = time.monotonic()

    def done(self, word="step", n=1):
        self.i += n
        now = time.monotonic()
        if self.i < self.n and now - self.told < self.every:
            return
        self.told = now
        tell("%s: %s %d of %d, %.0f s, %.0f s to go" % (
            self.what, word, self.i, self.n, now - self.begun,
            (now - self.begun) / self.i * (self.n - self.i)))


def keep(name, text):
    """Puts 'text' between "<!-- NAME: begin -->" and its end; a table that
    has no place in the page is only printed."""
    begin, end = ("<!-- %s: %s -->" % (name, w) for w in ("begin", "end"))
    page = PAGE.read_text()
    if begin not in page:
        tell("no place in %s for %s" % (PAGE.name, name))
        return
    PAGE.write_text(page[:page.index(begin) + len(begin)] + "\n" + text +
                    "\n" + page[page.index(end):])


def plot(name, title, unit, series):
    """docs/benchmarks-NAME.svg: {label: [(size, value)]} over the size."""
    script = """set terminal svg size 720,400
set output '%s'
set title '%s'
set xlabel 'Ingresses, or hosts'
set ylabel '%s'
set logscale x
set yrange [0:*]
set key left top
set grid
plot %s
""" % (ROOT / "docs" / ("benchmarks-%s.svg" % name), title, unit, ", ".join(
        "'-' with linespoints title '%s'" % label for label in series))
    for points in series.values():
        script += "".join("%g %g\n" % p for p in points) + "e\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
