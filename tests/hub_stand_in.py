"""A hub on this machine: repositories of files in memory, answering what the hub's client asks to list and fetch them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

Repositories = Mapping[str, Mapping[str, bytes]]


def digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """/api/models/OWNER/NAME/revision/R, /api/models/OWNER/NAME/tree/R, /OWNER/NAME/resolve/R/FILE."""

    protocol_version = "HTTP/1.1"
    repositories: Repositories
    fetched: list[str]

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def answer(self, *, with_body: bool) -> None:
        pieces = unquote(urlsplit(self.path).path).strip("/").split("/")
        api = pieces[:2] == ["api", "models"]
        repository, rest = "/".join(pieces[2 * api :][:2]), pieces[2 * api + 2 :]
        files = self.repositories.get(repository)
        if files is None:
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, with_body)
        if api and rest[:1] == ["tree"]:
            return self.send(200, json.dumps([self.entry(name, data) for name, data in files.items()]).encode(), {}, with_body)
        commit = digest("".join(name + digest(data) for name, data in files.items()).encode())
        if api:
            kept = {"id": repository, "sha": commit, "siblings": [{"rfilename": name} for name in files]}
            return self.send(200, json.dumps(kept).encode(), {}, with_body)
        name = "/".join(rest[2:])
        if name not in files:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"}, with_body)
        if with_body:
            self.fetched.append(f"{repository}/{name}")
        said = {"ETag": f'"{digest(files[name])}"', "X-Repo-Commit": commit}
        self.send(200, files[name], said, with_body)

    def entry(self, name: str, data: bytes) -> dict[str, object]:
        return {"type": "file", "path": name, "size": len(data), "oid": digest(data)}

    def send(self, code: int, body: bytes, headers: Mapping[str, str], with_body: bool) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@contextmanager
def serving(repositories: Repositories) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub with these repositories, and a list that tells which files were fetched."""
    fetched: list[str] = []
    kind = type("Serving", (Handler,), {"repositories": repositories, "fetched": fetched})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fetched
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
