"""The access log: a line per request, with its route instead of its path, which may be a personal link."""

import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()
QUIET = ("health.healthz", "static", "bootstrap.static")
"""Routes whose successful responses are not logged."""


def install(app: Flask) -> None:
    """Time and log each request."""
    app.before_request(_begin)
    app.after_request(_log)


def route() -> str:
    """The rule of this request's route, such as `/confirm/<token>`."""
    return request.url_rule.rule if request.url_rule is not None else "(no route)"


def unexpected(exc_info: Any) -> None:
    """Log an unhandled exception."""
    log.error("unexpected", method=request.method, route=route(), exc_info=exc_info)


def _begin() -> None:
    g.began = time.monotonic()


def _log(response: Response) -> Response:
    if request.endpoint not in QUIET or response.status_code >= 400:
        took = round((time.monotonic() - g.get("began", time.monotonic())) * 1000)
        log.info("request", method=request.method, route=route(), status=response.status_code, ms=took)
    return response
