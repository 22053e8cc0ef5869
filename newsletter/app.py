"""The web's door: hands the Flask application one Runtime."""

from flask import Flask

from newsletter import jobs, web
from newsletter.log import configure
from newsletter.runtime import Runtime, build
from newsletter.settings import Settings, load
from newsletter.workers import make_celery

GIVE_UP_AT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "socket_timeout": 1.0}
"""A page does not wait for a Redis that is gone or hangs (kombu would, for ever): the next tick sends the mail."""


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> Flask:
    """The web application. Connects to nothing until the first request."""
    settings = settings or (runtime.settings if runtime else load())
    configure()
    rt = runtime or build(settings)
    celery = make_celery(settings)
    celery.conf.broker_transport_options |= GIVE_UP_AT_ONCE
    return web.create(rt, jobs.Crank(celery))
