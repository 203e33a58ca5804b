"""A loopback HTTP server that misbehaves on request; alone, or in front of another server."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faults:
    """What shall go wrong with the next requests of one path, in order.

    Each entry is ``"ok"``, a status, ``("drop", n)``: break off after n bytes of the body,
    ``("stall", n)``: send n bytes, then nothing more, ``("slow", n, s)``: pause s seconds after
    every n bytes, ``"no range"``: ignore Range, ``"refuse"``: close without an answer.
    """

    by_path: dict[str, deque] = field(default_factory=lambda: defaultdict(deque))

    def add(self, path: str, *faults) -> None:
        self.by_path[path].extend(faults)

    def next(self, path: str):
        queue = self.by_path[path]
        return queue.popleft() if queue else "ok"


class StandIn:
    """Serve ``files`` (path -> bytes), or pass requests on to ``upstream`` (host, port)."""

    def __init__(self, upstream: tuple[str, int] | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.faults = Faults()
        self.requests: list[tuple[str, str, str]] = []
        self.upstream = upstream
        self._stop = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def ranges(self, path: str) -> list[str]:
        """Range headers of the GETs of a path, "" for none."""
        return [r for method, p, r in self.requests if method == "GET" and p == path]

    def add_repository(self, repo: str, files: dict[str, bytes], commit: str = "c0ffee00") -> None:
        """Serve a model repository the way the hub does."""
        siblings = []
        for name, data in files.items():
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            sibling = {"rfilename": name, "size": len(data), "blobId": git}
            if name.endswith((".pt", ".safetensors")):
                sha256 = hashlib.sha256(data).hexdigest()
                sibling["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 130}
            siblings.append(sibling)
            self.files[f"/{repo}/resolve/{commit}/{name}"] = data
        info = {"id": repo, "modelId": repo, "sha": commit, "siblings": siblings, "tags": []}
        answer = json.dumps(info).encode()
        self.files[f"/api/models/{repo}"] = answer
        self.files[f"/api/models/{repo}/revision/{commit}"] = answer

    def _handler(stand_in):  # noqa: N805 - the inner class has the other self
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments) -> None:
                pass

            def do_HEAD(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                self._answer()

            def _answer(self) -> None:
                path = self.path.partition("?")[0]
                stand_in.requests.append((self.command, path, self.headers.get("Range", "")))
                key = path if self.command == "GET" else f"HEAD {path}"
                fault = stand_in.faults.next(key)
                if fault == "refuse":
                    self.close_connection = True
                    return
                if isinstance(fault, int):
                    self._send(fault, {}, b"trouble", "ok")
                elif stand_in.upstream:
                    self._send(*self._forward(), fault)
                else:
                    self._send(*self._from_files(path, fault), fault)

            def _forward(self):
                connection = http.client.HTTPConnection(*stand_in.upstream)
                connection.request(self.command, self.path, headers=dict(self.headers))
                answer = connection.getresponse()
                headers = dict(answer.getheaders())
                body = answer.read()
                connection.close()
                for name in ("Connection", "Transfer-Encoding", "Server", "Date"):
                    headers.pop(name, None)
                return answer.status, headers, body

            def _from_files(self, path, fault):
                data = stand_in.files.get(path)
                if data is None:
                    return 404, {}, b"no such file"
                etag = stand_in.etags.get(path, hashlib.sha1(data).hexdigest())
                headers = {"ETag": f'"{etag}"', "Content-Type": "application/octet-stream"}
                if path.startswith("/api/"):
                    headers = {"Content-Type": "application/json"}
                asked = self.headers.get("Range", "")
                if_range = self.headers.get("If-Range", "").strip('"')
                if not asked or fault == "no range" or if_range not in ("", etag):
                    return 200, headers, data
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                return 206, headers, data[start:]

            def _send(self, status, headers, body, fault) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() != "content-length":
                        self.send_header(name, value)
                length = headers.get("Content-Length", headers.get("content-length", len(body)))
                if self.command == "GET":
                    length = len(body)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                if self.command == "HEAD":
                    return
                try:
                    self._send_body(body, fault)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def _send_body(self, body, fault) -> None:
                kind = fault[0] if isinstance(fault, tuple) else ""
                if kind in ("drop", "stall"):
                    self.wfile.write(body[: fault[1]])
                    self.wfile.flush()
                    if kind == "stall":
                        stand_in._stop.wait(5)
                    self.close_connection = True
                elif kind == "slow":
                    for start in range(0, len(body), fault[1]):
                        self.wfile.write(body[start : start + fault[1]])
                        self.wfile.flush()
                        time.sleep(fault[2])
                else:
                    self.wfile.write(body)

        return Handler
