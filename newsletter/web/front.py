"""Front: between granian's sockets (RSGI) and Flask (WSGI).

A thread is worth much and a connection little. So a body is collected here, by the event loop, against a deadline and
a limit; only a request that is whole gets a thread, and the thread is free again when the answer is whole, however
slowly somebody reads it. Header deadlines are granian's own (`supervisor.web_command`).
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import structlog
from flask import Flask, request
from flask import session as cookie
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import FileWrapper

from newsletter.web.bodies import REFUSED, TEXT, largest
from newsletter.web.origin import settle
from newsletter.web.owner.door import OPEN_TO_ALL
from newsletter.web.security import runtime_settings

THREADS = 12
"""In each process; fewer than the connections of a database pool (15)."""
WAITING = 400
"""Whole requests that may wait for a thread; more are told to come back. A database that hangs must not eat memory."""
GRACE = 10.0
"""Seconds for a body, and a second more for every `SLOWEST` octets."""
SLOWEST = 16 * 1024
IN_MEMORY = 512 * 1024
LINGER = 2.0
"""Seconds in which a refused body is read on and thrown away, so that its sender sees the answer, not a reset."""
TOO_LONG, TOO_SLOW = 413, 408
BUSY = b"Too many people are here just now. Please try again in a few seconds.\n"
log = structlog.get_logger()
Headers = list[tuple[str, str]]


class TooLarge(Exception):
    """More octets came than are allowed."""


class Gone(Exception):
    """The other side went away in the middle of its request."""


class Front:
    """The application as granian sees it."""

    def __init__(self, app: Flask, threads: int = THREADS, grace: float = GRACE,
                 took: Callable[[float], None] = lambda _: None) -> None:  # fmt: skip
        """`took` is told the seconds of each answer, from the moment that its request was whole."""
        self._app = app
        self._took = took
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._grace = grace
        self._inside = 0

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """One request."""
        if self._inside >= WAITING:
            proto.response_bytes(503, [("content-type", "text/plain"), ("retry-after", "5")], BUSY)
            return
        environ = environment(scope)
        body: IO[bytes] = BytesIO()
        try:
            if has_body(environ):
                body = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed below
                await self._collect(proto, environ, body)
            whole = time.monotonic()
            status, headers, answer = await self._in_thread(self._answer, environ, body)
            self._took(time.monotonic() - whole)
        except Gone:
            proto.response_empty(400, [("connection", "close")])
            return
        finally:
            body.close()
        if REFUSED in environ:
            headers.append(("connection", "close"))
        if isinstance(answer, str):
            proto.response_file(status, headers, answer)
        else:
            proto.response_bytes(status, headers, answer)
        if REFUSED in environ:
            await _linger(proto)

    async def _in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._inside -= 1

    async def _collect(self, proto: Any, environ: dict[str, Any], body: IO[bytes]) -> None:
        """Read the body; what is not taken leaves its status in the environment."""
        declared, allowed = declared_length(environ), public_allowance(self._app, environ)
        if allowed is None:
            allowed = await self._in_thread(owner_allowance, self._app, environ)
        environ["CONTENT_LENGTH"] = "0"
        if allowed == 0:
            return
        if declared is not None and declared > allowed:
            environ[REFUSED] = TOO_LONG
            return
        try:
            async with asyncio.timeout(self._grace + (declared or allowed) / SLOWEST):
                size = await _read(proto, body, allowed)
        except TooLarge:
            environ[REFUSED] = TOO_LONG
            return
        except TimeoutError:
            environ[REFUSED] = TOO_SLOW
            return
        if declared is not None and size != declared:
            raise Gone
        body.seek(0)
        environ["CONTENT_LENGTH"] = str(size)

    def _answer(self, environ: dict[str, Any], body: IO[bytes]) -> tuple[int, Headers, bytes | str]:
        """In a thread: the whole answer, or the path of the file that is its body."""
        said: list[Any] = []
        environ["wsgi.input"] = body

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], None]:
            said[:] = [int(status.split(" ", 1)[0]), headers]
            return _no_write

        parts = self._app.wsgi_app(environ, start)
        try:
            answer = parts.path if isinstance(parts, _File) and parts.path else b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return said[0], said[1], answer


class _File(FileWrapper):
    """A file that is sent as it is: granian reads it by itself, at the pace of whoever downloads it."""

    @property
    def path(self) -> str:
        name = getattr(self.file, "name", "")
        return name if isinstance(name, str) else ""


def _no_write(_: bytes) -> None:
    raise NotImplementedError("PEP 3333's write() is for old frameworks; answers are returned here")


def public_allowance(app: Flask, environ: Mapping[str, object]) -> int | None:
    """The octets of body to read for this request; 0: none, because nothing of it would be used.

    None: `owner_allowance` knows. This one opens nothing and is quick enough for the event loop.
    """
    settled = dict(environ)
    if settle(settled, runtime_settings(app)) is not None:
        return 0
    asked = app.request_class(settled)
    try:
        adapter = app.create_url_adapter(asked)
        endpoint = adapter.match(method=asked.method)[0] if adapter else ""
    except HTTPException:
        return 0
    return None if endpoint.startswith("owner.") and endpoint not in OPEN_TO_ALL else largest(endpoint)


def owner_allowance(app: Flask, environ: Mapping[str, object]) -> int:
    """The same for a page of the owner's area: nothing without a cookie of a session.

    One that has ended meanwhile still counts, up to the size of an article: the page then gives back what its owner had
    typed.
    """
    settled = dict(environ)
    settle(settled, runtime_settings(app))
    with app.request_context(settled):
        endpoint = request.endpoint
        if not cookie.get("_user_id"):
            return 0
        if largest(endpoint) > TEXT and not current_user.is_authenticated:
            return 0
        return largest(endpoint)


async def _read(proto: Any, body: IO[bytes], allowed: int) -> int:
    size = 0
    async for piece in proto:
        size += len(piece)
        if size > allowed:
            raise TooLarge
        body.write(piece)
    return size


async def _linger(proto: Any) -> None:
    with suppress(Exception):  # the answer is out: nothing that happens here matters to anybody
        async with asyncio.timeout(LINGER):
            async for _ in proto:
                pass


def has_body(environ: dict[str, Any]) -> bool:
    """Whether octets follow the headers (RFC 9112 §6.3)."""
    return declared_length(environ) != 0


def declared_length(environ: dict[str, Any]) -> int | None:
    """What Content-Length says; None: the body comes in chunks, and nobody knows."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    typed = environ.get("CONTENT_LENGTH", "")
    return int(typed) if typed.isascii() and typed.isdigit() else 0


def environment(scope: Any) -> dict[str, Any]:
    """PEP 3333's dictionary for an RSGI scope, without the body."""
    host, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method, "SCRIPT_NAME": "", "PATH_INFO": _latin(scope.path),
        "QUERY_STRING": _latin(scope.query_string), "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host, "SERVER_PORT": port, "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0), "wsgi.url_scheme": scope.scheme, "wsgi.errors": sys.stderr, "wsgi.multithread": True,
        "wsgi.multiprocess": True, "wsgi.run_once": False, "wsgi.input_terminated": True, "wsgi.file_wrapper": _File,
    }  # fmt: skip
    _add_headers(environ, scope.headers.items())
    return environ


def _add_headers(environ: dict[str, Any], headers: Iterable[tuple[str, str]]) -> None:
    for name, value in headers:
        if "_" in name:  # it would pass for one with hyphens: X_Forwarded_For for what the proxy wrote
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value


def _latin(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")
