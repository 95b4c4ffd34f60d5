"""What the API server that stands in remembers of its clients: who wrote, and
how often somebody asked."""

import collections
import time

NAMESPACE = "sallyport-system"
# In so many seconds one request may come so often: several retries of a
# failure, the renewals of a Lease, lists and watches that faults end.
WINDOW, MOST = 10, 30
# Claims are asked for as often as somebody asks for reviews.
MOST_CLAIMS = 300


class Record:
    """Who asked and wrote, and what no client may."""

    def __init__(self, store, judge):
        self.store, self.problem = store, judge.problem
        self.identity = {}          # door -> the last name it led by
        self.n_status = 0
        self.times = collections.defaultdict(collections.deque)
        self.most = (0, None)

    def ask(self, request):
        """Pages of a list beyond its first are no decision."""
        if "continue" in request.query:
            return
        now = time.monotonic()
        key = (request.door.name, request.method, request.path,
               "watch" in request.query, request.query.get("fieldSelector"))
        times = self.times[key]
        times.append(now)
        while times[0] < now - WINDOW:
            times.popleft()
        is_claim = request.door.name == "hook" and "/leases" in request.path
        if not is_claim:
            self.most = max(self.most, (len(times), str(key)))
        if len(times) == (MOST_CLAIMS if is_claim else MOST) + 1:
            self.problem(f"{key} {len(times)} times in {WINDOW} s")

    def holder(self):
        lease = self.store.items["leases"].get(
            (NAMESPACE, "sallyport-sallyport"))
        return lease and lease["spec"]["holderIdentity"]

    def write(self, door, method, plural, name, body):
        if plural == "leases" and method in ("POST", "PUT"):
            who = body["spec"]["holderIdentity"]
            if who and "/" not in who:
                self.identity[door] = who
        if plural == "ingresses" and method == "PATCH":
            self.n_status += 1
            self.status(door, name, body)

    def status(self, door, name, body):
        if not self.identity.get(door) or \
                self.holder() != self.identity[door]:
            self.problem(f"{door} ({self.identity.get(door)}) writes the "
                         f"status of {name}, but {self.holder()} leads")
        if not body["status"]["loadBalancer"]["ingress"] and \
                name not in ("shared", "canary"):
            self.problem(f"the address of {name} is taken away")
