#!/usr/bin/python3
"""The API server that the benchmarked webhook follows.

usage: api.py N CERTIFICATE KEY KUBECONFIG

Writes KUBECONFIG, whose existence says that it serves, and does so until it is
ended.
"""

import pathlib
import sys
import threading

from generate import World

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scale"))

from world import Api    # noqa: E402

CONFIG = """\
current-context: bench
contexts: [{name: bench, context: {cluster: bench, user: bench}}]
clusters:
  - {name: bench, cluster: {server: "%s", certificate-authority: "%s"}}
users: [{name: bench, user: {token: bench}}]
"""


def main():
    if len(sys.argv) != 5 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    size, crt, key, config = sys.argv[1:]
    api = Api(World(int(size)), crt, key)
    part = pathlib.Path(config + ".part")
    part.write_text(CONFIG % (api.url, crt))
    part.rename(config)
    threading.Event().wait()


if __name__ == "__main__":
    main()
