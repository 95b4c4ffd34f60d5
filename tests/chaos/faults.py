"""What breaks.  Each fault says what it did and, where requests may fail over
it, excuses them; undo() ends all that lasts."""

import os
import random
import signal
import time

import world as worlds

# A request in flight in a process that is killed fails; who comes later waits
# in the backlog.  Seconds: the clients may be slow to see it.
INSTANT = 1


class Faults:
    def __init__(self, world, judge, rng):
        self.world, self.judge, self.rng = world, judge, rng
        self.later = []         # (when, function)
        self.counts = {}
        self.is_damaged = self.has_damaged = False
        self.filler = world.run + "/filler"
        self.kinds = [
            (4, self.kill_reconciler), (3, self.stop_reconciler),
            (1, self.hang_up), (3, self.kill_worker), (2, self.stop_worker),
            (2, self.kill_master), (1, self.stop_master),
            (1, self.kill_proxy), (1, self.stop_proxy), (1, self.kill_auth),
            (1, self.stop_auth), (2, self.foreign_reload),
            (2, self.block_file), (2, self.damage_file)]
        if world.is_mounted:
            self.kinds.append((2, self.fill_disk))

    def one(self, only=None):
        total = [k for n, k in self.kinds for _ in range(n)
                 if not only or k.__name__ in only]
        fault = self.rng.choice(total)
        said = fault()
        name = fault.__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        return said or f"{name}: nobody there"

    def in_a_while(self, seconds, function):
        self.later.append((time.monotonic() + seconds, function))

    def tick(self):
        now = time.monotonic()
        due = [f for when, f in self.later if when <= now]
        self.later = [one for one in self.later if one[0] > now]
        for function in due:
            function()

    def undo(self):
        due, self.later = self.later, []
        for _, function in due:
            function()
        self.is_damaged = False

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except OSError:
            pass

    # --- The reconciler: nobody may notice ---

    def restart(self):
        if self.world.process.poll() is not None:
            self.world.start()

    def kill_reconciler(self):
        pid = self.world.find("reconciler")
        if pid:
            self.signal(pid, signal.SIGKILL)
            self.world.process.wait()
            self.in_a_while(self.rng.choice([0, 0.05, 0.5, 1.5]),
                            self.restart)
            return "SIGKILL to the reconciler"

    def hang_up(self):
        pid = self.world.find("reconciler")
        if pid:
            self.signal(pid, signal.SIGCONT)
            self.signal(pid, signal.SIGHUP)
            try:
                self.world.process.wait(20)
            except worlds.subprocess.TimeoutExpired:
                self.judge.problem("the reconciler does not end at SIGHUP")
                self.world.process.kill()
            self.in_a_while(self.rng.choice([0, 0.3]), self.restart)
            return "SIGHUP to the reconciler"

    def pause(self, who, seconds):
        pid = self.world.find(who)
        if pid:
            self.signal(pid, signal.SIGSTOP)
            self.in_a_while(seconds,
                            lambda: self.signal(pid, signal.SIGCONT))
            return f"SIGSTOP of {who} {pid} for {seconds} s"

    def stop_reconciler(self):
        return self.pause("reconciler", self.rng.choice([0.1, 0.7, 2]))

    # --- HAProxy ---

    def no_reload(self):
        """Who needs one has no server meanwhile; nor has a host whose slot is
        new in files that HAProxy read while they were written."""
        self.judge.excuse("no reload, or files half written", only=503)

    def kill(self, who, excuse):
        """Files that were damaged show once HAProxy begins from them."""
        pid = self.world.find(who)
        if pid:
            self.judge.excuse(f"SIGKILL to {who}",
                              None if self.is_damaged else excuse)
            self.no_reload()
            self.signal(pid, signal.SIGKILL)
            return f"SIGKILL to {who} {pid}"

    def kill_worker(self):
        return self.kill("worker", INSTANT)

    def kill_master(self):
        return self.kill("master", INSTANT)

    def kill_proxy(self):
        """The listeners go with it."""
        return self.kill("proxy", None)

    def stop_worker(self):
        seconds = self.rng.choice([0.2, 1, 2.5, 2.5, 6, 8])
        if seconds > 4:
            self.judge.excuse(f"the worker stands still for {seconds} s",
                              seconds + 1)
        return self.pause("worker", seconds)

    def stop_master(self):
        self.no_reload()
        return self.pause("master", self.rng.choice([0.5, 2.5, 6]))

    def stop_proxy(self):
        self.no_reload()
        return self.pause("proxy", self.rng.choice([0.5, 2.5]))

    def kill_auth(self):
        self.judge.excuse("no sallyport-auth")
        return self.kill("auth", None)

    def stop_auth(self):
        self.judge.excuse("sallyport-auth stands still")
        return self.pause("auth", self.rng.choice([0.5, 2]))

    def foreign_reload(self):
        """Somebody else makes the master load the files."""
        pid = self.world.find("master")
        if pid:
            if self.is_damaged:
                self.judge.excuse("a reload from damaged files")
            self.no_reload()
            self.signal(pid, signal.SIGUSR2)
            return f"SIGUSR2 to master {pid}"

    # --- Files ---

    def some_file(self):
        run = self.world.run
        names = [os.path.join(d, f)[len(run) + 1:]
                 for d, _, files in os.walk(run) for f in files]
        kept = [n for n in names if n.endswith((
            ".map", ".cfg", ".pem", "crt-list", "listeners", "proxy.status",
            ".ocsp")) and not n.endswith(".tmp")]
        return self.rng.choice(sorted(kept)) if kept else None

    def block_file(self):
        """A file that cannot be written: a folder is in its way."""
        name = self.some_file()
        if name:
            path = f"{self.world.run}/{name}.tmp"
            try:
                os.mkdir(path)
            except OSError:
                return f"{path} is there"
            self.no_reload()
            self.in_a_while(self.rng.choice([0.5, 2, 4]),
                            lambda: os.rmdir(path))
            return f"{name} cannot be written"

    def damage_file(self):
        name = self.some_file()
        if not name:
            return None
        path = f"{self.world.run}/{name}"
        how = self.rng.choice(["gone", "empty", "half"])
        self.is_damaged = self.has_damaged = True
        try:
            if how == "gone":
                os.unlink(path)
            else:
                os.truncate(path, 0 if how == "empty" else
                            os.path.getsize(path) // 2)
        except OSError as e:
            return f"{name} {how}: {e}"
        return f"{name} is {how}"

    def fill_disk(self):
        try:
            with open(self.filler, "wb", buffering=0) as f:
                while True:
                    f.write(b"x" * 4096)
        except OSError:
            pass
        self.no_reload()
        self.in_a_while(self.rng.choice([0.5, 2, 5]), self.empty_disk)
        return "the disk is full"

    def empty_disk(self):
        if os.path.exists(self.filler):
            os.unlink(self.filler)


def seeded(seed):
    return random.Random(f"{seed}:faults")
