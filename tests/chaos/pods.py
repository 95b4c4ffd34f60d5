"""Every pod there is, in a process of its own: each port is one, and says so.

argv: a JSON file [[address, port, name, pem or null, status]...].  The answer names the pod in X-Pod; "?ms=N" makes it come later; a WebSocket gets its
lines back with the name before them.  Nobody here ever fails: what fails is
between client and pod.
"""

import asyncio
import json
import re
import ssl
import sys


def answer(name, status, head):
    line = head.split("\r\n", 1)[0]
    body = json.dumps({"pod": name, "line": line})
    return ("HTTP/1.1 %d x\r\nX-Pod: %s\r\nContent-Length: %d\r\n\r\n%s" %
            (status, name, len(body), body)).encode()


async def upgraded(name, reader, writer):
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade"
                 b"\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
                 b"ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\nX-Pod: %s\r\n\r\n" %
                 name.encode())
    while line := await reader.readline():
        writer.write(name.encode() + b":" + line)
        await writer.drain()


async def requests(name, status, reader, writer):
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?im)^content-length: *(\d+)", head)
        if length:
            await reader.readexactly(int(length[1]))
        if re.search(r"(?im)^upgrade: *websocket", head):
            return await upgraded(name, reader, writer)
        late = re.search(r"[?&]ms=(\d+)", head)
        if late:
            await asyncio.sleep(int(late[1]) / 1000)
        writer.write(answer(name, status, head))
        await writer.drain()


def serve(name, status):
    async def connection(reader, writer):
        try:
            await requests(name, status, reader, writer)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()
    return connection


async def main(path):
    with open(path) as f:
        told = json.load(f)
    for address, port, name, pem, status in told:
        context = None
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
        await asyncio.start_server(serve(name, status), address, port,
                                   ssl=context, backlog=512)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
