"""Tables of docs/benchmarks.md, each between its two marks, and plots."""

import datetime
import os
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"


def facts(more=""):
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f
                    if line.startswith("model name")), "CPU")
    return "%s; %s, %d CPUs; Linux %s; load average %.1f.%s" % (
        datetime.datetime.now(datetime.timezone.utc).strftime(
            "%Y-%m-%d %H:%M UTC"), cpu, os.cpu_count(), platform.release(),
        os.getloadavg()[0], " " + more if more else "")


def keep(name, text):
    """Puts 'text' between "<!-- NAME: begin -->" and its end."""
    begin, end = ("<!-- %s: %s -->" % (name, w) for w in ("begin", "end"))
    page = PAGE.read_text()
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
