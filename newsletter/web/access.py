"""The access log: a line for each request, by its route and not by its path, which may be somebody's personal link."""

import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()
QUIET = ("health.healthz", "static", "bootstrap.static")
"""Routes whose good answers are no event."""


def install(app: Flask) -> None:
    """Count the time of each request, and tell it."""
    app.before_request(_begin)
    app.after_request(_told)


def route() -> str:
    """The route of this request as it stands in the code, such as `/confirm/<token>`."""
    return request.url_rule.rule if request.url_rule is not None else "(no route)"


def unexpected(exc_info: Any) -> None:
    """An error that no page explains."""
    log.error("unexpected", method=request.method, route=route(), exc_info=exc_info)


def _begin() -> None:
    g.began = time.monotonic()


def _told(response: Response) -> Response:
    if request.endpoint not in QUIET or response.status_code >= 400:
        took = round((time.monotonic() - g.get("began", time.monotonic())) * 1000)
        log.info("request", method=request.method, route=route(), status=response.status_code, ms=took)
    return response
