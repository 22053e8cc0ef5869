"""The web's door: hands the Flask application one Runtime."""

import multiprocessing
import signal

from flask import Flask

from newsletter import jobs, parent, web
from newsletter.lateness import Lateness
from newsletter.log import configure
from newsletter.mail_domains import AskedDomains
from newsletter.runtime import Runtime, build
from newsletter.settings import Settings, load
from newsletter.web.front import Front
from newsletter.workers import make_celery


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> Flask:
    """The web application. Connects to nothing until the first request."""
    settings = settings or (runtime.settings if runtime else load())
    configure()
    rt = runtime or build(settings, domains=AskedDomains() if settings.looks_domains_up else None)
    return web.create(rt, jobs.DeliveryTrigger(make_celery(settings, patient=False)))


def create_front() -> Front:
    """What granian serves: the application behind a front that holds no thread for a slow connection.

    In a process of granian's own; that would go on serving after granian was killed. It is killed outright then: what
    SIGTERM does is granian's to say, and until it serves that is nothing.
    """
    if granian := multiprocessing.parent_process():
        parent.die_with(granian.pid or 0, signal.SIGKILL)
    settings = load()
    return Front(create_app(settings), took=Lateness.of(settings.data_dir).note)
