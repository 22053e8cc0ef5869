"""The modules that the product's processes share: the supervisor imports them before it forks the processes.

Reads no setting and connects to nothing. A module missing here costs memory, not correctness.
"""
# ruff: noqa: F401

import gc
import sys

import celery.apps.beat
import celery.apps.worker
import celery.backends.base
import celery.bin.celery
import celery.concurrency.prefork
import celery.fixups.django
import granian.cli
import granian.server.mp
import jinja2.ext
import kombu.transport.redis
import psycopg
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite
from sqlalchemy.orm import configure_mappers

import newsletter.app
import newsletter.mailbox
import newsletter.workers
from newsletter.languages import SOURCE
from newsletter.mail.render import environment
from newsletter.settings import ROOT

if sys.platform == "linux":
    import valkey  # the rate limits of the site's forms use it if it is installed


def freeze() -> None:
    """Before the first fork, do what every process would do for itself, and freeze the garbage collector.

    The collector does not touch frozen objects, so their memory pages stay shared.
    """
    configure_mappers()
    environment.warm(ROOT / "templates" / "email")
    SOURCE.direction  # noqa: B018 - Babel reads the language's file
    gc.collect()
    gc.freeze()
