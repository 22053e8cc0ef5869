"""Front: the adapter between granian (RSGI) and Flask (WSGI).

Threads are scarce, connections are not. So the event loop reads each body, within a deadline and a size limit; only a
complete request gets a thread, which is free as soon as the response is complete, however slow the client. Granian
enforces the deadlines for headers (`supervisor.web_command`).
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
"""Per process; fewer than the database pool's connections (15)."""
WAITING = 400
"""Complete requests in the queue or being served; more get 503, so that a hanging database cannot exhaust memory."""
GRACE = 10.0
"""Seconds for a body, plus one for every `SLOWEST` octets."""
SLOWEST = 16 * 1024
IN_MEMORY = 512 * 1024
DRAIN_FOR = 2.0
"""Seconds to keep reading a refused body, so that its sender gets the response instead of a reset."""
TOO_LONG, TOO_SLOW = 413, 408
BUSY = b"Too many people are here just now. Please try again in a few seconds.\n"
log = structlog.get_logger()
Headers = list[tuple[str, str]]


class TooLarge(Exception):
    """The body exceeds the limit."""


class Gone(Exception):
    """The client disconnected before the end of its request."""


class Front:
    """The RSGI application."""

    def __init__(self, app: Flask, threads: int = THREADS, grace: float = GRACE,
                 took: Callable[[float], None] = lambda _: None) -> None:  # fmt: skip
        """`took` is called with the seconds each response took after its request was complete."""
        self._app = app
        self._took = took
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._grace = grace
        self._inside = 0

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Serve one request."""
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
            await _drain(proto)

    async def _in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._inside -= 1

    async def _collect(self, proto: Any, environ: dict[str, Any], body: IO[bytes]) -> None:
        """Read the body; for a refused one store the status in the environ. Raises Gone."""
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
        """Run Flask in a thread; returns status, headers and the body or the path of its file."""
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
    """A file response that granian streams itself, at the client's pace."""

    @property
    def path(self) -> str:
        name = getattr(self.file, "name", "")
        return name if isinstance(name, str) else ""


def _no_write(_: bytes) -> None:
    raise NotImplementedError("PEP 3333's write() is for old frameworks; answers are returned here")


def public_allowance(app: Flask, environ: Mapping[str, object]) -> int | None:
    """The octets of body to read for this request; 0 if none would be used.

    None: ask `owner_allowance`. Uses no database, so that it can run in the event loop.
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
    """The octets of body to read for a page of the owner's area; 0 without a session cookie.

    An expired session still allows up to `TEXT`, so that the page can give back what the owner typed.
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


async def _drain(proto: Any) -> None:
    with suppress(Exception):  # the response has been sent already
        async with asyncio.timeout(DRAIN_FOR):
            async for _ in proto:
                pass


def has_body(environ: dict[str, Any]) -> bool:
    """Whether the request has a body (RFC 9112 §6.3)."""
    return declared_length(environ) != 0


def declared_length(environ: dict[str, Any]) -> int | None:
    """The Content-Length; None for a chunked body."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        return None
    typed = environ.get("CONTENT_LENGTH", "")
    return int(typed) if typed.isascii() and typed.isdigit() else 0


def environment(scope: Any) -> dict[str, Any]:
    """The WSGI environ (PEP 3333) for an RSGI scope, without the body."""
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
        if "_" in name:  # could spoof a header with hyphens, such as X-Forwarded-For
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value


def _latin(text: str) -> str:
    return text.encode("utf-8", "replace").decode("latin-1")
