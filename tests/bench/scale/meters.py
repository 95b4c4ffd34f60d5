"""What a process takes between two moments: begin(), then end()."""

import os
import re
import subprocess
import time


class Cpu:
    """Microseconds, by the scheduler's clock."""

    def __init__(self, pid):
        self.pid = pid

    def now(self):
        total = 0
        for task in os.listdir("/proc/%d/task" % self.pid):
            with open("/proc/%d/task/%s/schedstat" % (self.pid, task)) as f:
                total += int(f.read().split()[0])
        return total / 1000

    def begin(self):
        self.begun = self.now()

    def end(self):
        return self.now() - self.begun


class Perf:
    """Instructions in user space, by the CPU's own counter."""

    @staticmethod
    def works():
        try:
            done = subprocess.run(
                ["perf", "stat", "-x", ",", "-e", "instructions:u", "true"],
                capture_output=True, text=True)
        except FileNotFoundError:
            return False
        return done.returncode == 0 and done.stderr.split(",")[0].isdigit()

    def __init__(self, pid):
        self.pid = pid

    def begin(self):
        control, self.control = os.pipe()
        self.answer, answer = os.pipe()
        self.perf = subprocess.Popen(
            ["perf", "stat", "-x", ",", "-D", "-1", "--control",
             "fd:%d,%d" % (control, answer), "-e", "instructions:u", "-p",
             str(self.pid)], stderr=subprocess.PIPE, text=True,
            pass_fds=(control, answer))
        os.close(control)
        os.close(answer)
        self._say("enable")

    def _say(self, word):
        os.write(self.control, word.encode() + b"\n")
        assert os.read(self.answer, 16), "perf ended"

    def end(self):
        self._say("disable")
        self.perf.send_signal(2)
        text = self.perf.communicate(timeout=60)[1]
        os.close(self.control)
        os.close(self.answer)
        return int(text.split(",")[0])


class Callgrind:
    """Instructions, by callgrind, under which the process was started with
    COMMAND; nothing is counted, and little slowed down, before start()."""

    @staticmethod
    def command(folder):
        return ["valgrind", "--tool=callgrind", "--instr-atstart=no",
                "--callgrind-out-file=%s/out.%%p" % folder]

    def __init__(self, pid, folder):
        self.pid, self.folder = pid, folder
        self._control("--instr=on")

    def _control(self, *words):
        subprocess.run(["callgrind_control", *words, str(self.pid)],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def begin(self):
        self._control("--zero")

    def _dumps(self):
        return set(self.folder.glob("out.%d.*" % self.pid))

    def end(self):
        before = self._dumps()
        self._control("--dump")
        end = time.monotonic() + 60
        while not self._dumps() - before:
            assert time.monotonic() < end, "no dump"
            time.sleep(0.01)
        text = (self._dumps() - before).pop().read_text(errors="replace")
        return int(re.search(r"(?m)^(?:summary|totals): (\d+)", text)[1])
