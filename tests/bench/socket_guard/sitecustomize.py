"""Put first on PYTHONPATH: writes every address a Python process looks up or connects to.

One line each into the file named by ``BENCH_SOCKET_LOG``; addresses of this machine are left out.
"""

import os
import sys

_EVENTS = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")
_OWN = ("127.", "::1", "localhost", "0.0.0.0", "/", "\x00")


def _note(event, arguments):
    if event not in _EVENTS:
        return
    address = arguments[0] if event.startswith("socket.get") else arguments[1]
    host = address[0] if isinstance(address, tuple) else address
    text = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
    if host is not None and not text.startswith(_OWN):
        with open(os.environ["BENCH_SOCKET_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{event} {text}\n")


sys.addaudithook(_note)
