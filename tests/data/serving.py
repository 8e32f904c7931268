"""A web server on this machine, for tests of downloads: with ranges, and ways to go wrong."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Site:
    """Files by path.

    `ranges`: whether it can go on in the middle; `breaks`: after how many bytes an answer ends too
    early, for each request; `status`: an error for all; `reason`: why there is no file, as the Hub
    says it; `moved`: where it is instead.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    status: int = 200
    reason: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    address: str = ""


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """Within the block the site answers at `site.address`."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            site.asked.append((self.path, asked))
            if self.path in site.moved:
                self.send_response(302)
                self.send_header("Location", site.moved[self.path])
                self.end_headers()
                return
            whole = site.files.get(self.path.partition("?")[0])
            if site.status != 200 or whole is None:
                self.send_response(site.status if site.status != 200 else 404)
                if site.reason:
                    self.send_header("X-Error-Code", site.reason)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and site.ranges else 0
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(whole) - 1}/{len(whole)}")
            self.send_header("Content-Length", str(len(whole) - begin))
            self.end_headers()
            end = begin + site.breaks.pop(0) if site.breaks else len(whole)
            self.wfile.write(whole[begin:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
